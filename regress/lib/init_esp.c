/*
 * ESP of the initiator's child (RFC 4303), and an ICMP echo to send in it. It
 * shares only the AEAD with the data plane that it tests. In: inner packets;
 * out: ESP packets; and back.
 */
#include "privsep/crypto/prf.h"
#include "regress/lib/init_int.h"

#define ESP_HDR_LEN 8

int
init_esp_new(struct init_esp *e, const struct init_client *c)
{
	const struct init_child *k = &c->child;
	int err;

	memset(e, 0, sizeof(*e));
	if (!k->up)
		return (ERR_STATE);
	e->encr = suite_encr(k->algs.encr, k->algs.encr_bits);
	e->integ = suite_integ(k->algs.integ);
	e->spi_in = k->spi_in;
	e->spi_out = k->spi_out;
	e->esn = k->algs.esn == 1;
	if ((err = aead_new(&e->seal, e->encr, e->integ, AEAD_SEAL,
	    k->key_out.p, k->key_out.len)) == 0)
		err = aead_new(&e->open, e->encr, e->integ, AEAD_OPEN,
		    k->key_in.p, k->key_in.len);
	if (err != 0)
		init_esp_free(e);
	return (err);
}

void
init_esp_free(struct init_esp *e)
{
	aead_free(e->seal);
	aead_free(e->open);
	memset(e, 0, sizeof(*e));
}

static void
put_iv(struct init_esp *e, uint8_t *iv)
{
	if (e->encr->block > 1) {
		rand_bytes(iv, e->encr->iv_len);
		return;
	}
	memset(iv, 0, e->encr->iv_len);
	for (size_t i = 0; i < 8 && i < e->encr->iv_len; i++)
		iv[e->encr->iv_len - 1 - i] = (uint8_t)(e->seq >> (8 * i));
}

long
init_esp_seal(struct init_esp *e, const uint8_t *inner, size_t len,
    uint8_t next, size_t tfc, uint8_t *out, size_t cap)
{
	size_t icv = aead_icv_len(e->encr, e->integ), align, pad, text;
	struct aead_op op = { .aad = out, .aad_len = ESP_HDR_LEN };
	uint8_t *p, *iv;
	struct wr w;
	int err;

	align = e->encr->block > 4 ? e->encr->block : 4;
	pad = (align - (len + tfc + 2) % align) % align;
	text = len + tfc + pad + 2;
	e->seq++;
	wr_init(&w, out, cap);
	if (wr_u32(&w, e->spi_out) || wr_u32(&w, (uint32_t)e->seq) ||
	    wr_reserve(&w, e->encr->iv_len, &iv) || wr_reserve(&w, text, &p))
		return (ERR_SPACE);
	put_iv(e, iv);
	memcpy(p, inner, len);
	memset(p + len, 0, tfc);
	for (size_t i = 0; i < pad; i++)
		p[len + tfc + i] = (uint8_t)(i + 1);
	p[text - 2] = (uint8_t)pad;
	p[text - 1] = next;
	op.iv = iv;
	op.esn = e->esn;
	op.esn_hi = (uint32_t)(e->seq >> 32);
	if (wr_reserve(&w, icv, &iv))
		return (ERR_SPACE);
	if ((err = aead_seal(e->seal, &op, p, text, iv)) != 0)
		return (err);
	return ((long)w.len);
}

/* RFC 4303 A2: the high half that puts the number nearest to the top. */
static uint32_t
esn_high(const struct init_esp *e, uint32_t low)
{
	uint32_t high = (uint32_t)(e->top >> 32), top = (uint32_t)e->top;

	if (!e->esn)
		return (0);
	if (top > 0x80000000U && low < top - 0x80000000U)
		return (high + 1);
	if (high > 0 && top < 0x80000000U && low > top + 0x80000000U)
		return (high - 1);
	return (high);
}

long
init_esp_open(struct init_esp *e, const uint8_t *p, size_t len,
    uint8_t *inner, size_t cap, uint8_t *next)
{
	size_t icv = aead_icv_len(e->encr, e->integ), text, pad;
	struct aead_op op = { .aad = p, .aad_len = ESP_HDR_LEN };
	uint32_t spi, low;
	struct rd r;

	rd_init(&r, p, len);
	if (rd_u32(&r, &spi) || rd_u32(&r, &low) || spi != e->spi_in)
		return (ERR_NOENT);
	if (rd_slice(&r, e->encr->iv_len, &op.iv) || rd_left(&r) < icv + 2)
		return (ERR_SHORT);
	text = rd_left(&r) - icv;
	op.esn = e->esn;
	op.esn_hi = esn_high(e, low);
	if (text > cap)
		return (ERR_SPACE);
	if (aead_open(e->open, &op, r.p, inner, text, r.p + text) != 0) {
		e->bad++;
		return (ERR_AUTH);
	}
	pad = inner[text - 2];
	*next = inner[text - 1];
	if (pad + 2 > text)
		return (ERR_SYNTAX);
	/* RFC 4303 2.4: padding runs 1, 2, 3, … */
	for (size_t i = 0; i < pad; i++)
		if (inner[text - 2 - pad + i] != i + 1)
			return (ERR_SYNTAX);
	if (((uint64_t)op.esn_hi << 32 | low) > e->top)
		e->top = (uint64_t)op.esn_hi << 32 | low;
	return ((long)(text - 2 - pad));
}

/* ---- echo ---- */
static uint32_t
sum16(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	if (len & 1)
		sum += (uint32_t)p[len - 1] << 8;
	return (sum);
}

static void
put_sum(uint8_t *at, uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	at[0] = (uint8_t)(~sum >> 8);
	at[1] = (uint8_t)~sum;
}

static int
ip_header(struct wr *w, const struct addr *from, const struct addr *to,
    size_t body)
{
	size_t at = w->len;

	if (from->family == 4) {
		if (wr_u16(w, 0x4500) || wr_u16(w, (uint16_t)(20 + body)) ||
		    wr_u32(w, 0x12344000) || wr_u8(w, 64) || wr_u8(w, 1) ||
		    wr_u16(w, 0) || wr_copy(w, from->ip, 4) ||
		    wr_copy(w, to->ip, 4))
			return (ERR_SPACE);
		put_sum(w->base + at + 10, sum16(0, w->base + at, 20));
		return (0);
	}
	if (wr_u32(w, 0x60000000) || wr_u16(w, (uint16_t)body) ||
	    wr_u8(w, 58) || wr_u8(w, 64) || wr_copy(w, from->ip, 16) ||
	    wr_copy(w, to->ip, 16))
		return (ERR_SPACE);
	return (0);
}

static uint8_t
echo_byte(uint16_t id, uint16_t seq, size_t i)
{
	return ((uint8_t)((size_t)id * 31 + (size_t)seq * 7 + i));
}

size_t
init_echo(uint8_t *out, size_t cap, const struct addr *from,
    const struct addr *to, uint16_t id, uint16_t seq, size_t data_len)
{
	size_t at, body = 8 + data_len;
	uint32_t sum = 0;
	struct wr w;

	wr_init(&w, out, cap);
	NEED(from->family == to->family && from->family != 0);
	NEED(ip_header(&w, from, to, body) == 0);
	at = w.len;
	NEED(wr_u8(&w, from->family == 4 ? 8 : 128) == 0 &&
	    wr_u8(&w, 0) == 0 && wr_u16(&w, 0) == 0 && wr_u16(&w, id) == 0 &&
	    wr_u16(&w, seq) == 0);
	for (size_t i = 0; i < data_len; i++)
		NEED(wr_u8(&w, echo_byte(id, seq, i)) == 0);
	if (from->family == 6)
		sum = sum16(sum16((uint32_t)body + 58, from->ip, 16), to->ip,
		    16);
	put_sum(out + at + 2, sum16(sum, out + at, body));
	return (w.len);
}

int
init_echo_reply(const uint8_t *p, size_t len, const struct addr *from,
    const struct addr *to, uint16_t id, uint16_t seq, size_t data_len)
{
	size_t hl = from->family == 4 ? 20 : 40, ipl = addr_iplen(from->family);
	size_t src = from->family == 4 ? 12 : 8;
	const uint8_t *b = p + hl;

	/* TFC padding may follow the packet: its own length counts. */
	if (len < hl + 8 + data_len || p[0] >> 4 != from->family ||
	    p[from->family == 4 ? 9 : 6] != (from->family == 4 ? 1 : 58) ||
	    memcmp(p + src, to->ip, ipl) != 0 ||
	    memcmp(p + src + ipl, from->ip, ipl) != 0 ||
	    b[0] != (from->family == 4 ? 0 : 129) ||
	    (b[4] << 8 | b[5]) != id || (b[6] << 8 | b[7]) != seq)
		return (0);
	for (size_t i = 0; i < data_len; i++)
		if (b[8 + i] != echo_byte(id, seq, i))
			return (0);
	return (1);
}
