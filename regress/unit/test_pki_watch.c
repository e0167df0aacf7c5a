/*
 * What pki asks of fetch, and which sessions must end.
 */
#include "regress/unit/pki_net.h"

#define U1 "http://a.example/ca.crl"
#define UO "http://ocsp.example/"

static struct tp_cert *ca;
static struct result r;

static void
setup(void)
{
	net_setup();
	ca = tp_root("C=CH, CN=CA", key(0));
}

/* ---- fetch ----------------------------------------------------------------- */
struct got {
	unsigned int n;
	uint8_t p[20000];
	size_t len;
	int failed;
	char text[300];
	uint32_t drop;  /* another's id: given up from inside */
	const char *url; /* asked for from inside */
	uint32_t id;
};

static void
take(struct pki *p, void *arg, const uint8_t *data, size_t len,
    const char *text)
{
	struct got *g = arg;

	g->n++;
	g->failed = data == NULL;
	g->len = len;
	ck_assert_uint_le(len, sizeof(g->p));
	if (len != 0)
		memcpy(g->p, data, len);
	strcpy(g->text, text);
	if (g->drop != 0)
		pki_fetch_drop(p, g->drop);
	if (g->url != NULL)
		ck_assert_int_eq(pki_fetch(p, g->url, "", NULL, 0, 100, take,
		    g, &g->id), 0);
	g->url = NULL;
}

static int
get(struct got *g, const char *url, size_t max)
{
	memset(g, 0, sizeof(*g));
	return (pki_fetch(k, url, "", NULL, 0, max, take, g, &g->id));
}

START_TEST(pieces)
{
	static struct got g;
	struct tp_blob b = { (const uint8_t *)"0123456789", 10 };

	ck_assert_int_eq(get(&g, U1, 10), 0);
	ck_assert_uint_eq(g.n, 0); /* never from inside */
	ck_assert_str_eq(k->fetch[0].url, U1);
	ck_assert_uint_eq(k->fetch[0].max, 10);
	ck_assert_uint_eq(k->fetch[0].ms, 5000);
	ck_assert_int_eq(give(k->fetch[0].id, b, 3), 0);
	ck_assert_uint_eq(g.n, 1);
	ck_assert_uint_eq(g.len, 10);
	ck_assert_mem_eq(g.p, b.p, 10);
	/* Again the same: late, not hostile. */
	ck_assert_int_eq(give(k->fetch[0].id, b, 3), 0);
	ck_assert_uint_eq(g.n, 1);
	/* Nothing at all is an answer too. */
	ck_assert_int_eq(get(&g, U1, 10), 0);
	ck_assert_int_eq(fetched(k->fetch[1].id, MSG_YES, 1, "", 0, ""), 0);
	ck_assert_uint_eq(g.n, 1);
	ck_assert_int_eq(g.failed, 0);
	/* More than was asked for; what was never asked for. */
	ck_assert_int_eq(get(&g, U1, 9), 0);
	ck_assert_int_eq(give(k->fetch[2].id, b, 5), ERR_RANGE);
	ck_assert_int_eq(give(k->fetch[2].id + 1, b, 5), ERR_RANGE);
	ck_assert_int_eq(give(0, b, 5), ERR_RANGE);
	ck_assert_int_eq(fetched(k->fetch[2].id, 7, 1, "", 0, ""), ERR_RANGE);
	/* A refusal after some of it. */
	ck_assert_int_eq(fetched(k->fetch[2].id, MSG_YES, 0, "abc", 3, ""), 0);
	ck_assert_int_eq(fetched(k->fetch[2].id, MSG_REFUSED, 1, "", 0,
	    "a\"b\n"), 0);
	ck_assert_int_eq(g.failed, 1);
	ck_assert_uint_eq(g.len, 0);
	ck_assert_str_eq(g.text, "a\\x22b\\x0a");
}
END_TEST

START_TEST(shared)
{
	static struct got a, b, c;
	struct tp_blob x = { (const uint8_t *)"x", 1 };

	ck_assert_int_eq(get(&a, U1, 100), 0);
	ck_assert_int_eq(get(&b, U1, 100), 0);
	ck_assert_int_eq(get(&c, U1, 50), 0); /* not the same */
	ck_assert_uint_eq(k->n_fetch, 2);
	/* The first gives up the second, and asks for more, from inside. */
	a.drop = b.id;
	a.url = UO;
	ck_assert_int_eq(give(k->fetch[0].id, x, 9), 0);
	ck_assert_uint_eq(a.n, 1);
	ck_assert_uint_eq(b.n, 0);
	ck_assert_uint_eq(c.n, 0);
	ck_assert_uint_eq(k->n_fetch, 3);
	ck_assert_str_eq(k->fetch[2].url, UO);
	/* Given up: nobody is called. */
	pki_fetch_drop(k, c.id);
	pki_fetch_drop(k, c.id);
	ck_assert_int_eq(give(k->fetch[1].id, x, 9), 0);
	ck_assert_uint_eq(c.n, 0);
}
END_TEST

START_TEST(caps)
{
	static struct got g[200];
	char url[64];
	size_t n = 0;

	for (size_t i = 0; i < 8; i++) {
		snprintf(url, sizeof(url), "http://A.example/%zu", i);
		ck_assert_int_eq(get(&g[n++], url, 9), 0);
	}
	ck_assert_int_eq(get(&g[n], "http://a.example/9", 9), ERR_LIMIT);
	ck_assert_int_eq(get(&g[n++], "http://A.example/7", 9), 0); /* shared */
	ck_assert_int_eq(get(&g[n], "http://a.example/0", 9), ERR_LIMIT);
}
END_TEST

START_TEST(total)
{
	static struct got g[200];
	char url[64];

	for (size_t i = 0; i < 128; i++) {
		snprintf(url, sizeof(url), "http://h%zu.example/", i);
		ck_assert_int_eq(get(&g[i], url, 9), 0);
	}
	ck_assert_int_eq(get(&g[128], "http://more.example/", 9), ERR_LIMIT);
	ck_assert_int_eq(get(&g[129], "http://h7.example/", 9), 0); /* shared */
	/* fetch is silent: the places are free again. */
	k->now_ms += 6000;
	pki_fetch_timer(k);
	for (size_t i = 0; i < 128; i++)
		ck_assert_uint_eq(g[i].n, 1);
	ck_assert_str_eq(g[129].text, "fetch did not answer in time");
	ck_assert_int_eq(get(&g[128], "http://more.example/", 9), 0);
	pki_fetch_lost(k);
	ck_assert_str_eq(g[128].text, "fetch process ended");
	k->fetch_down = 1;
	ck_assert_int_eq(get(&g[128], U1, 9), ERR_UNAVAIL);
}
END_TEST

/* ---- sessions -------------------------------------------------------------- */
static void
watch(uint8_t n, const struct cert_path *p, uint64_t not_after)
{
	uint8_t buf[600], sid[SID_LEN] = { n, (uint8_t)(n + 1) };
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	ck_assert_int_eq(pki_watch_make(&w, p), 0);
	ck_assert_int_eq(pki_watch_add(k, sid, buf, w.len, not_after), 0);
}

static void
tick(void)
{
	pass(1);
	serve();
	pki_watch_timer(k);
}

START_TEST(crl_comes)
{
	struct tp_cert *good = user(ca, 7, CDP(U1), NULL);
	struct tp_cert *bad = user(ca, 0xbad, CDP(U1), NULL);
	struct cert_path gp = path_of(2, good, ca), bp = path_of(2, bad, ca);
	static const uint64_t serial = 0xbad;

	give_crl(U1, tp_crl_plain(ca, NULL, 0));
	ck_assert_int_eq(verdict(&r, &bp, REVOCATION_STRICT), FAULT_NONE);
	watch(1, &gp, k->now_s + DAY);
	watch(2, &bp, k->now_s + DAY);
	watch(3, &bp, k->now_s + DAY);
	ck_assert_uint_eq(pki_watch_count(k), 3);
	tick();
	ck_assert_uint_eq(k->n_told, 0);
	/* The CA revokes; the refresh brings it. */
	give_crl(U1, tp_crl_plain(ca, &serial, 1));
	k->parent_down = 1;
	pass(DAY - 1000);
	tick();
	ck_assert_uint_eq(k->n_told, 0);
	k->parent_down = 0; /* told when it can be */
	tick();
	ck_assert_uint_eq(k->n_told, 2);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(k->told[i].why, WHY_CERT_REVOKED);
		ck_assert_uint_eq(k->told[i].sid[0], i + 2);
		ck_assert_ptr_nonnull(strstr(k->told[i].detail,
		    "serial=0bad reason=keyCompromise at=20"));
	}
	/* Once. */
	tick();
	ck_assert_uint_eq(k->n_told, 2);
	pki_watch_remove(k, k->told[0].sid);
	pki_watch_remove(k, k->told[0].sid);
	ck_assert_uint_eq(pki_watch_count(k), 2);
	/* One that comes when it is known already. */
	watch(4, &bp, k->now_s + DAY);
	ck_assert_uint_eq(k->n_told, 3);
}
END_TEST

/* A CA below the anchor is revoked: everybody under it. */
START_TEST(ca_goes)
{
	struct tp_spec spec = { .subject = "CN=Sub", .key = key(1),
		.issuer = ca, .ca = 1, .serial = 0x50b, .ext = { CDP(U1) } };
	struct tp_cert *sub = tp_cert(&spec), *leaf = user(sub, 1, NULL, NULL);
	struct cert_path p = path_of(3, leaf, sub, ca);
	static const uint64_t serial = 0x50b;

	watch(1, &p, k->now_s + DAY);
	give_crl(U1, tp_crl_plain(ca, &serial, 1));
	ck_assert_int_eq(verdict(&r, &p, REVOCATION_RELAXED), FAULT_REVOKED);
	tick();
	ck_assert_uint_eq(k->n_told, 1);
	ck_assert_ptr_nonnull(strstr(k->told[0].detail, "serial=050b"));
}
END_TEST

START_TEST(expires)
{
	struct cert_path p = path_of(2, user(ca, 7, NULL, NULL), ca);

	watch(1, &p, k->now_s + 10);
	watch(2, &p, k->now_s + 100);
	for (size_t i = 0; i < 10; i++)
		tick();
	ck_assert_uint_eq(k->n_told, 0);
	tick();
	ck_assert_uint_eq(k->n_told, 1);
	ck_assert_int_eq(k->told[0].why, WHY_CERT_EXPIRED);
	ck_assert_uint_eq(k->told[0].sid[0], 1);
	pass(200);
	tick();
	ck_assert_uint_eq(k->n_told, 2);
}
END_TEST

static void
offer(uint8_t n, const struct cert_path *p)
{
	struct pki_trust t = { .revocation = REVOCATION_IFURI };
	uint8_t sid[SID_LEN] = { n, (uint8_t)(n + 1) };

	pki_watch_offer(k, sid, p, &t);
}

/* OCSP is the only word: asked again every recheck_s. */
START_TEST(ocsp_again)
{
	struct tp_cert *leaf = user(ca, 7, AIA(UO), NULL);
	struct cert_path p = path_of(2, leaf, ca);
	struct tp_ocsp_spec s = { .cert = leaf, .issuer = ca,
		.next_update = (int64_t)k->now_s + DAY };
	unsigned int asked;

	give_ocsp(UO, &s);
	ck_assert_int_eq(verdict(&r, &p, REVOCATION_IFURI), FAULT_NONE);
	offer(1, &p);
	watch(1, &p, k->now_s + DAY);
	watch(2, &p, k->now_s + DAY); /* not offered: it cannot be asked */
	asked = route(UO)->n;
	pass(500);
	tick();
	ck_assert_uint_eq(route(UO)->n, asked);
	pass(100);
	pki_watch_timer(k);
	ck_assert_uint_eq(serve(), 1);
	ck_assert_uint_eq(k->n_told, 0);
	/* Dead: the session goes on. */
	kill_url(UO);
	pass(600);
	pki_watch_timer(k);
	serve();
	ck_assert_uint_eq(k->n_told, 0);
	s.status = TP_OCSP_REVOKED;
	s.reason1 = 5;
	give_ocsp(UO, &s);
	pass(600);
	pki_watch_timer(k);
	serve();
	ck_assert_uint_eq(k->n_told, 1);
	ck_assert_int_eq(k->told[0].why, WHY_CERT_REVOKED);
	ck_assert_uint_eq(k->told[0].sid[0], 1);
	ck_assert_ptr_nonnull(strstr(k->told[0].detail, "reason=superseded"));
	/* The other session of that certificate too. */
	tick();
	ck_assert_uint_eq(k->n_told, 2);
	ck_assert_uint_eq(k->told[1].sid[0], 2);
}
END_TEST

/* A session ends while its certificate is asked about. */
START_TEST(ends_meanwhile)
{
	struct tp_cert *leaf = user(ca, 7, AIA(UO), NULL);
	struct cert_path p = path_of(2, leaf, ca);
	struct tp_ocsp_spec s = { .cert = leaf, .issuer = ca };
	uint8_t sid[SID_LEN] = { 1, 2 };

	give_ocsp(UO, &s);
	offer(1, &p);
	watch(1, &p, k->now_s + DAY);
	pass(600);
	pki_watch_timer(k);
	ck_assert_uint_eq(k->n_fetch - k->n_served, 1);
	pki_watch_remove(k, sid);
	serve();
	ck_assert_uint_eq(k->n_told, 0);
	ck_assert_uint_eq(pki_watch_count(k), 0);
	/* An offer that nobody takes ends by itself. */
	offer(2, &p);
	pass(61);
	pki_watch_timer(k);
	watch(2, &p, k->now_s + DAY);
	pass(700);
	pki_watch_timer(k);
	ck_assert_uint_eq(serve(), 0);
}
END_TEST

START_TEST(malformed)
{
	uint8_t sid[SID_LEN] = { 1 }, buf[600] = { 0 };
	struct cert_path p = path_of(2, user(ca, 7, NULL, NULL), ca);
	struct wr w;

	ck_assert_int_eq(pki_watch_add(k, sid, buf, 10, k->now_s), ERR_SYNTAX);
	buf[32] = 200;
	ck_assert_int_eq(pki_watch_add(k, sid, buf, 300, k->now_s),
	    ERR_SYNTAX);
	memset(buf, 0, sizeof(buf));
	ck_assert_int_eq(pki_watch_add(k, sid, buf, 33 * 9, k->now_s),
	    ERR_SYNTAX);
	ck_assert_uint_eq(pki_watch_count(k), 0);
	wr_init(&w, buf, 20);
	ck_assert_int_eq(pki_watch_make(&w, &p), ERR_SPACE);
	ck_assert_uint_eq(w.len, 0);
}
END_TEST

static double
since(const struct timespec *from)
{
	struct timespec to;

	clock_gettime(CLOCK_MONOTONIC, &to);
	return ((double)(to.tv_sec - from->tv_sec) * 1e3 +
	    (double)(to.tv_nsec - from->tv_nsec) / 1e6);
}

/* Ten thousand sessions: a new CRL costs a look at each certificate, one of
 * another issuer nothing. */
START_TEST(ten_thousand)
{
	struct cert_path p = path_of(2, user(ca, 7, CDP(U1), NULL), ca);
	static const uint64_t serials[] = { 0x0101010101010101 };
	struct tp_cert *other = tp_root("CN=Other", key(2));
	uint8_t buf[600], sid[SID_LEN] = { 0 };
	struct timespec from;
	struct wr w;
	double ms;

	give_crl(U1, tp_crl_plain(ca, NULL, 0));
	ck_assert_int_eq(verdict(&r, &p, REVOCATION_STRICT), FAULT_NONE);
	for (uint32_t i = 0; i < 10000; i++) {
		wr_init(&w, buf, sizeof(buf));
		ck_assert_int_eq(pki_watch_make(&w, &p), 0);
		/* The last of it is the serial: each its own. */
		ck_assert_int_eq(wr_zero(&w, 7), 0);
		buf[32] = 8;
		memset(buf + 33, 1, 8);
		buf[33] = (uint8_t)(i >> 8);
		buf[34] = (uint8_t)i;
		memcpy(sid, &i, sizeof(i));
		ck_assert_int_eq(pki_watch_add(k, sid, buf, w.len,
		    k->now_s + 400 * DAY), 0);
	}
	pki_watch_timer(k);
	clock_gettime(CLOCK_MONOTONIC, &from);
	give_crl("http://o.example/", tp_crl_plain(other, NULL, 0));
	p = path_of(2, user(other, 7, CDP("http://o.example/"), NULL), other);
	(void)verdict(&r, &p, REVOCATION_STRICT);
	clock_gettime(CLOCK_MONOTONIC, &from);
	pki_watch_timer(k);
	ms = since(&from);
	printf("another issuer's CRL: %.3f ms\n", ms);
	ck_assert(ms < 50);
	give_crl(U1, tp_crl_plain(ca, serials, 1));
	pass(DAY - 1000);
	ck_assert_uint_ge(serve(), 1);
	clock_gettime(CLOCK_MONOTONIC, &from);
	pki_watch_timer(k);
	ms = since(&from);
	printf("their issuer's CRL: %.1f ms\n", ms);
	ck_assert(ms < 2000);
	ck_assert_uint_eq(k->n_told, 1);
	ck_assert_uint_eq(pki_watch_count(k), 10000);
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (size_t i = 0; i < 100; i++)
		pki_watch_timer(k);
	printf("a second without news: %.4f ms\n", since(&from) / 100);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("watch");
	TCase *t = tcase_create("watch");

	tcase_add_checked_fixture(t, setup, net_teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, pieces);
	tcase_add_test(t, shared);
	tcase_add_test(t, caps);
	tcase_add_test(t, total);
	tcase_add_test(t, crl_comes);
	tcase_add_test(t, ca_goes);
	tcase_add_test(t, expires);
	tcase_add_test(t, ocsp_again);
	tcase_add_test(t, ends_meanwhile);
	tcase_add_test(t, malformed);
	tcase_add_test(t, ten_thousand);
	suite_add_tcase(s, t);
	return (run_suite(s));
}
