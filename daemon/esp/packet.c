/*
 * One ESP packet: header, IV, trailer, padding, sealing and opening. Pure;
 * esp. In: an inner packet and an SA, or an ESP packet; out: the other. RFC
 * 4303.
 */
#include "daemon/esp/packet.h"

#include <string.h>

static void
put32(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, sizeof(v));
}

static uint32_t
get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return (__builtin_bswap32(v));
}

size_t
packet_inner_max(const struct esp_sa *sa, size_t max)
{
	size_t fixed = ESP_HDR_LEN + (size_t)sa->iv_len + sa->icv_len;

	if (max < fixed + sa->align)
		return (0);
	return ((max - fixed) / sa->align * sa->align - 2);
}

int
packet_seal(const struct esp_sa *sa, uint8_t *e, size_t n, uint8_t next,
    uint64_t seq, const uint8_t *iv)
{
	uint8_t *text = e + packet_text_at(sa);
	size_t end = packet_len(sa, n) - packet_text_at(sa) - sa->icv_len;
	size_t pad = end - n - 2, i;
	uint64_t be = __builtin_bswap64(seq);
	struct aead_op op = { .aad = e, .aad_len = ESP_HDR_LEN,
		.iv = e + ESP_HDR_LEN, .esn = sa->esn,
		.esn_hi = (uint32_t)(seq >> 32) };

	put32(e, sa->spi_out);
	put32(e + 4, (uint32_t)seq);
	/* RFC 4106 3.1, RFC 3686 3.1, RFC 7634 2: the IV must not repeat under
	 * a key; the sequence number never does. RFC 3602 3: CBC's IV must be
	 * unpredictable. */
	if (sa->iv_len == sizeof(be))
		memcpy(e + ESP_HDR_LEN, &be, sizeof(be));
	else
		memcpy(e + ESP_HDR_LEN, iv, sa->iv_len);
	/* RFC 4303 2.4: "the padding bytes are initialized with a series of
	 * (unsigned, 1-byte) integer values" 1, 2, 3, ... */
	for (i = 0; i < pad; i++)
		text[n + i] = (uint8_t)(i + 1);
	text[end - 2] = (uint8_t)pad;
	text[end - 1] = next;
	return (aead_seal(sa->seal, &op, text, end, text + end));
}

int
packet_check(const struct esp_sa *sa, const uint8_t *e, size_t len,
    struct packet_in *pi)
{
	size_t fixed = ESP_HDR_LEN + (size_t)sa->iv_len + sa->icv_len;

	if (len < fixed + 2)
		return (ERR_SHORT);
	pi->text_len = len - fixed;
	if (pi->text_len % sa->encr->block != 0)
		return (ERR_SHORT);
	pi->seq = replay_seq(&sa->replay, get32(e + 4), sa->esn);
	if (!replay_ok(&sa->replay, pi->seq))
		return (ERR_REPLAY);
	return (0);
}

/* RFC 4303 2.4: "the receiver SHOULD inspect the Padding field". */
static int
pad_ok(const uint8_t *p, size_t pad)
{
	size_t i;

	for (i = 0; i < pad; i++)
		if (p[i] != (uint8_t)(i + 1))
			return (0);
	return (1);
}

int
packet_open(struct esp_sa *sa, const uint8_t *e, struct packet_in *pi,
    uint8_t *to)
{
	const uint8_t *text = e + packet_text_at(sa);
	struct aead_op op = { .aad = e, .aad_len = ESP_HDR_LEN,
		.iv = e + ESP_HDR_LEN, .esn = sa->esn,
		.esn_hi = (uint32_t)(pi->seq >> 32) };
	size_t pad;

	if (aead_open(sa->open, &op, text, to, pi->text_len,
		text + pi->text_len) != 0)
		return (ERR_AUTH);
	replay_set(&sa->replay, pi->seq);
	pad = to[pi->text_len - 2];
	pi->next = to[pi->text_len - 1];
	if (pad > pi->text_len - 2)
		return (ERR_SYNTAX);
	pi->len = pi->text_len - 2 - pad;
	return (pad_ok(to + pi->len, pad) ? 0 : ERR_SYNTAX);
}
