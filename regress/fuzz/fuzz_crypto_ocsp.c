/*
 * An OCSP response from anywhere: [s since 1970, 4][length 2][the issuer's
 * certificate][length 2][the certificate][response].
 */
#include <stdlib.h>
#include <string.h>

#include "privsep/crypto/prf.h"
#include "privsep/crypto/revoke.h"

#define MUST(x) ((x) ? (void)0 : abort())

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	MUST(crypto_init() == 0);
	return (0);
}

static void
check(const struct rd *r, const struct cert *c, const struct cert *issuer,
    uint64_t now)
{
	static const uint8_t nonce[OCSP_NONCE_LEN] = { 7 };
	uint8_t req[OCSP_REQ_MAX];
	struct revoke_info i;
	char why[64];
	size_t len;
	int err;

	for (int k = 0; k < 2; k++) {
		err = ocsp_check(&i, r->p, r->left, c, issuer,
		    k ? nonce : NULL, now, why, sizeof(why));
		/* Nothing is known by an answer that is not believed. */
		MUST(i.reason != NULL && memchr(why, 0, sizeof(why)) != NULL);
		MUST(err == 0 ? i.until + 300 >= now && why[0] == '\0' :
		    i.status == REVOKE_UNKNOWN && why[0] != '\0');
	}
	if (ocsp_request(req, sizeof(req), &len, c, issuer, nonce) == 0)
		MUST(len > sizeof(nonce) && len <= sizeof(req));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cert *c = NULL, *issuer = NULL;
	struct rd r, a, b;
	uint32_t now;
	uint16_t n;

	rd_init(&r, data, size);
	if (rd_u32(&r, &now) || rd_u16(&r, &n) || rd_sub(&r, n, &a) ||
	    rd_u16(&r, &n) || rd_sub(&r, n, &b))
		return (0);
	if (cert_parse(&issuer, a.p, a.left) == 0 &&
	    cert_parse(&c, b.p, b.left) == 0)
		check(&r, c, issuer, now);
	cert_free(c);
	cert_free(issuer);
	return (0);
}
