/*
 * A login of a stranger through pki: CERT payloads of every encoding, AUTH,
 * IDi, and what fetch brings for the URLs in it. Nobody here has a key, so that
 * nothing may ever be vouched for; and each login gets exactly one verdict.
 *
 * Input: method, kinds of the pieces, then length and bytes of each: IDi,
 * AUTH, the answer of fetch, then pairs of encoding and bytes. Encoding 0xff
 * stands for a good certificate of a client, 0xfe for hash and URL of the
 * answer.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/pki.h"
#include "privsep/base/log.h"
#include "privsep/crypto/prf.h"
#include "regress/pki/testpki.h"

#define NOW 2000000000u
#define MUST(x)                  \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct pki {
	void *parts[PKI_PARTS];
	uint64_t ms;
	unsigned int verdicts, n_fetch;
	uint32_t fetch[64];
	struct msg_conf_pki conf;
};
static struct pki k;
static struct msg m;
static struct tp_blob client;

uint64_t
pki_now(const struct pki *p)
{
	(void)p;
	return (NOW);
}

uint64_t
pki_now_ms(const struct pki *p)
{
	return (p->ms);
}

int
pki_send(struct pki *p, enum role role, unsigned int index,
    const struct msg *s)
{
	static uint8_t wire[MSG_WIRE_MAX];
	struct wr w;

	(void)index;
	MUST(msg_allowed(s->type, ROLE_PKI, role));
	wr_init(&w, wire, sizeof(wire));
	MUST(msg_encode(s, &w) == 0);
	MUST(s->type != MSG_CERT_VOUCH);
	if (s->type == MSG_CERT_VERDICT) {
		MUST(s->u.cert_verdict.verdict != MSG_YES);
		p->verdicts++;
	} else if (s->type == MSG_FETCH) {
		p->fetch[p->n_fetch++ % 64] = s->u.fetch.id;
	}
	return (0);
}

const struct msg_conf_pki *
pki_conf(const struct pki *p)
{
	return (&p->conf);
}

const struct trust_set *
pki_trusts(const struct pki *p)
{
	return (pki_set_trusts(pki_load_set(p)));
}

void **
pki_part(struct pki *p, enum pki_part part)
{
	return (&p->parts[part]);
}

static void
tell(enum msg_type type, struct tp_blob file)
{
	int fd = -1;

	if (type == MSG_FD) {
		fd = memfd_create("trust", MFD_CLOEXEC);
		MUST(fd != -1 && write(fd, file.p, file.len) ==
		    (ssize_t)file.len && lseek(fd, 0, SEEK_SET) == 0);
	}
	MUST(pki_load_message(&k, &m, fd) == 0);
}

static void
load(struct tp_blob root)
{
	msg_init(&m, MSG_CONF_PKI);
	k.conf.fetch_ms = 2000;
	k.conf.fetch_max = 1 << 20;
	strcpy(k.conf.url_hosts, "h other:8080");
	m.u.conf_pki = k.conf;
	tell(MSG_CONF_PKI, root);
	msg_init(&m, MSG_CONF_TRUST);
	m.u.conf_trust.revocation = REVOCATION_IFURI;
	m.u.conf_trust.eku = EKU_CLIENT;
	m.u.conf_trust.rsa_min = 2048;
	tell(MSG_CONF_TRUST, root);
	msg_init(&m, MSG_FD);
	m.u.fd.kind = FD_TRUST;
	tell(MSG_FD, root);
	msg_init(&m, MSG_CONF_PKI_DONE);
	tell(MSG_CONF_PKI_DONE, root);
	MUST(pki_load_set(&k) != NULL);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct tp_spec r = { .subject = "CN=Root", .ca = 1, .not_before = 1,
		.key = tp_key(TP_ED25519, 0), .not_after = 253402300799 };
	struct tp_spec c = { .subject = "CN=Alice", .not_before = 1,
		.key = tp_key(TP_ED25519, 1), .not_after = 253402300799,
		.san = "email:a@h.example" };
	char dir[] = "/tmp/gh-fuzz-pki.XXXXXX", back[4096];

	(void)argc;
	(void)argv;
	log_init("pki", LOG_L_CRIT, NULL, NULL);
	MUST(secret_slab_init(65536) == 0 && crypto_init() == 0);
	c.issuer = tp_cert(&r);
	client = tp_der(tp_cert(&c));
	/* pki keeps CRLs in the folder where it starts. */
	MUST(getcwd(back, sizeof(back)) != NULL && mkdtemp(dir) != NULL &&
	    chdir(dir) == 0);
	pki_load_init(&k);
	pki_cache_init(&k);
	pki_fetch_init(&k);
	pki_watch_init(&k);
	pki_check_init(&k);
	pki_revoke_init(&k);
	pki_load_jailed(&k);
	load(tp_der(c.issuer));
	MUST(chdir(back) == 0 && rmdir(dir) == 0);
	return (0);
}

/* The next piece: at most max of the bytes that its length names. */
static struct tp_blob
piece(struct rd *r, size_t max)
{
	struct tp_blob b = { (const uint8_t *)"", 0 };
	uint16_t len;

	if (rd_u16(r, &len))
		return (b);
	b.len = len < rd_left(r) ? len : rd_left(r);
	MUST(rd_slice(r, b.len, &b.p) == 0);
	if (b.len > max)
		b.len = max;
	return (b);
}

static void
put_certs(struct rd *r, struct tp_blob answer)
{
	struct piece all = { answer.p, answer.len };
	uint8_t encoding, url[300];
	struct tp_blob b;
	struct wr w;

	wr_init(&w, m.u.cert_check.certs.p, sizeof(m.u.cert_check.certs.p));
	while (rd_u8(r, &encoding) == 0) {
		b = piece(r, 4096);
		if (encoding == 0xff) {
			encoding = 4;
			b = client;
		} else if (encoding == 0xfe) {
			encoding = b.len & 1 ? 12 : 13;
			MUST(hash_sha1(&all, 1, url) == 0);
			memcpy(url + 20, "http://h/", 9);
			b.len = b.len < 200 ? b.len : 200;
			memcpy(url + 29, b.p, b.len);
			b = (struct tp_blob){ url, 29 + b.len };
		}
		if (wr_u8(&w, encoding) || wr_u16(&w, (uint16_t)b.len) ||
		    wr_copy(&w, b.p, b.len))
			break; /* cut short: that happens too */
	}
	m.u.cert_check.certs.len = (uint16_t)w.len;
}

static void
answer_fetches(struct tp_blob answer)
{
	static struct msg f;

	msg_init(&f, MSG_FETCHED);
	memcpy(f.u.fetched.data.p, answer.p, answer.len);
	f.u.fetched.data.len = (uint16_t)answer.len;
	f.u.fetched.last = 1;
	for (unsigned int i = 0; i < k.n_fetch && i < 64; i++) {
		f.u.fetched.id = k.fetch[i];
		MUST(pki_fetch_message(&k, &f.u.fetched) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct msg_cert_check *c = &m.u.cert_check;
	struct tp_blob b, answer;
	struct rd r;

	rd_init(&r, data, size);
	msg_init(&m, MSG_CERT_CHECK);
	c->prf = 5;
	c->msg1.len = 100;
	MUST(secret_new(&c->sk_pi, 32) == 0);
	if (rd_u8(&r, &c->method))
		c->method = 14;
	b = piece(&r, sizeof(c->idi.p));
	memcpy(c->idi.p, b.p, c->idi.len = (uint16_t)b.len);
	b = piece(&r, sizeof(c->auth.p));
	memcpy(c->auth.p, b.p, c->auth.len = (uint16_t)b.len);
	answer = piece(&r, 16384);
	put_certs(&r, answer);
	k.verdicts = k.n_fetch = 0;
	pki_check_message(&k, 0, c);
	secret_free(&c->sk_pi);
	if (k.verdicts == 0)
		answer_fetches(answer);
	/* Whatever was not answered has its deadline. */
	k.ms += 10000;
	pki_fetch_timer(&k);
	pki_check_timer(&k);
	MUST(k.verdicts == 1 && secret_used() == 0);
	pki_check_lost(&k, 0);
	return (0);
}
