/*
 * A CRL from anywhere: [length 2][its issuer's certificate][CRL]. Parsed, asked
 * everything; and whatever OpenSSL finds on it is on it for us.
 */
#include "privsep/crypto/ossl.h" /* before the others that include OpenSSL */

#include <stdlib.h>

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
same_as_openssl(const struct crl *c)
{
	size_t len;
	const uint8_t *p = crl_der(c, &len);
	X509_CRL *o = d2i_X509_CRL(NULL, &p, (long)len);
	STACK_OF(X509_REVOKED) *all = o != NULL ? X509_CRL_get_REVOKED(o) :
	    NULL;
	const ASN1_INTEGER *n;
	struct revoke_info i;

	MUST(sk_X509_REVOKED_num(all) <= 0 ||
	    (size_t)sk_X509_REVOKED_num(all) == crl_entries(c));
	for (int k = 0; k < sk_X509_REVOKED_num(all); k++) {
		n = X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(all,
		    k));
		crl_lookup_serial(c, NULL, ASN1_STRING_get0_data(n),
		    (size_t)ASN1_STRING_length(n), &i);
		MUST(i.status == REVOKE_REVOKED);
	}
	X509_CRL_free(o);
	ERR_clear_error();
}

static void
ask(struct crl *c, const struct cert *issuer, const struct crl *other)
{
	struct revoke_info i;
	char text[200];
	struct txt t;

	txt_init(&t, text, sizeof(text));
	crl_issuer_txt(&t, c);
	for (size_t n = 0; crl_freshest(c, n, text, sizeof(text)) == 0; n++)
		MUST(n < 8);
	MUST(crl_cmp(c, c) == 0 && crl_cmp(c, other) == -crl_cmp(other, c));
	(void)crl_delta_fits(c, other);
	if (issuer != NULL) {
		(void)crl_verify(c, issuer);
		crl_lookup(c, crl_delta_fits(other, c) ? other : NULL, issuer,
		    &i);
	}
	same_as_openssl(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct crl *list[4];
	struct cert *issuer = NULL;
	size_t at = size < 2 ? 0 : ((size_t)data[0] << 8 | data[1]) + 2;
	int n;

	if (at < 2 || at > size)
		return (0);
	if (cert_parse(&issuer, data + 2, at - 2) != 0)
		issuer = NULL;
	n = crl_read(list, 4, data + at, size - at);
	for (int i = 0; i < n; i++)
		ask(list[i], issuer, list[n - 1 - i]);
	for (int i = 0; i < n; i++)
		crl_free(list[i]);
	cert_free(issuer);
	return (0);
}
