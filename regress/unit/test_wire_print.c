/*
 * The one-line print of a message against goldens, names of every list, and
 * identities as text. No byte of a peer reaches the text unescaped.
 */
#include <check.h>

#include "regress/unit/wire_util.h"

static char line[512];

static const char *
print(const uint8_t *m, size_t len)
{
	struct txt t;

	txt_init(&t, line, sizeof(line));
	wire_print(&t, m, len);
	return (line);
}

static size_t
msg_begin(struct wr *w, struct chain_wr *c, uint8_t *m, size_t cap,
    uint8_t exchange, uint8_t flags, uint32_t msgid)
{
	struct ike_hdr h = {
		.spi_i = 0x0102030405060708, .spi_r = 0xa0, .version = 0x20,
		.exchange = exchange, .flags = flags, .msgid = msgid
	};

	wr_init(w, m, cap);
	ck_assert_int_eq(wire_hdr_build(w, &h), 0);
	wire_put_start(c, w, 16);
	return (w->len);
}

START_TEST(golden)
{
	uint8_t m[512], body[8] = { 0, 1, 0, 3, 9, 9, 9, 9 };
	struct proposal_out p = { .num = 1, .proto = PROTO_IKE, .n = 1,
		.t = { { .type = T_ENCR, .id = 20, .bits = 256,
		    .has_bits = 1 } } };
	struct chain_wr c;
	struct wr w;

	msg_begin(&w, &c, m, sizeof(m), EX_IKE_SA_INIT, IKE_F_I, 0);
	ck_assert_int_eq(wire_put_sa(&c, &p, 1), 0);
	ck_assert_int_eq(wire_put_ke(&c, 31, body, 8), 0);
	ck_assert_int_eq(wire_put_bytes(&c, PL_NONCE, body, 8), 0);
	ck_assert_int_eq(wire_put_notify(&c, 0, NULL, 0,
	    NT_IKEV2_FRAGMENTATION_SUPPORTED, NULL, 0), 0);
	ck_assert_int_eq(wire_put_notify(&c, 0, NULL, 0, 40000, "x", 1), 0);
	ck_assert_int_eq(wire_put_bytes(&c, PL_VENDOR, "evil\n", 5), 0);
	ck_assert_int_eq(wire_put_bytes(&c, 200, body, 8), 0);
	ck_assert_int_eq(wire_hdr_fix_length(m, w.len), 0);
	ck_assert_str_eq(print(m, w.len),
	    "IKE_SA_INIT request 0 from i 0102030405060708:00000000000000a0 "
	    "{ SA KE No N(IKEV2_FRAGMENTATION_SUPPORTED) N(notify-40000) V "
	    "payload-200 }");
	ck_assert_str_eq(print(m, w.len - 1),
	    "IKE_SA_INIT request 0 from i 0102030405060708:00000000000000a0 "
	    "{ SA KE No N(IKEV2_FRAGMENTATION_SUPPORTED) N(notify-40000) V "
	    "} malformed wrong length");
	msg_begin(&w, &c, m, sizeof(m), EX_IKE_AUTH, IKE_F_R, 7);
	m[17] = 0x30;
	ck_assert_int_eq(wire_put_bytes(&c, PL_SKF, body, 8), 0);
	ck_assert_int_eq(wire_hdr_fix_length(m, w.len), 0);
	ck_assert_str_eq(print(m, w.len),
	    "IKE_AUTH response 7 from r 0102030405060708:00000000000000a0 "
	    "version 3 { SKF(1/3) }");
	ck_assert_str_eq(print(m, 27), "no IKE header in 27 bytes");
	m[18] = 99;
	m[28 + 5] = 9;
	ck_assert_str_eq(print(m, w.len),
	    "exchange-99 response 7 from r 0102030405060708:00000000000000a0 "
	    "version 3 { SKF(malformed) }");
	ck_assert_int_eq(wire_hdr_fix_length(m, 27), ERR_RANGE);
}
END_TEST

/* A long message ends in "~" and stays within its buffer. */
START_TEST(cut)
{
	static uint8_t m[4096];
	char small[40];
	struct chain_wr c;
	struct txt t;
	struct wr w;

	msg_begin(&w, &c, m, sizeof(m), EX_INFORMATIONAL, 0, 1);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(wire_put_bytes(&c, PL_VENDOR, "v", 1), 0);
	txt_init(&t, small, sizeof(small));
	wire_print(&t, m, w.len);
	ck_assert_uint_eq(strlen(small), sizeof(small) - 1);
	ck_assert_int_eq(small[sizeof(small) - 2], '~');
}
END_TEST

START_TEST(names)
{
	char buf[32];

	ck_assert_str_eq(wire_payload_name(PL_TSI, buf, sizeof(buf)), "TSi");
	ck_assert_str_eq(wire_payload_name(1, buf, sizeof(buf)), "payload-1");
	ck_assert_str_eq(wire_notify_name(NT_COOKIE, buf, sizeof(buf)),
	    "COOKIE");
	ck_assert_str_eq(wire_notify_name(65535, buf, sizeof(buf)),
	    "notify-65535");
	ck_assert_str_eq(wire_exchange_name(37, buf, sizeof(buf)),
	    "INFORMATIONAL");
	ck_assert_str_eq(wire_exchange_name(255, buf, sizeof(buf)),
	    "exchange-255");
	ck_assert_str_eq(wire_exchange_name(255, buf, 5), "exc~");
}
END_TEST

static const struct {
	const char *hex, *text;
} ids[] = {
	{ "02000000 76706e2e6578", "vpn.ex" },
	{ "03000000 6140622e63", "a@b.c" },
	{ "01000000 c0000201", "192.0.2.1" },
	{ "05000000 20010db8 *11 00 01", "2001:db8::1" },
	{ "0b000000 0a0b", "keyid:0a0b" },
	{ "0bffffff 0a0b", "keyid:0a0b" },
	{ "09000000 3000", "\"\"" },
	{ "09000000 300c310a300806035504030c0161", "\"CN=a\"" },
	{ "09000000 300c310a300806035504030c0122", "\"CN=\\\"\"" },
	{ "09000000 300130", "dn:300130" },
	{ "0a000000 8200", "gn:8200" },
	{ "02000000 61223d5c1b", "a\\x22\\x3d\\x5c\\x1b" },
	{ "02000000 610a62", "bad-id:02000000610a62" },
	{ "04000000 61", "bad-id:0400000061" },
	{ "01000000 c00002", "bad-id:01000000c00002" },
	{ "", "bad-id:" },
};

START_TEST(id_text)
{
	uint8_t m[64];
	struct txt t;
	size_t len;

	len = unhex(ids[_i].hex, m, sizeof(m));
	txt_init(&t, line, sizeof(line));
	wire_id_txt(&t, m, len);
	ck_assert_str_eq(line, ids[_i].text);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("wire_print");
	TCase *t = tcase_create("print");
	SRunner *sr;
	int bad;

	tcase_add_test(t, golden);
	tcase_add_test(t, cut);
	tcase_add_test(t, names);
	tcase_add_loop_test(t, id_text, 0, sizeof(ids) / sizeof(ids[0]));
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	bad = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (bad != 0);
}
