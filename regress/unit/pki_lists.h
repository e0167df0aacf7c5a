#ifndef GH_REGRESS_PKI_LISTS_H
#define GH_REGRESS_PKI_LISTS_H

/*
 * A CA with a good and a bad user, and its list, for the tests of revocation.
 */
#include "regress/unit/pki_net.h"

#define U1 "http://a.example/ca.crl"
#define U2 "http://b.example/ca.crl"
#define UD "http://a.example/delta.crl"
#define UO "http://ocsp.example/"

static struct tp_cert *ca, *good, *bad;
static struct cert_path gp, bp;
static struct result r;
static const uint64_t bad_serial = 0xbad;

HELPER void
setup(void)
{
	net_setup();
	ca = tp_root("C=CH, CN=CA", key(0));
}

/* A good and a bad certificate that both name the same. */
HELPER void
users(const char *e1, const char *e2)
{
	good = user(ca, 0x600d, e1, e2);
	bad = user(ca, bad_serial, e1, e2);
	gp = path_of(2, good, ca);
	bp = path_of(2, bad, ca);
}

HELPER struct tp_blob
crl(uint64_t number, int64_t next)
{
	static struct tp_revoked one;
	struct tp_crl_spec s = { .issuer = ca, .number1 = number + 1,
		.next_update = next, .n = 1, .revoked = &one };

	one = (struct tp_revoked){ bad_serial, 1700000000, 2 };
	return (tp_crl(&s));
}

#endif
