/*
 * ESP input: bytes of strangers, and packets with a good ICV whose inside is
 * hostile (a client is no friend). Whatever reaches the TUN has the client's
 * address as its source and was allowed by the selectors.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/esp/esp.h"
#include "daemon/esp/packet.h"
#include "privsep/crypto/prf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct esp *e;
static struct esp_sa *sa;
static struct aead *seal;

static void
setup(void)
{
	static const uint8_t key[36];
	struct tsel ti, tr;
	struct addr a = { .family = 4, .ip = { 10, 0, 0, 2 } };
	struct esp_sa_conf c = { .spi_in = 0x1000, .spi_out = 0x1000,
		.encr = 20, .encr_bits = 256, .encap = 1, .key_in = key,
		.key_out = key, .key_in_len = 36, .key_out_len = 36,
		.ts_i = &ti, .ts_r = &tr, .n_ts_i = 1, .n_ts_r = 1,
		.peer = a, .local = a };
	struct esp_conf ec = { .vnet = 1, .tso = 1, .uso = 1, .isolate = 1,
		.mss_clamp = 1, .mtu = 1400 };

	tsel_from_prefix(&ti, &a, 32);
	tsel_any(&tr, 4);
	if (crypto_init() || aead_init(AEAD_OPENSSL) || esp_new(&e, &ec) ||
	    esp_sa_add(e, &c, &sa) ||
	    aead_new(&seal, sa->encr, NULL, AEAD_SEAL, key, 36))
		abort();
}

static void
give(const uint8_t *p, size_t len, uint8_t tos)
{
	struct addr from = { .family = 4, .ip = { 192, 0, 2, 1 }, .port = 9 };
	struct esp_dgram d = { .p = p, .len = len, .from = &from, .to = &from,
		.tos = tos, .natt = 1, .now_ms = 1 };

	if (esp_in(e, &d) == ERR_SPACE)
		abort();
}

static void
frames_check(void)
{
	struct esp_frame v[ESP_FRAMES_MAX];
	size_t n = esp_frames(e, v, ESP_FRAMES_MAX), i;
	struct inner in;

	for (i = 0; i < n; i++)
		if (inner_parse(&in, v[i].p + 10, v[i].len - 10) != 0 ||
		    in.len != v[i].len - 10 || in.family != 4 ||
		    memcmp(in.src, "\012\0\0\002", 4) != 0 ||
		    memcmp(in.dst, in.src, 4) == 0)
			abort();
	esp_frames_done(e);
}

/* A script of packets: two bytes of length, a TOS byte, then the bytes. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t pkt[2048] = { 0, 0, 0x10, 0 };
	struct aead_op op = { .aad = pkt, .aad_len = 8, .iv = pkt + 8 };
	uint32_t seq = 0;
	size_t n, k = 0;

	if (e == NULL)
		setup();
	memset(&sa->replay, 0, sizeof(sa->replay));
	give(data, len, 0);
	while (len > 3 && ++k < ESP_FRAMES_MAX) {
		n = (size_t)(data[0] << 8 | data[1]) % 1900;
		n = n > len - 3 ? len - 3 : n;
		memcpy(pkt + 16, data + 3, n);
		pkt[7] = (uint8_t)++seq;
		if (n < 2 || aead_seal(seal, &op, pkt + 16, n, pkt + 16 + n))
			break;
		give(pkt, 32 + n, data[2]);
		data += 3 + n;
		len -= 3 + n;
	}
	frames_check();
	return (0);
}
