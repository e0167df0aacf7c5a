/* A key and an AUTH payload of a stranger; what is no forgery may not verify.
 * data: method 1, length of the key 2, key, AUTH data. */
#include <stdlib.h>
#include <string.h>

#include "privsep/crypto/sig_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(cond) do { if (!(cond)) abort(); } while (0)

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct piece octets = { "octets", 6 };
	static int started;
	const struct sig_alg *alg = NULL;
	struct pubkey *k = NULL;
	struct rd r, spki;
	uint16_t len;
	uint8_t method;

	if (!started)
		MUST(secret_slab_init(65536) == 0 && crypto_init() == 0);
	started = 1;
	rd_init(&r, data, size);
	if (rd_u8(&r, &method) || rd_u16(&r, &len) || rd_sub(&r, len, &spki))
		return (0);
	if (pubkey_parse(&k, spki.p, rd_left(&spki)) == 0) {
		MUST(pubkey_info(k)->kind > KEY_NONE &&
		    pubkey_info(k)->kind < KEY_KIND_MAX &&
		    pubkey_info(k)->bits <= SIG_RSA_BITS_MAX);
		if (sig_verify(&alg, k, method, r.p, rd_left(&r), &octets, 1))
			MUST(alg == NULL);
		else
			MUST(alg != NULL && sig_fits(alg, pubkey_info(k)));
	}
	MUST(ERR_peek_error() == 0);
	pubkey_free(k);
	return (0);
}
