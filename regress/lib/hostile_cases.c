/*
 * The hostile cases, one row each at the end of this file; `check` is the
 * number in the project's list of responder checks. The functions above the
 * table do one thing each to a message.
 */
#include "regress/lib/init_int.h"

/* ---- IKE_SA_INIT, or any header, as bytes ---- */
#define VERSION_AT 17
#define EXCHANGE_AT 18
#define FLAGS_AT 19
#define MSGID_AT 23
#define LENGTH_AT 27
#define RAW(name, ...)                                       \
	static size_t                                        \
	name(uint8_t *p, size_t len, size_t cap)             \
	{                                                    \
		(void)p;                                     \
		NEED(cap >= len + 8);                        \
		__VA_ARGS__                                  \
		return (len);                                \
	}

RAW(minor_1, p[VERSION_AT] = 0x21;)
RAW(major_3, p[VERSION_AT] = 0x30;)
RAW(major_1, p[VERSION_AT] = 0x10;)
RAW(v_flag, p[FLAGS_AT] |= 0x10;)
RAW(x_flags, p[FLAGS_AT] |= 0xc7;)
RAW(r_flag, p[FLAGS_AT] |= 0x20;)
RAW(no_i_flag, p[FLAGS_AT] = 0;)
RAW(spi_i_0, memset(p, 0, 8);)
RAW(spi_r_set, memset(p + 8, 7, 8);)
RAW(msgid_1, p[MSGID_AT] = 1;)
RAW(length_over, p[LENGTH_AT]++;)
RAW(length_under, memset(p + len, 0, 4); len += 4;)
RAW(length_27, p[LENGTH_AT - 1] = 0; p[LENGTH_AT] = 27;)
RAW(short_27, len = 27;)
RAW(short_1, len = 1;)
RAW(short_0, len = 0;)
RAW(exchange_0, p[EXCHANGE_AT] = 0;)
RAW(exchange_33, p[EXCHANGE_AT] = 33;)
RAW(exchange_41, p[EXCHANGE_AT] = 41;)
RAW(exchange_240, p[EXCHANGE_AT] = 240;)
RAW(exchange_255, p[EXCHANGE_AT] = 255;)

/* ---- protected messages, as bytes ---- */
RAW(icv_bad, p[len - 1] ^= 1;)
RAW(first_byte_bad, p[len / 2] ^= 0x80;)
RAW(msgid_far, p[MSGID_AT] = (uint8_t)(p[MSGID_AT] + 5);)
RAW(as_child, p[EXCHANGE_AT] = EX_CREATE_CHILD_SA;)
RAW(as_info, p[EXCHANGE_AT] = EX_INFORMATIONAL;)
RAW(as_intermediate, p[EXCHANGE_AT] = EX_IKE_INTERMEDIATE;)
RAW(other_spi_r, p[15] ^= 0x55;)

/* What follows the header of `p` becomes this, with a true length. */
static size_t
replace_body(uint8_t *p, uint8_t first, const uint8_t *body, size_t len)
{
	p[16] = first;
	memcpy(p + IKE_HDR_LEN, body, len);
	NEED(wire_hdr_fix_length(p, IKE_HDR_LEN + len) == 0);
	return (IKE_HDR_LEN + len);
}

#define BODY(name, first, ...)                                  \
	static size_t                                           \
	name(uint8_t *p, size_t len, size_t cap)                \
	{                                                       \
		static const uint8_t body[] = { __VA_ARGS__ };  \
                                                                \
		NEED(cap >= len && cap >= sizeof(body) + 28);   \
		return (replace_body(p, first, body, sizeof(body))); \
	}

BODY(clear_delete, PL_DELETE, 0, 0, 0, 8, 1, 0, 0, 0)
BODY(clear_invalid_spi, PL_NOTIFY, 0, 0, 0, 12, 0, 0, 0, 11, 1, 2, 3, 4)
BODY(clear_auth_failed, PL_NOTIFY, 0, 0, 0, 8, 0, 0, 0, 24)
BODY(sk_empty, PL_SK, PL_IDI, 0, 0, 4)
BODY(sk_one_byte, PL_SK, PL_IDI, 0, 0, 5, 0)
BODY(skf_zero, PL_SKF, PL_IDI, 0, 0, 12, 0, 0, 0, 0, 1, 2, 3, 4)
BODY(skf_number_over, PL_SKF, PL_IDI, 0, 0, 12, 0, 3, 0, 2, 1, 2, 3, 4)
BODY(skf_total_65535, PL_SKF, PL_IDI, 0, 0, 40, 0, 1, 0xff, 0xff, 1, 2, 3, 4,
    5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
    25, 26, 27, 28, 29, 30, 31, 32)
BODY(skf_no_data, PL_SKF, PL_IDI, 0, 0, 8, 0, 1, 0, 2)
BODY(skf_short, PL_SKF, PL_IDI, 0, 0, 6, 0, 1)

/* ---- lists: any message ---- */
#define EDIT(name, ...)         \
	static void             \
	name(struct hm *m)      \
	{                       \
		__VA_ARGS__     \
	}

EDIT(unknown_1, hm_insert(m, 1, 1, "x", 1);)
EDIT(unknown_32, hm_insert(m, 1, 32, "x", 1);)
EDIT(unknown_49, hm_insert(m, 0, 49, "x", 1);)
EDIT(unknown_255, hm_insert(m, 99, 255, NULL, 0);)
EDIT(critical_1, hm_insert(m, 1, 1, "x", 1)->bits = 0x80;)
EDIT(critical_200, hm_insert(m, 99, 200, "x", 1)->bits = 0x80;)
EDIT(critical_known, for (size_t i = 0; i < m->n; i++) m->v[i].bits = 0x80;)
EDIT(reserved_bits, for (size_t i = 0; i < m->n; i++) m->v[i].bits = 0x7f;)
EDIT(length_0, m->v[0].say = 0;)
EDIT(length_3, m->v[0].say = 3;)
EDIT(overrun, m->v[m->n - 1].say = (int)m->v[m->n - 1].len + 5;)
EDIT(ends_early, m->next_of_last = PL_NOTIFY;)
EDIT(sk_inside, hm_insert(m, 99, PL_SK, "12345678901234567890", 20);)
EDIT(vendor_empty, hm_insert(m, 1, PL_VENDOR, NULL, 0);)
EDIT(notify_status, hm_insert(m, 1, PL_NOTIFY, "\0\0\xa0\0", 4);)
EDIT(notify_error, hm_insert(m, 1, PL_NOTIFY, "\0\0\x20\0", 4);)
EDIT(cookie_unasked, hm_insert(m, 0, PL_NOTIFY, "\0\0\x40\x06" "12345678", 12);)
EDIT(no_sa, hm_remove(m, PL_SA);)
EDIT(no_ke, hm_remove(m, PL_KE);)
EDIT(no_nonce, hm_remove(m, PL_NONCE);)
EDIT(no_idi, hm_remove(m, PL_IDI);)
EDIT(no_auth, hm_remove(m, PL_AUTH);)
EDIT(no_cp, hm_remove(m, PL_CP);)

static void
twice(struct hm *m, uint8_t type)
{
	struct hm_payload *p = hm_find(m, type);

	NEED(p != NULL);
	hm_insert(m, (size_t)(p - m->v), type, p->p, p->len);
}
EDIT(two_sa, twice(m, PL_SA);)
EDIT(two_ke, twice(m, PL_KE);)
EDIT(two_nonce, twice(m, PL_NONCE);)
EDIT(two_idi, twice(m, PL_IDI);)
EDIT(two_auth, twice(m, PL_AUTH);)
EDIT(two_tsi, twice(m, PL_TSI);)
EDIT(two_tsr, twice(m, PL_TSR);)

static void
reversed(struct hm *m)
{
	struct hm_payload t;

	for (size_t i = 0; i < m->n / 2; i++) {
		t = m->v[i];
		m->v[i] = m->v[m->n - 1 - i];
		m->v[m->n - 1 - i] = t;
	}
}

static void
many(struct hm *m, size_t n, uint8_t type, size_t len)
{
	static uint8_t body[60000];

	body[0] = type == PL_CERT ? 99 : 0; /* an encoding nobody knows */
	while (n-- > 0)
		hm_insert(m, m->n, type, body, len);
}
EDIT(payloads_150, many(m, 150, 200, 1);)
EDIT(payloads_240, many(m, 240, 200, 1);)
EDIT(vendor_60000, many(m, 1, PL_VENDOR, 60000);)
EDIT(vendor_3000, many(m, 1, PL_VENDOR, 3000);)
EDIT(certs_50, many(m, 50, PL_CERT, 20);)

/* ---- the IKE proposal ---- */
#define SA(name, text) EDIT(name, hm_sa(m, PROTO_IKE, text);)
#define REST "-prfsha256-x25519"
SA(sa_aead_integ, "aes256gcm16-sha256" REST)
SA(sa_aead_cbc, "aes256gcm16-aes256" REST)
SA(sa_alien_type, "aes256gcm16" REST "-99:1")
SA(sa_alien_id, "1:77:256-aes256gcm16" REST)
SA(sa_no_bits, "1:20" REST)
SA(sa_bits_chacha, "1:28:256" REST)
SA(sa_bits_0, "1:20:0" REST)
SA(sa_bits_127, "1:20:127" REST)
SA(sa_bits_65535, "1:20:65535" REST)
SA(sa_no_ke, "aes256gcm16-prfsha256")
SA(sa_ke_none, "aes256gcm16-prfsha256-4:0")
SA(sa_weak, "1:3-3:1-2:1-4:2,1:3-3:1-2:1-4:22,1:3-3:1-2:1-4:24")
SA(sa_second, "1:3-3:1-2:1-4:2,aes256gcm16" REST)
SA(sa_integ_none, "aes256gcm16-3:0" REST)

/* One byte of a fresh SA body of one proposal and three transforms. */
static void
sa_byte(struct hm *m, size_t at, uint8_t v)
{
	struct hm_payload *p;

	hm_sa(m, PROTO_IKE, "aes256gcm16" REST);
	p = hm_find(m, PL_SA);
	hm_body(m, p, p->len)[at] = v;
}
EDIT(sa_attr_unknown, sa_byte(m, 17, 15);)
EDIT(sa_count_more, sa_byte(m, 7, 4);)
EDIT(sa_count_less, sa_byte(m, 7, 2);)
EDIT(sa_esp, sa_byte(m, 5, PROTO_ESP);)
EDIT(sa_length, sa_byte(m, 3, 35);)
EDIT(sa_number_7, sa_byte(m, 4, 7);)
EDIT(sa_last_2, sa_byte(m, 0, 2);)
EDIT(sa_reserved, sa_byte(m, 1, 0xff);)

static void
sa_attr_twice(struct hm *m)
{
	struct hm_payload *p;
	uint8_t *b;

	sa_byte(m, 7, 3);
	p = hm_find(m, PL_SA);
	b = hm_body(m, p, p->len + 4);
	memmove(b + 24, b + 20, p->len - 24);
	b[3] = (uint8_t)(b[3] + 4);
	b[11] = (uint8_t)(b[11] + 4);
	memcpy(b + 20, b + 16, 4);
}

static void
sa_spi(struct hm *m)
{
	struct hm_payload *p;
	uint8_t *b;

	sa_byte(m, 6, 8);
	p = hm_find(m, PL_SA);
	b = hm_body(m, p, p->len + 8);
	memmove(b + 16, b + 8, p->len - 16);
	memset(b + 8, 0x11, 8);
	b[3] = (uint8_t)(b[3] + 8);
}

/* 64: a hundred proposals of n transforms; the last is good. */
static void
hundred(struct hm *m, uint8_t n)
{
	static struct proposal_out v[100];
	static uint8_t buf[32768];
	struct hm_payload *p = hm_find(m, PL_SA);
	struct chain_wr cw;
	struct wr w;

	memset(v, 0, sizeof(v));
	for (size_t i = 0; i < 100; i++) {
		v[i].proto = PROTO_IKE;
		v[i].n = n;
		for (size_t k = 0; k < n; k++)
			v[i].t[k] = (struct transform){ .type = T_ENCR,
				.id = (uint16_t)(1000 + k) };
	}
	NEED(init_proposals(&v[99], 1, PROTO_IKE, "aes256gcm16" REST) == 1);
	for (size_t i = 0; i < 100; i++)
		v[i].num = (uint8_t)(i + 1);
	wr_init(&w, buf, sizeof(buf));
	NEED(wr_u8(&w, 0) == 0);
	wire_put_start(&cw, &w, 0);
	NEED(wire_put_sa(&cw, v, 100) == 0);
	memcpy(hm_body(m, p, w.len - 5), buf + 5, w.len - 5);
}
EDIT(sa_hundred, hundred(m, 4);)
EDIT(sa_hundred_20, hundred(m, 20);)

/* ---- nonce and KE ---- */
static void
nonce(struct hm *m, size_t len)
{
	hm_body(m, hm_find(m, PL_NONCE), len);
}
EDIT(nonce_0, nonce(m, 0);)
EDIT(nonce_15, nonce(m, 15);)
EDIT(nonce_257, nonce(m, 257);)

static void
ke_len(struct hm *m, size_t len)
{
	hm_body(m, hm_find(m, PL_KE), 4 + len);
}
EDIT(ke_31, hm_sa(m, PROTO_IKE, "aes256gcm16" REST); ke_len(m, 31);)
EDIT(ke_33, hm_sa(m, PROTO_IKE, "aes256gcm16" REST); ke_len(m, 33);)
EDIT(ke_empty, hm_body(m, hm_find(m, PL_KE), 4);)
EDIT(ke_reserved, hm_body(m, hm_find(m, PL_KE), hm_find(m, PL_KE)->len)[2] = 9;)
EDIT(ke_group_0, hm_ke(m, 0, 1, 32);)
EDIT(ke_group_1025, hm_ke(m, 1025, 1, 32);)
EDIT(ke_group_65535, hm_ke(m, 65535, 1, 32);)
EDIT(x25519_zero, hm_sa(m, PROTO_IKE, "aes256gcm16" REST);
    hm_ke(m, 31, 0, 32);)
#define WITH(g) hm_sa(m, PROTO_IKE, "aes256gcm16-prfsha256-" g)
EDIT(modp_0, WITH("modp2048"); hm_ke(m, 14, 0, 256);)
EDIT(modp_1, WITH("modp2048"); hm_ke(m, 14, 0, 256);
    hm_body(m, hm_find(m, PL_KE), 260)[259] = 1;)
EDIT(modp_max, WITH("modp2048"); hm_ke(m, 14, 0xff, 256);)
EDIT(ecp_off_curve, WITH("ecp256"); hm_ke(m, 19, 0x11, 64);)
EDIT(ecp_zero, WITH("ecp256"); hm_ke(m, 19, 0, 64);)

/* ---- inside IKE_AUTH ---- */
static void
set_byte(struct hm *m, uint8_t type, size_t at, uint8_t v)
{
	struct hm_payload *p = hm_find(m, type);

	NEED(p != NULL && at < p->len);
	hm_body(m, p, p->len)[at] = v;
}

static void
set_len(struct hm *m, uint8_t type, size_t len)
{
	NEED(hm_find(m, type) != NULL);
	hm_body(m, hm_find(m, type), len);
}
EDIT(id_type_0, set_byte(m, PL_IDI, 0, 0);)
EDIT(id_type_4, set_byte(m, PL_IDI, 0, 4);)
EDIT(id_type_255, set_byte(m, PL_IDI, 0, 255);)
EDIT(id_empty, set_len(m, PL_IDI, 4);)
EDIT(id_no_body, set_len(m, PL_IDI, 0);)
EDIT(id_ip_long, set_byte(m, PL_IDI, 0, ID_IPV4_ADDR); set_len(m, PL_IDI, 9);)
EDIT(id_dn_bad, set_byte(m, PL_IDI, 0, ID_DER_ASN1_DN);)
EDIT(id_6000, set_len(m, PL_IDI, 6000);)
EDIT(auth_method_0, set_byte(m, PL_AUTH, 0, 0);)
EDIT(auth_method_5, set_byte(m, PL_AUTH, 0, 5);)
EDIT(auth_method_255, set_byte(m, PL_AUTH, 0, 255);)
EDIT(auth_empty, set_len(m, PL_AUTH, 4);)
EDIT(auth_1, set_len(m, PL_AUTH, 5);)
EDIT(auth_long, set_len(m, PL_AUTH, 4000);)
EDIT(auth_reserved, set_byte(m, PL_AUTH, 2, 9);)
EDIT(cp_set, set_byte(m, PL_CP, 0, CFG_SET);)
EDIT(cp_overrun, set_byte(m, PL_CP, 7, 200);)
EDIT(cp_reserved, set_byte(m, PL_CP, 2, 9);)
EDIT(cp_r_bit, hm_body(m, hm_find(m, PL_CP), hm_find(m, PL_CP)->len)[4] |=
    0x80;)
EDIT(ts_count_0, set_byte(m, PL_TSI, 0, 0);)
EDIT(ts_count_255, set_byte(m, PL_TSI, 0, 255);)
EDIT(ts_reserved, set_byte(m, PL_TSI, 2, 9);)
EDIT(ts_length, set_byte(m, PL_TSI, 7, 9);)
EDIT(ts_unknown, set_byte(m, PL_TSI, 4, 99); set_byte(m, PL_TSI, 20, 98);)
EDIT(ts_backwards, set_byte(m, PL_TSI, 12, 0xff); set_byte(m, PL_TSI, 16, 1);)
EDIT(ts_ports, set_byte(m, PL_TSI, 9, 2); set_byte(m, PL_TSI, 10, 0);
    set_byte(m, PL_TSI, 11, 1);)

static void
ts_disjoint(struct hm *m)
{
	struct payload_ts {
		uint8_t b[20];
	} ts = { { 1, 0, 0, 0, 7, 0, 0, 16, 0, 0, 0xff, 0xff, 203, 0, 113, 1,
	    203, 0, 113, 1 } };

	memcpy(hm_body(m, hm_find(m, PL_TSI), 20), ts.b, 20);
	memcpy(hm_body(m, hm_find(m, PL_TSR), 20), ts.b, 20);
}

static void
esp_spi(struct hm *m, uint8_t low)
{
	struct hm_payload *sa;
	uint8_t *b;

	hm_sa(m, PROTO_ESP, "aes256gcm16-noesn");
	sa = hm_find(m, PL_SA);
	b = hm_body(m, sa, sa->len);
	memset(b + 8, 0, 4);
	b[11] = low;
}
EDIT(esp_spi_0, esp_spi(m, 0);)
EDIT(esp_spi_255, esp_spi(m, 255);)
EDIT(esp_none_fits, hm_sa(m, PROTO_ESP, "1:2-3:1-noesn");)
EDIT(esp_no_esn, hm_sa(m, PROTO_ESP, "aes256gcm16");)
EDIT(transport, hm_insert(m, 99, PL_NOTIFY, "\0\0\x40\x07", 4);)
EDIT(ipcomp, hm_insert(m, 99, PL_NOTIFY, "\0\0\x40\x03\1\2\2", 7);)

/* ---- INFORMATIONAL and CREATE_CHILD_SA of a client that is up ---- */
static void
del(struct hm *m, uint8_t proto, uint8_t size, uint16_t n, size_t bytes)
{
	static uint8_t b[4 + 40000];

	memset(b, 0x33, sizeof(b));
	b[0] = proto;
	b[1] = size;
	b[2] = (uint8_t)(n >> 8);
	b[3] = (uint8_t)n;
	hm_insert(m, 99, PL_DELETE, b, 4 + bytes);
}
EDIT(del_unknown, del(m, PROTO_ESP, 4, 1, 4);)
EDIT(del_same_twice, del(m, PROTO_ESP, 4, 2, 8);)
EDIT(del_9000, del(m, PROTO_ESP, 4, 9000, 36000);)
EDIT(del_count, del(m, PROTO_ESP, 4, 2, 4);)
EDIT(del_count_65535, del(m, PROTO_ESP, 4, 65535, 4);)
EDIT(del_size_8, del(m, PROTO_ESP, 8, 1, 8);)
EDIT(del_ah, del(m, PROTO_AH, 4, 1, 4);)
EDIT(del_255, del(m, 255, 4, 1, 4);)
EDIT(del_ike_twice, del(m, PROTO_IKE, 0, 0, 0); del(m, PROTO_IKE, 0, 0, 0);)
EDIT(del_ike_esp, del(m, PROTO_IKE, 0, 0, 0); del(m, PROTO_ESP, 4, 1, 4);)
EDIT(info_short, hm_insert(m, 0, PL_NOTIFY, "\0", 1);)
EDIT(info_length_0, hm_insert(m, 0, PL_NOTIFY, "\0\0\x40\0", 4)->say = 0;)
EDIT(info_sa, hm_insert(m, 0, PL_SA, "12345678", 8);)
EDIT(info_nothing, (void)m;)
EDIT(rekey_unknown, hm_insert(m, 0, PL_NOTIFY, "\3\4\x40\x09\1\2\3\4", 8);)
EDIT(rekey_proto_0, hm_insert(m, 0, PL_NOTIFY, "\0\4\x40\x09\1\2\3\4", 8);)
EDIT(rekey_proto_1, hm_insert(m, 0, PL_NOTIFY, "\1\4\x40\x09\1\2\3\4", 8);)
EDIT(rekey_proto_255, hm_insert(m, 0, PL_NOTIFY, "\xff\4\x40\x09\1\2\3\4", 8);)
EDIT(rekey_spi_overrun, hm_insert(m, 0, PL_NOTIFY, "\3\xff\x40\x09\1", 5);)

/* ---- the table ---- */
#define BYTES(stage, check, fn, expect, notify) \
	{ #stage "/" #fn, check, HS_##stage, NULL, fn, expect, notify },
#define LIST(stage, check, fn, expect, notify) \
	{ #stage "/" #fn, check, HS_##stage, fn, NULL, expect, notify },
#define SYN NT_INVALID_SYNTAX
#define NPC NT_NO_PROPOSAL_CHOSEN
#define QUIET HX_SILENCE
#define REFUSED (HX_SILENCE | HX_NOTIFY)
#define BROKEN (HX_NOTIFY | HX_CLOSED)
#define ALIVE (HX_NOTIFY | HX_ANSWER)

static const struct init_hostile cases[] = {
#include "regress/lib/hostile.def"
};

const struct init_hostile *
init_hostile_at(size_t i)
{
	return (i < sizeof(cases) / sizeof(cases[0]) ? &cases[i] : NULL);
}
