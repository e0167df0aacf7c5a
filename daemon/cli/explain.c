/*
 * A failed login in words. In: a row of attempts; out: who, where it failed,
 * the compared values, what to change. gatehousectl.
 */
#include <string.h>
#include <time.h>

#include "daemon/cli/cli.h"

#define WIDTH 80
#define INDENT 28

/* What to change there, and what here; NULL: nothing on that side. */
static const struct {
	enum why why;
	const char *client, *here;
} mends[] = {
	{ WHY_PROPOSAL, "offer one of the policy's algorithms",
	    "policy { suite = compatible }: weak ones are marked" },
	{ WHY_CHILD_PROPOSAL, "offer one of the policy's algorithms for ESP",
	    "policy { suite = compatible }: weak ones are marked" },
	{ WHY_PSK_MISMATCH, "compare its key with the line of this identity "
	    "in the policy's psk-file", NULL },
	{ WHY_ID_UNKNOWN, "correct its own (local) identity",
	    "add the identity to a psk-file or to a policy's client-id; a "
	    "pattern of names never matches a DN" },
	{ WHY_IDR_UNKNOWN, "set its server (remote) identity to a policy's "
	    "server-id", "add a policy with this server-id" },
	{ WHY_METHOD, "choose the method that the policy's auth names",
	    "add a policy with this auth for the identity" },
	{ WHY_AUTH_MISSING, "it wants EAP: choose a certificate or a shared "
	    "key on it", NULL },
	{ WHY_TS, "its remote networks must meet the pool's routes",
	    "pool { routes } names what is reached through the tunnel" },
	{ WHY_CP_REQUIRED, "let it ask for an address (strongSwan: vips = "
	    "0.0.0.0, ::)", "policy { cp-required = no }" },
	{ WHY_POOL_EXHAUSTED, NULL, "widen the pool's ranges, or lower its "
	    "quarantine; see: gatehousectl show pools" },
	{ WHY_SESSIONS, "disconnect another device of this user",
	    "end one of them (gatehousectl kill), raise sessions-per-user, or "
	    "set evict = oldest" },
	{ WHY_SUITE, "offer what the policy's suite holds",
	    "the suites are listed in gatehouse.conf(5), SUITES" },
	{ WHY_NAT, "connect from where no NAT is between",
	    "policy { encapsulation = auto }" },
	{ WHY_TIMEOUT, "packets may be lost on the way (turn fragmentation of "
	    "IKE messages on), or the person gave up", NULL },
	{ WHY_CERT_MISSING, "choose a certificate and its private key: it sent "
	    "none (Windows: in the local machine's Personal store, not in the "
	    "user's)", "a policy with auth = psk lets it use a shared key" },
	{ WHY_CERT_SYNTAX, "issue its certificate anew: openssl x509 -text "
	    "shows what this one holds", NULL },
	{ WHY_CERT_LIMIT, "send only its own certificate and the intermediate "
	    "CAs between it and the root", NULL },
	{ WHY_CERT_EXPIRED, "renew the certificate that is named; if it is "
	    "the CA's, whoever runs it does",
	    "is the clock right? (date -u) A new CA: trust { file }, then "
	    "gatehousectl reload" },
	{ WHY_CERT_NOT_YET, "issue it with an earlier notBefore, or wait",
	    "is the clock right? (date -u)" },
	{ WHY_CERT_REVOKED, "it needs a new certificate with a new key",
	    "revoked by mistake: its CA must issue a CRL without it (only "
	    "certificateHold can be lifted); gatehousectl show trust tells "
	    "how old ours is" },
	{ WHY_CERT_UNKNOWN, NULL, "gatehousectl show trust and show events "
	    "tell which CRL or OCSP responder failed: is it up, and does this "
	    "host get there by http? Until then: trust { crl = FILE }, or "
	    "revocation = relaxed, which lets revoked ones in" },
	{ WHY_CERT_NO_ISSUER, "let it send its intermediate CAs too "
	    "(strongSwan: in swanctl/x509ca; Windows: Intermediate "
	    "Certification Authorities), or choose another certificate",
	    "add the issuer that is named to the file of a trust, then "
	    "gatehousectl reload" },
	{ WHY_CERT_SELF_SIGNED, "use a certificate of a CA that is trusted "
	    "here", "add it to the file of a trust if it is a CA" },
	{ WHY_CERT_NOT_CA, "the certificate that is named issued another and "
	    "lacks basicConstraints CA:TRUE: issue it anew", NULL },
	{ WHY_CERT_PATHLEN, "use a certificate issued nearer to the root",
	    "the CA that is named allows fewer CAs below it (pathlen): put "
	    "the lower CA's issuer anew, with a larger one, into the trust" },
	{ WHY_CERT_USAGE, "issue it anew with keyUsage digitalSignature (a "
	    "CA: keyCertSign)", NULL },
	{ WHY_CERT_EKU, "issue it anew with extendedKeyUsage clientAuth, or "
	    "without any", "trust { eku = any }, which lets web servers' "
	    "certificates in too" },
	{ WHY_CERT_NAMES, "use a certificate of a CA that may speak for its "
	    "name", "the CA that is named has nameConstraints without it" },
	{ WHY_CERT_WEAK, "issue it anew: an RSA key of 2048 bits or P-256, "
	    "signed with SHA-256",
	    "an RSA key that is too short only: trust { rsa-min }" },
	{ WHY_CERT_SIGNATURE, "the issuer's key is another now, or the file "
	    "was damaged: install it and its CAs anew",
	    "does trust { file } hold the CA's present certificate?" },
	{ WHY_CERT_CRITICAL, "issue it anew without the extension that is "
	    "named, or not critical", NULL },
	{ WHY_CERT_URL, "let it send the certificate itself, or put it where "
	    "the URL says", "is the host in url-hosts, and does this host get "
	    "there by http? Without url-hosts clients send the certificate" },
	{ WHY_CERT_POLICY, "use the identity or the certificate that a policy "
	    "is for", "a policy with auth = certificate takes it when "
	    "server-id, client-id, trust, issuer, user-from and suite all do; "
	    "the compared values tell which did not" },
	{ WHY_SIG_BAD, "its private key is not that of the certificate it "
	    "sent: install both from one PKCS#12 file", NULL },
	{ WHY_SIG_METHOD, "choose a signature that goes with the key: RSA "
	    "with an RSA key, ECDSA with an EC key", NULL },
	{ WHY_SIG_WEAK, "sign with SHA-256 or better: RFC 7427 signatures on "
	    "(strongSwan: signature_authentication), or an ECDSA certificate",
	    "policy { suite = compatible } takes RSA with SHA-1; such "
	    "sessions are marked weak" },
	{ WHY_ID_NOT_IN_CERT, "set its own (local) identity to a "
	    "subjectAltName of the certificate, or to its whole subject as "
	    "a DN", "issue a certificate that has the identity as "
	    "subjectAltName" },
	{ WHY_NO_CREDENTIAL, "let it take ECDSA or RSA with SHA-256 (RFC "
	    "7427), and trust our CA",
	    "add a certificate with another key: P-256 serves clients that "
	    "announce no hash; gatehousectl show certificates tells which are "
	    "good and for which policies" },
	{ WHY_INTERNAL_SIGN, NULL, "the key did not answer: is the token "
	    "there? gatehousectl show certificates" },
	{ WHY_INTERNAL_PKI, NULL, "the log says what pki waits for (events "
	    "pki.* and role.*); was a reload under way, the client may try "
	    "again" },
};

/* Words up to the width, the next line under the first. */
static void
put_mend(FILE *to, const char *head, const char *text)
{
	size_t col = INDENT, n;

	fprintf(to, "%-*s", INDENT, head);
	while (*text != '\0') {
		n = strcspn(text, " ");
		if (col > INDENT && col + 1 + n > WIDTH) {
			fprintf(to, "\n%*s", INDENT, "");
			col = INDENT;
		} else if (col > INDENT) {
			fputc(' ', to);
			col++;
		}
		fwrite(text, 1, n, to);
		col += n;
		text += n;
		while (*text == ' ')
			text++;
	}
	fputc('\n', to);
}

static void
say_mend(FILE *to, enum why why)
{
	for (size_t i = 0; i < sizeof(mends) / sizeof(mends[0]); i++) {
		const char *client = mends[i].client, *here = mends[i].here;

		if (mends[i].why != why)
			continue;
		if (client != NULL)
			put_mend(to, "  mend      on the client", client);
		if (here != NULL)
			put_mend(to, client != NULL ? "            or here" :
			    "  mend      here", here);
	}
}

static enum why
why_by_name(const char *name)
{
	unsigned int i;

	for (i = 0; i < WHY_MAX; i++)
		if (strcmp(why_name(i), name) == 0)
			return ((enum why)i);
	return (WHY_MAX);
}

void
cli_explain(FILE *to, const struct cli_row *a)
{
	time_t t = (time_t)(cli_u64(a, "at") / 1000);
	enum why why = why_by_name(cli_str(a, "why"));
	char when[32] = "-";
	struct tm tm;

	if (localtime_r(&t, &tm) != NULL &&
	    strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm) == 0)
		when[0] = '\0';
	fprintf(to, "%s  %s", when, cli_str(a, "from"));
	if (cli_str(a, "user")[0] != '\0')
		fprintf(to, "  as \"%s\"", cli_str(a, "user"));
	if (cli_str(a, "client")[0] != '\0' &&
	    strcmp(cli_str(a, "client"), "unknown") != 0)
		fprintf(to, "  looks like %s", cli_str(a, "client"));
	fprintf(to, "  failed in %s: %s\n", cli_str(a, "stage"),
	    why < WHY_MAX ? why_person(why) : cli_str(a, "why"));
	if (cli_str(a, "detail")[0] != '\0')
		fprintf(to, "  compared  %s\n", cli_str(a, "detail"));
	say_mend(to, why);
}
