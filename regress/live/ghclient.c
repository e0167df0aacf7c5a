/*
 * ghclient: our own IKEv2 client on the command line, for scenarios that no
 * real client plays: storms, hostile messages, plain ESP, ESN, client shapes.
 * Results are key=value: a line each for one session, one line per session
 * for many, then the totals. Exit 0 when every session did what was wanted.
 */
#include <sys/resource.h>

#include <getopt.h>
#include <stdio.h>

#include "privsep/crypto/prf.h"
#include "regress/lib/init_int.h"
#include "regress/lib/runner.h"

struct args {
	struct init_conf conf;
	struct runner run;
	struct addr server, local;
	uint16_t port, natt_port, local_port, local_natt;
	const char *id, *hostile;
	const char *key, *key_password, *chain, *url, *certreq, *replay;
	struct init_cred cred;
	size_t sessions, parallel;
	int esp, quiet, expect_fail;
};

static int show_keys;

static void
usage(const char *why)
{
	fprintf(stderr, "ghclient: %s\n"
	    "usage: ghclient --server ADDR --id ID --psk KEY [options]\n"
	    "       ghclient --server ADDR --id ID --cert FILE --key FILE ...\n"
	    "  --cert FILE      its own certificate first, then those between;\n"
	    "                   %%d in it and in --key is the session\n"
	    "  --key FILE --key-password TEXT --sig NAME   e.g. rsa-pss-sha256\n"
	    "  --auth-method N  claimed in AUTH\n"
	    "  --url URL        where its certificate is, instead of it\n"
	    "  --cert-knobs no-cert,other-msg1,bad-sig,fifty,huge,encodings,\n"
	    "      empty-cert,certreq-21,certreq-empty,certreq-many,other-id,\n"
	    "      no-hashes,takes-url,wants-ocsp,pss-salt\n"
	    "  --certreq FILE   a CA that it asks for\n"
	    "  --replay HEX     AUTH data, of another IKE SA\n"
	    "  --idr ID --shape NAME --ike PROPS --proposal PROPS --group N\n"
	    "  --port N --natt-port N --local ADDR --local-port N\n"
	    "  --local-natt N   our ports; 0: any\n"
	    "  --sessions N --parallel N   %%d in --id is the session\n"
	    "  --cp ATTR[=HEX],...  --ts-i PREFIX,...  --ts-r PREFIX,...\n"
	    "  --knobs no-frag,frag=N,natd=fake|fake-dest|none,no-nats,no-cp,\n"
	    "      no-child,no-auth,bad-auth,initial-contact,\n"
	    "      no-initial-contact,forget-cookie,start-4500,nonce=N\n"
	    "  --esp --ping ADDR,... --count N --interval S --size N\n"
	    "  --esp-case NAME,...\n"
	    "  --plain   protocol 50 even when behind a NAT\n"
	    "  --hold S --dpd S --timeout S --first-ms N --tries N\n"
	    "  --no-delete --delete-child --quiet --expect-fail\n"
	    "  --keys   show the child's keys and AUTH, for another program to go on\n"
	    "  --hostile NAME|STAGE/|all|list\n", why);
	exit(2);
}

enum opt {
	O_SERVER = 256, O_ID, O_PSK, O_IDR, O_SHAPE, O_IKE, O_PROPOSAL,
	O_GROUP, O_PORT, O_NATT_PORT, O_LOCAL, O_LOCAL_PORT, O_LOCAL_NATT,
	O_SESSIONS, O_PARALLEL, O_CP, O_TS_I, O_TS_R, O_KNOBS, O_ESP, O_PING,
	O_COUNT, O_INTERVAL, O_SIZE, O_ESP_CASE, O_PLAIN, O_HOLD, O_DPD, O_TIMEOUT,
	O_FIRST_MS, O_TRIES, O_NO_DELETE, O_DELETE_CHILD, O_QUIET,
	O_EXPECT_FAIL, O_HOSTILE, O_KEYS, O_CERT, O_KEY, O_KEY_PASSWORD, O_SIG,
	O_AUTH_METHOD, O_CERT_KNOBS, O_URL, O_CERTREQ, O_REPLAY
};
static const struct option options[] = {
	{ "server", 1, NULL, O_SERVER }, { "id", 1, NULL, O_ID },
	{ "psk", 1, NULL, O_PSK }, { "idr", 1, NULL, O_IDR },
	{ "shape", 1, NULL, O_SHAPE }, { "ike", 1, NULL, O_IKE },
	{ "proposal", 1, NULL, O_PROPOSAL }, { "group", 1, NULL, O_GROUP },
	{ "port", 1, NULL, O_PORT }, { "natt-port", 1, NULL, O_NATT_PORT },
	{ "local", 1, NULL, O_LOCAL }, { "local-port", 1, NULL, O_LOCAL_PORT },
	{ "local-natt", 1, NULL, O_LOCAL_NATT },
	{ "sessions", 1, NULL, O_SESSIONS },
	{ "parallel", 1, NULL, O_PARALLEL }, { "cp", 1, NULL, O_CP },
	{ "ts-i", 1, NULL, O_TS_I }, { "ts-r", 1, NULL, O_TS_R },
	{ "knobs", 1, NULL, O_KNOBS }, { "esp", 0, NULL, O_ESP },
	{ "ping", 1, NULL, O_PING }, { "count", 1, NULL, O_COUNT },
	{ "interval", 1, NULL, O_INTERVAL },
	{ "size", 1, NULL, O_SIZE }, { "esp-case", 1, NULL, O_ESP_CASE },
	{ "plain", 0, NULL, O_PLAIN }, { "hold", 1, NULL, O_HOLD },
	{ "dpd", 1, NULL, O_DPD }, { "timeout", 1, NULL, O_TIMEOUT },
	{ "first-ms", 1, NULL, O_FIRST_MS }, { "tries", 1, NULL, O_TRIES },
	{ "no-delete", 0, NULL, O_NO_DELETE },
	{ "delete-child", 0, NULL, O_DELETE_CHILD },
	{ "quiet", 0, NULL, O_QUIET },
	{ "expect-fail", 0, NULL, O_EXPECT_FAIL },
	{ "hostile", 1, NULL, O_HOSTILE }, { "keys", 0, NULL, O_KEYS },
	{ "cert", 1, NULL, O_CERT }, { "key", 1, NULL, O_KEY },
	{ "key-password", 1, NULL, O_KEY_PASSWORD }, { "sig", 1, NULL, O_SIG },
	{ "auth-method", 1, NULL, O_AUTH_METHOD },
	{ "cert-knobs", 1, NULL, O_CERT_KNOBS }, { "url", 1, NULL, O_URL },
	{ "certreq", 1, NULL, O_CERTREQ }, { "replay", 1, NULL, O_REPLAY },
	{ NULL, 0, NULL, 0 }
};

static unsigned long
number(const char *s, unsigned long max)
{
	char *end;
	unsigned long n = strtoul(s, &end, 0);

	if (*s == '\0' || *end != '\0' || n > max)
		usage(s);
	return (n);
}

static uint64_t
seconds(const char *s)
{
	char *end;
	double d = strtod(s, &end);

	if (*end != '\0' || d < 0 || d > 1e6)
		usage(s);
	return ((uint64_t)(d * 1000));
}

static struct addr
address(const char *s)
{
	struct addr a;

	if (addr_parse(&a, s) != 0)
		usage(s);
	return (a);
}

/* "10.0.0.0/8" or "10.0.0.0/8[PROTO/LO-HI]" */
static void
selectors(struct tsel *v, size_t *n, char *list)
{
	unsigned int proto, lo, hi;
	char *s, *save = NULL, *br;
	struct addr a;
	uint8_t plen;

	for (s = strtok_r(list, ",", &save); s != NULL;
	    s = strtok_r(NULL, ",", &save)) {
		if ((br = strchr(s, '[')) != NULL)
			*br++ = '\0';
		if (*n == INIT_TS || addr_parse_prefix(&a, &plen, s) != 0)
			usage(s);
		tsel_from_prefix(&v[*n], &a, plen);
		if (br != NULL) {
			if (sscanf(br, "%u/%u-%u]", &proto, &lo, &hi) != 3)
				usage(br);
			v[*n].proto = (uint8_t)proto;
			v[*n].port_lo = (uint16_t)lo;
			v[*n].port_hi = (uint16_t)hi;
		}
		(*n)++;
	}
}

static void
cp_attrs(struct init_conf *c, char *list)
{
	char *s, *save = NULL, *hex;
	struct init_cp_at *a;
	unsigned int b;

	for (s = strtok_r(list, ",", &save); s != NULL;
	    s = strtok_r(NULL, ",", &save)) {
		if (c->n_cp == INIT_CP)
			usage("too many attributes");
		a = &c->cp[c->n_cp++];
		if ((hex = strchr(s, '=')) != NULL)
			*hex++ = '\0';
		a->type = (uint16_t)number(s, 0x7fff);
		for (; hex != NULL && *hex != '\0'; hex += 2) {
			if (sscanf(hex, "%2x", &b) != 1 || hex[1] == '\0' ||
			    a->len == sizeof(a->data))
				usage(hex);
			a->data[a->len++] = (uint8_t)b;
		}
	}
}

static const char *
knob_value(const char *s, const char *name)
{
	size_t n = strlen(name);

	return (strncmp(s, name, n) == 0 && s[n] == '=' ? s + n + 1 : NULL);
}

static void
knob(struct init_conf *c, const char *s)
{
	const struct {
		const char *name;
		uint8_t *flag;
	} flags[] = {
		{ "no-frag", &c->no_frag }, { "no-nats", &c->no_nats },
		{ "no-cp", &c->no_cp }, { "no-child", &c->no_child },
		{ "initial-contact", &c->initial_contact },
		{ "no-initial-contact", &c->no_initial_contact },
		{ "forget-cookie", &c->forget_cookie },
		{ "start-4500", &c->start_4500 },
	};
	const char *v;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (strcmp(s, flags[i].name) == 0) {
			*flags[i].flag = 1;
			return;
		}
	if (strcmp(s, "no-auth") == 0)
		c->auth = INIT_NO_AUTH;
	else if (strcmp(s, "bad-auth") == 0)
		c->auth = INIT_BAD_AUTH;
	else if (strcmp(s, "natd=fake") == 0)
		c->natd = NATD_FAKE_SOURCE;
	else if (strcmp(s, "natd=fake-dest") == 0)
		c->natd = NATD_FAKE_DEST;
	else if (strcmp(s, "natd=none") == 0)
		c->natd = NATD_NONE;
	else if ((v = knob_value(s, "frag")) != NULL)
		c->frag_size = (uint16_t)number(v, 60000);
	else if ((v = knob_value(s, "nonce")) != NULL)
		c->nonce_len = (uint16_t)number(v, 256);
	else
		usage(s);
}

static void
knobs(struct init_conf *c, char *list)
{
	char *s, *save = NULL;

	for (s = strtok_r(list, ",", &save); s != NULL;
	    s = strtok_r(NULL, ",", &save))
		knob(c, s);
}

static void
pings(struct run_opts *o, char *list)
{
	char *s, *save = NULL;

	for (s = strtok_r(list, ",", &save); s != NULL;
	    s = strtok_r(NULL, ",", &save)) {
		if (o->n_ping == PINGS_MAX)
			usage("too many addresses to ping");
		o->ping[o->n_ping++] = address(s);
	}
}

static void
cert_knob(struct init_cred *c, const char *s)
{
	const struct {
		const char *name;
		unsigned int bit;
		uint8_t *flag;
	} all[] = {
		{ "no-cert", CK_NO_CERT, NULL },
		{ "other-msg1", CK_OTHER_MSG1, NULL },
		{ "bad-sig", CK_BAD_SIG, NULL }, { "fifty", CK_FIFTY, NULL },
		{ "huge", CK_HUGE, NULL }, { "encodings", CK_ENCODINGS, NULL },
		{ "empty-cert", CK_EMPTY_CERT, NULL },
		{ "certreq-21", CK_CERTREQ_21, NULL },
		{ "certreq-empty", CK_CERTREQ_EMPTY, NULL },
		{ "certreq-many", CK_CERTREQ_MANY, NULL },
		{ "other-id", CK_OTHER_ID, NULL },
		{ "pss-salt", CK_PSS_SALT, NULL },
		{ "no-hashes", 0, &c->no_hashes },
		{ "takes-url", 0, &c->takes_url },
		{ "wants-ocsp", 0, &c->wants_ocsp },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(s, all[i].name) == 0) {
			c->knobs |= all[i].bit;
			if (all[i].flag != NULL)
				*all[i].flag = 1;
			return;
		}
	usage(s);
}

static void
cert_knobs(struct init_cred *c, char *list)
{
	char *s, *save = NULL;

	for (s = strtok_r(list, ",", &save); s != NULL;
	    s = strtok_r(NULL, ",", &save))
		cert_knob(c, s);
}

static enum sig_id
sig_named(const char *name)
{
	for (int i = SIG_NONE + 1; i < SIG_ID_MAX; i++)
		if (strcmp(sig_alg((enum sig_id)i)->name, name) == 0)
			return ((enum sig_id)i);
	usage(name);
	return (SIG_NONE);
}

/* Options of the sockets and of what a session does. */
static int
opt_run(struct args *a, int o, char *v)
{
	struct run_opts *r = &a->run.opts;

	switch (o) {
	case O_PORT: a->port = (uint16_t)number(v, 65535); break;
	case O_NATT_PORT: a->natt_port = (uint16_t)number(v, 65535); break;
	case O_LOCAL: a->local = address(v); break;
	case O_LOCAL_PORT: a->local_port = (uint16_t)number(v, 65535); break;
	case O_LOCAL_NATT: a->local_natt = (uint16_t)number(v, 65535); break;
	case O_SESSIONS: a->sessions = number(v, 100000); break;
	case O_PARALLEL: a->parallel = number(v, 100000); break;
	case O_ESP: a->esp = 1; break;
	case O_PING: a->esp = 1; pings(r, v); break;
	case O_COUNT: r->count = (unsigned int)number(v, 10000); break;
	case O_INTERVAL: r->interval_ms = seconds(v); break;
	case O_SIZE: r->size = (unsigned int)number(v, 1300); break;
	case O_ESP_CASE: r->cases = v; break;
	case O_PLAIN: r->plain = 1; break;
	case O_HOLD: r->hold_ms = seconds(v); break;
	case O_DPD: r->dpd_ms = seconds(v); break;
	case O_TIMEOUT: r->timeout_ms = seconds(v); break;
	case O_NO_DELETE: r->no_delete = 1; break;
	case O_DELETE_CHILD: r->delete_child = 1; break;
	case O_QUIET: a->quiet = 1; break;
	case O_EXPECT_FAIL: a->expect_fail = 1; break;
	case O_HOSTILE: a->hostile = v; break;
	case O_KEYS: show_keys = 1; break;
	default: return (0);
	}
	return (1);
}

static void
opt_client(struct args *a, int o, char *v)
{
	struct init_conf *c = &a->conf;

	switch (o) {
	case O_SERVER: a->server = address(v); break;
	case O_ID: a->id = v; break;
	case O_PSK: c->psk = v; break;
	case O_IDR: c->idr = v; break;
	case O_SHAPE:
		if ((c->shape = init_shape(v)) == NULL)
			usage(v);
		break;
	case O_IKE: c->ike = v; break;
	case O_PROPOSAL: c->esp = v; break;
	case O_GROUP: c->group = (uint16_t)number(v, 65535); break;
	case O_CP: cp_attrs(c, v); break;
	case O_TS_I: selectors(c->ts_i, &c->n_ts_i, v); break;
	case O_TS_R: selectors(c->ts_r, &c->n_ts_r, v); break;
	case O_KNOBS: knobs(c, v); break;
	case O_FIRST_MS: c->first_ms = (uint32_t)number(v, 60000); break;
	case O_CERT: a->chain = v; c->cred = &a->cred; break;
	case O_KEY: a->key = v; break;
	case O_KEY_PASSWORD: a->key_password = v; break;
	case O_SIG: a->cred.sig = sig_named(v); break;
	case O_AUTH_METHOD: a->cred.method = (uint8_t)number(v, 255); break;
	case O_URL: a->url = v; break;
	case O_CERTREQ: a->certreq = v; break;
	case O_REPLAY: a->replay = v; break;
	case O_CERT_KNOBS: cert_knobs(&a->cred, v); break;
	case O_TRIES: c->tries = (unsigned int)number(v, 20); break;
	default: usage("unknown option");
	}
}

/* ---- results ---- */
static char sep;

static void
kv(const char *key, const char *value)
{
	printf("%s=%s%c", key, value, sep);
}

static void
kvu(const char *key, unsigned long v)
{
	printf("%s=%lu%c", key, v, sep);
}

static void
kv_hex(const char *key, const uint8_t *p, size_t len)
{
	printf("%s=", key);
	for (size_t i = 0; i < len; i++)
		printf("%02x", p[i]);
	putchar(sep);
}

static void
kv_tsel(const char *key, const struct tsel *v, size_t n)
{
	char buf[1024];
	struct txt t;

	txt_init(&t, buf, sizeof(buf));
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			txt_str(&t, ",");
		tsel_txt(&t, &v[i]);
	}
	kv(key, buf);
}

static void
kv_algs(const char *key, const struct algs *a)
{
	char buf[160], n[32];
	struct txt t;

	txt_init(&t, buf, sizeof(buf));
	txt_str(&t, suite_encr_name(a->encr, a->encr_bits, n, sizeof(n)));
	if (a->integ != 0) {
		txt_str(&t, "-");
		txt_str(&t, suite_integ_name(a->integ, n, sizeof(n)));
	}
	if (a->prf != 0) {
		txt_str(&t, "-prf");
		txt_str(&t, suite_prf_name(a->prf, n, sizeof(n)));
	}
	if (a->kex != 0) {
		txt_str(&t, "-");
		txt_str(&t, suite_kex_name(a->kex, n, sizeof(n)));
	}
	if (a->esn != 0)
		txt_str(&t, "-esn");
	kv(key, buf);
}

static void
kv_notifies(const struct init_report *rep)
{
	char buf[2048], n[32];
	struct txt t;

	txt_init(&t, buf, sizeof(buf));
	for (size_t i = 0; i < rep->n_n; i++) {
		if (i > 0)
			txt_str(&t, ",");
		txt_str(&t, wire_notify_name(rep->n[i].type, n, sizeof(n)));
	}
	kv("notifies", buf);
	kv("error", rep->error == 0 ? "" :
	    wire_notify_name(rep->error, n, sizeof(n)));
}

/* Attributes beyond the addresses: by number, addresses and text as such. */
static void
kv_cp(const struct init_report *rep)
{
	char key[16], buf[256];
	const struct init_cp_at *a;
	struct addr ip;
	struct txt t;

	for (size_t i = 0; i < rep->n_cp; i++) {
		a = &rep->cp[i];
		snprintf(key, sizeof(key), "cp%u", a->type);
		txt_init(&t, buf, sizeof(buf));
		memset(&ip, 0, sizeof(ip));
		if (a->type == CA_INTERNAL_DNS_DOMAIN ||
		    a->type == CA_APPLICATION_VERSION) {
			txt_esc(&t, a->data, a->len);
		} else if (a->len == 4 || a->len == 16) {
			ip.family = a->len == 4 ? 4 : 6;
			memcpy(ip.ip, a->data, a->len);
			addr_txt(&t, &ip);
		} else {
			txt_hex(&t, a->data, a->len);
		}
		kv(key, buf);
	}
}

static void
show_child(const struct sess *s)
{
	const struct init_child *k = &s->c->child;
	char buf[32];

	kvu("child", s->esp.open != NULL);
	if (s->esp.open == NULL)
		return;
	snprintf(buf, sizeof(buf), "%08x", k->spi_in);
	kv("spi_in", buf);
	snprintf(buf, sizeof(buf), "%08x", k->spi_out);
	kv("spi_out", buf);
	if (show_keys) {
		kv_hex("key_in", k->key_in.p, k->key_in.len);
		kv_hex("key_out", k->key_out.p, k->key_out.len);
		kv_hex("auth", s->c->report.auth, s->c->report.auth_len);
	}
	kv_algs("esp", &k->algs);
	kv_tsel("ts_i", k->ts_i, k->n_ts_i);
	kv_tsel("ts_r", k->ts_r, k->n_ts_r);
	kv("encap", s->c->natt && !s->r->opts.plain ? "udp" : "plain");
}

static void
show(const struct sess *s)
{
	const struct init_client *c = s->c;
	const struct init_report *r = &c->report;
	char buf[ADDR_STRLEN];

	kvu("session", s->num);
	kv("login", s->t_up != 0 ? "ok" : "failed");
	kv("state", init_state_name(c->state));
	kv("why", r->why);
	kv_notifies(r);
	kvu("login_ms", s->t_up != 0 ? s->t_up - s->t_start : 0);
	if (c->open != NULL)
		kv_algs("ike", &c->algs);
	kv("ip4", r->ip4.family ? addr_str(&r->ip4, buf, sizeof(buf)) : "");
	kv("ip6", r->ip6.family ? addr_str(&r->ip6, buf, sizeof(buf)) : "");
	kv_cp(r);
	show_child(s);
	if (r->n_certs > 0) {
		kv("server_auth", r->auth_alg != NULL ? r->auth_alg : "");
		kvu("server_method", r->auth_method);
		kvu("server_certs", r->n_certs);
		kvu("ca_hashes", r->n_ca_hashes);
		kvu("ocsp", r->cert_encodings[r->n_certs - 1] ==
		    CERT_OCSP_CONTENT);
	}
	kvu("natt", c->natt);
	kvu("nat_server", r->nat_server);
	kvu("nat_us", r->nat_us);
	kvu("frag", c->frag);
	kvu("frag_out", r->fragments_out);
	kvu("frag_in", r->fragments_in);
	kvu("cookies", r->cookies);
	kvu("invalid_ke", r->invalid_ke);
	kvu("resent", r->resent);
	kvu("server_requests", r->server_requests);
	kvu("ping_ok", s->got);
	kvu("ping_lost", s->lost);
	kvu("ping_again", s->again);
	if (s->cases[0] != '\0')
		printf("%s%c", s->cases, sep);
	if (sep == ' ')
		putchar('\n');
}

static int
good(const struct args *a, const struct sess *s)
{
	if (a->expect_fail)
		return (s->t_up == 0 || s->esp.open == NULL);
	return (s->t_up != 0 && (s->esp.open != NULL || a->conf.no_child) &&
	    s->lost == 0 && strstr(s->cases, "=fail") == NULL &&
	    strstr(s->cases, "=unknown") == NULL &&
	    s->c->state != INIT_FAILED);
}

/* ---- running ---- */
static void
prepare(struct args *a)
{
	struct rlimit rl = { RLIM_INFINITY, RLIM_INFINITY };

	(void)setrlimit(RLIMIT_MEMLOCK, &rl);
	if (secret_slab_init((a->sessions + 16) * 4096) != 0 ||
	    crypto_init() != 0 || aead_init(AEAD_OPENSSL) != 0) {
		fprintf(stderr, "ghclient: no key memory or crypto\n");
		exit(2);
	}
	if (a->conf.cred != NULL && a->key == NULL)
		usage("--cert needs --key");
	if (a->local.family == 0 &&
	    run_local_for(&a->local, &a->server) != 0) {
		fprintf(stderr, "ghclient: no way to the server\n");
		exit(2);
	}
	a->local.port = 0;
	if (run_open(&a->run, &a->local, a->local_port, a->local_natt,
	    a->esp) != 0) {
		perror("ghclient: sockets");
		exit(2);
	}
	a->conf.local = a->run.local;
	a->conf.natt_local = a->run.natt_port;
	a->conf.server = a->server;
	a->conf.server.port = a->port;
	a->conf.natt_port = a->natt_port;
}

/* The text with the session's number for %d; the caller frees it. */
static char *
numbered(const char *text, size_t i)
{
	const char *pct = strstr(text, "%d");
	char *s;

	NEED((s = malloc(strlen(text) + 24)) != NULL);
	if (pct != NULL)
		sprintf(s, "%.*s%zu%s", (int)(pct - text), text, i, pct + 2);
	else
		strcpy(s, text);
	return (s);
}

/* What one session logs in with: the same for all, or its own. */
static struct init_cred *
cred_of(struct args *a, size_t i)
{
	static struct init_cred *shared;
	char *chain, *key, why[300];
	struct init_cred *c;

	if (shared != NULL && strstr(a->chain, "%d") == NULL)
		return (shared);
	NEED((c = malloc(sizeof(*c))) != NULL);
	*c = a->cred;
	chain = numbered(a->chain, i);
	key = numbered(a->key, i);
	if (init_cred_load(c, chain, key, a->key_password, why,
	    sizeof(why)) != 0 || (a->certreq != NULL &&
	    init_cred_certreq(c, a->certreq, why, sizeof(why)) != 0))
		usage(why);
	if (a->replay != NULL && init_cred_replay(c, a->replay) != 0)
		usage("--replay");
	if (a->url != NULL)
		init_cred_url(c, a->url);
	free(chain);
	free(key);
	return (shared = c);
}

static void
sessions_make(struct args *a, size_t n)
{
	a->run.n = n;
	NEED((a->run.all = calloc(n, sizeof(*a->run.all))) != NULL);
	memset(a->run.by_spi, 0, sizeof(a->run.by_spi));
	for (size_t i = 0; i < n; i++) {
		/* Ids stay for the life of the process: conf borrows them. */
		a->conf.idi = numbered(a->id, i);
		if (a->conf.cred != NULL)
			a->conf.cred = cred_of(a, i);
		a->run.all[i].r = &a->run;
		a->run.all[i].num = (unsigned int)i;
		a->run.all[i].c = init_new(&a->conf);
	}
}

static void
sessions_free(struct args *a)
{
	for (size_t i = 0; i < a->run.n; i++) {
		init_esp_free(&a->run.all[i].esp);
		free((char *)(uintptr_t)a->run.all[i].c->conf.idi);
		init_free(a->run.all[i].c);
	}
	free(a->run.all);
}

static int
run_honest(struct args *a)
{
	size_t up = 0, ok = 0;
	uint64_t t0 = run_now_ms();

	sessions_make(a, a->sessions);
	run_all(&a->run, a->parallel);
	sep = a->sessions == 1 ? '\n' : ' ';
	for (size_t i = 0; i < a->run.n; i++) {
		up += a->run.all[i].t_up != 0;
		ok += (size_t)good(a, &a->run.all[i]);
		if (!a->quiet)
			show(&a->run.all[i]);
	}
	if (a->sessions > 1)
		printf("sessions=%zu up=%zu ok=%zu ms=%llu\n", a->sessions, up,
		    ok, (unsigned long long)(run_now_ms() - t0));
	ok = a->sessions - ok;
	sessions_free(a);
	return (ok == 0 ? 0 : 1);
}

static void
verdict_txt(unsigned int v, char *buf, size_t cap)
{
	static const char *const names[] = { "silence", "notify", "up",
		"no_child", "closed", "answer" };
	struct txt t;

	txt_init(&t, buf, cap);
	for (unsigned int i = 0; i < 6; i++)
		if (v & 1U << i) {
			if (t.len > 0)
				txt_str(&t, "|");
			txt_str(&t, names[i]);
		}
}

static int
run_case(struct args *a, const struct init_hostile *hs)
{
	char got[64], want[64], n[32];
	const struct sess *s;
	int ok;

	a->conf.hostile = hs;
	a->run.hostile = 1;
	sessions_make(a, 1);
	run_all(&a->run, 1);
	s = &a->run.all[0];
	ok = (s->verdict & hs->expect) != 0;
	verdict_txt(s->verdict, got, sizeof(got));
	verdict_txt(hs->expect, want, sizeof(want));
	printf("%s check=%d %s got=%s want=%s notify=%s why=%s\n",
	    ok ? "ok" : "FAIL", hs->check, hs->name, got, want,
	    s->c->report.error == 0 ? "" : wire_notify_name(
	    s->c->report.error, n, sizeof(n)), s->c->report.why);
	fflush(stdout);
	sessions_free(a);
	return (ok);
}

static int
run_hostile(struct args *a)
{
	size_t n = 0, bad = 0, len = strlen(a->hostile);
	const struct init_hostile *hs;

	if (a->conf.first_ms == 0)
		a->conf.first_ms = 5000; /* no retransmits into a silence */
	for (size_t i = 0; (hs = init_hostile_at(i)) != NULL; i++) {
		if (strcmp(a->hostile, "list") == 0) {
			printf("%s %d\n", hs->name, hs->check);
			continue;
		}
		if (strcmp(a->hostile, "all") != 0 &&
		    strcmp(a->hostile, hs->name) != 0 &&
		    (len == 0 || a->hostile[len - 1] != '/' ||
		    strncmp(a->hostile, hs->name, len) != 0))
			continue;
		n++;
		bad += !run_case(a, hs);
	}
	if (strcmp(a->hostile, "list") == 0)
		return (0);
	if (n == 0)
		usage("no such case");
	printf("hostile=%zu failed=%zu\n", n, bad);
	return (bad == 0 ? 0 : 1);
}

int
main(int argc, char **argv)
{
	static struct args a = { .port = 500, .natt_port = 4500,
		.local_port = 500, .local_natt = 4500, .sessions = 1,
		.parallel = 64 };
	int o, ret;

	a.run.opts.count = 1;
	a.run.opts.size = 56;
	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == '?')
			usage("see above");
		if (!opt_run(&a, o, optarg))
			opt_client(&a, o, optarg);
	}
	if (a.run.opts.timeout_ms == 0)
		a.run.opts.timeout_ms = a.hostile != NULL ? 500 : 20000;
	if (a.hostile != NULL && strcmp(a.hostile, "list") == 0)
		return (run_hostile(&a));
	if (a.server.family == 0 || a.id == NULL || optind != argc ||
	    a.sessions == 0)
		usage("--server and --id are needed");
	prepare(&a);
	ret = a.hostile != NULL ? run_hostile(&a) : run_honest(&a);
	run_close(&a.run);
	return (ret);
}
