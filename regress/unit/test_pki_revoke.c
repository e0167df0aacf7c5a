/*
 * Is a path revoked? Every answer that CRLs and OCSP can give or fail to give,
 * under every policy.
 */
#include "regress/unit/pki_lists.h"

#include "privsep/base/log.h"
#include "privsep/ipc/row.h"

/* ---- CRLs ------------------------------------------------------------------ */
START_TEST(by_crl)
{
	users(CDP(U1), NULL);
	give_crl(U1, crl(1, (int64_t)k->now_s + 7200));
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_STRICT), FAULT_NONE);
	ck_assert_uint_eq(r.until, k->now_s + 7200);
	ck_assert_uint_eq(route(U1)->n, 1);
	ck_assert_uint_gt(pki_revoke_epoch(k), 0);
	/* The second login finds it at once. */
	ask(&r, &bp, REVOCATION_RELAXED);
	ck_assert_uint_eq(r.n, 1);
	ck_assert_int_eq(r.fault, FAULT_REVOKED);
	ck_assert_str_eq(r.detail, "serial=0bad reason=keyCompromise "
	    "at=2023-11-14T22:13:20Z by=crl issuer=\"C=CH, CN=CA\"");
	ck_assert_uint_eq(route(U1)->n, 1);
}
END_TEST

START_TEST(expired_crl)
{
	users(CDP(U1), NULL);
	give_crl(U1, crl(1, (int64_t)k->now_s - 60));
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_STRICT), FAULT_UNKNOWN);
	ck_assert_str_eq(r.detail, "serial=600d url=" U1
	    " why=\"it has expired\"");
	/* Once revoked is revoked. */
	ck_assert_int_eq(verdict(&r, &bp, REVOCATION_RELAXED), FAULT_REVOKED);
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_RELAXED), FAULT_NONE);
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_IFURI), FAULT_UNKNOWN);
	/* It is not fetched for every login; after half a minute it is. */
	ck_assert_uint_eq(route(U1)->n, 1);
	give_crl(U1, crl(2, (int64_t)k->now_s + 600));
	pass(31);
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_STRICT), FAULT_NONE);
	ck_assert_uint_eq(route(U1)->n, 2);
}
END_TEST

START_TEST(wrong_ca)
{
	struct tp_cert *twin = tp_root("C=CH, CN=CA", key(1));

	users(CDP(U1), NULL);
	give_crl(U1, tp_crl_plain(twin, &bad_serial, 1));
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_STRICT), FAULT_UNKNOWN);
	ck_assert_str_eq(r.detail, "serial=600d url=" U1
	    " why=\"its issuer did not sign it\"");
	ck_assert_int_eq(verdict(&r, &bp, REVOCATION_RELAXED), FAULT_NONE);
	ck_assert_uint_eq(files(".crl"), 0);
	give_crl(U1, (struct tp_blob){ (const uint8_t *)"<html>", 6 });
	pass(31);
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_STRICT), FAULT_UNKNOWN);
	ck_assert_ptr_nonnull(strstr(r.detail, "why=\"not a CRL\""));
}
END_TEST

/* Whoever can send another CRL may not send an older one. */
START_TEST(replayed)
{
	struct tp_crl_spec s = { .issuer = ca, .number1 = 5,
		.next_update = (int64_t)k->now_s + 7200 };
	struct tp_blob older;

	users(CDP(U1), NULL);
	older = tp_crl(&s); /* nobody is revoked yet */
	give_crl(U1, crl(9, (int64_t)k->now_s + 7200));
	ck_assert_int_eq(verdict(&r, &bp, REVOCATION_STRICT), FAULT_REVOKED);
	give_crl(U1, older);
	pass(5000); /* refreshed */
	ck_assert_uint_eq(serve(), 1);
	ck_assert_int_eq(verdict(&r, &bp, REVOCATION_STRICT), FAULT_REVOKED);
}
END_TEST

/* Nor one that is over, once ours is over too: what was revoked stays so. */
START_TEST(replayed_late)
{
	struct tp_crl_spec s = { .issuer = ca, .number1 = 5,
		.next_update = (int64_t)k->now_s + 3600 };
	struct tp_blob older;

	users(CDP(U1), NULL);
	older = tp_crl(&s); /* nobody is revoked yet */
	give_crl(U1, crl(9, (int64_t)k->now_s + 7200));
	ck_assert_int_eq(verdict(&r, &bp, REVOCATION_STRICT), FAULT_REVOKED);
	give_crl(U1, older);
	pass(9000); /* both are over */
	(void)verdict(&r, &gp, REVOCATION_STRICT);
	ck_assert_int_eq(r.fault, FAULT_UNKNOWN);
	ck_assert_int_eq(verdict(&r, &bp, REVOCATION_RELAXED), FAULT_REVOKED);
	/* A CA that began anew is believed. */
	s.next_update = (int64_t)k->now_s + 7200;
	give_crl(U1, tp_crl(&s));
	pass(100);
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_STRICT), FAULT_NONE);
}
END_TEST

START_TEST(second_url)
{
	users("crlDistributionPoints=URI:" U1 ",URI:" U2, NULL);
	kill_url(U1);
	give_crl(U2, crl(1, 0));
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_STRICT), FAULT_NONE);
	ck_assert_uint_eq(route(U1)->n, 1);
	ck_assert_uint_eq(route(U2)->n, 1);
}
END_TEST

static struct tp_blob
delta(uint64_t number, uint64_t base, uint64_t serial, int reason)
{
	struct tp_revoked one = { serial, 0, reason + 1 };
	struct tp_crl_spec s = { .issuer = ca, .number1 = number + 1,
		.delta_of1 = base + 1, .n = 1, .revoked = &one,
		.next_update = (int64_t)k->now_s + 300 };

	return (tp_crl(&s));
}

START_TEST(with_delta)
{
	struct tp_revoked held = { 0x77, 0, 7 };
	struct tp_crl_spec s = { .issuer = ca, .number1 = 11, .n = 1,
		.revoked = &held, .ext = { "freshestCRL=URI:" UD } };
	struct cert_path hp;

	users(CDP(U1), NULL);
	hp = path_of(2, user(ca, 0x77, CDP(U1), NULL), ca);
	give_crl(U1, tp_crl(&s));
	give_crl(UD, delta(11, 10, bad_serial, 1));
	ck_assert_int_eq(verdict(&r, &bp, REVOCATION_STRICT), FAULT_REVOKED);
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_STRICT), FAULT_NONE);
	ck_assert_uint_eq(r.until, k->now_s + 300);
	ck_assert_int_eq(verdict(&r, &hp, REVOCATION_STRICT), FAULT_REVOKED);
	ck_assert_uint_eq(route(UD)->n, 1);
	/* The delta expires: the next one lifts the hold. */
	pass(301);
	give_crl(UD, delta(12, 10, 0x77, 8));
	serve(); /* what the refresh asked */
	ck_assert_int_eq(verdict(&r, &hp, REVOCATION_STRICT), FAULT_NONE);
	/* Without any delta the base still says what it says. */
	pass(301);
	kill_url(UD);
	serve();
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_STRICT), FAULT_NONE);
	ck_assert_int_eq(verdict(&r, &hp, REVOCATION_STRICT), FAULT_REVOKED);
}
END_TEST

/* Every certificate but the anchor is asked about. */
START_TEST(whole_path)
{
	struct tp_spec spec = { .subject = "CN=Sub", .key = key(1),
		.issuer = ca, .ca = 1, .serial = 0x50b, .ext = { CDP(U1) } };
	struct tp_cert *sub = tp_cert(&spec);
	struct cert_path p;
	const uint64_t serial = 0x50b;

	p = path_of(3, user(sub, 1, CDP(U2), NULL), sub, ca);
	give_crl(U1, tp_crl_plain(ca, NULL, 0));
	give_crl(U2, tp_crl_plain(sub, NULL, 0));
	ask(&r, &p, REVOCATION_STRICT);
	ck_assert_uint_eq(k->n_fetch, 2); /* both at once */
	serve();
	ck_assert_int_eq(r.fault, FAULT_NONE);
	restart();
	give_crl(U1, tp_crl_plain(ca, &serial, 1));
	pass(31);
	k->now_s += DAY; /* what is on disk has expired */
	ck_assert_int_eq(verdict(&r, &p, REVOCATION_STRICT), FAULT_REVOKED);
	ck_assert_ptr_nonnull(strstr(r.detail, "serial=050b "));
	/* An anchor alone: we were told to trust it. */
	p.n = 1;
	p.v[0] = p.v[2];
	ck_assert_int_eq(verdict(&r, &p, REVOCATION_STRICT), FAULT_NONE);
}
END_TEST

/* ---- policies -------------------------------------------------------------- */
START_TEST(dead)
{
	users(CDP(U1), AIA(UO));
	kill_url(U1);
	kill_url(UO);
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_STRICT), FAULT_UNKNOWN);
	ck_assert_str_eq(r.detail, "serial=600d url=" U1
	    " why=\"connection refused\"");
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_IFURI), FAULT_UNKNOWN);
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_RELAXED), FAULT_NONE);
	ck_assert_uint_le(r.until, k->now_s + 60);
	/* 30 s long nobody else waits for it. */
	ck_assert_uint_eq(route(U1)->n, 1);
	ck_assert_uint_eq(route(UO)->n, 1);
	pass(29);
	ask(&r, &gp, REVOCATION_STRICT);
	ck_assert_uint_eq(r.n, 1);
	pass(2);
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_STRICT), FAULT_UNKNOWN);
	ck_assert_uint_eq(route(U1)->n, 2);
	ck_assert_uint_eq(route(UO)->n, 2);
}
END_TEST

START_TEST(nobody_named)
{
	struct pki_trust t = { .revocation = REVOCATION_IFURI };

	users(NULL, NULL);
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_STRICT), FAULT_UNKNOWN);
	ck_assert_str_eq(r.detail,
	    "serial=600d url=- why=\"it names nobody to ask\"");
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_IFURI), FAULT_NONE);
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_RELAXED), FAULT_NONE);
	ck_assert_uint_eq(k->n_fetch, 0);
	/* The trust names somebody. */
	strcpy(t.crl_url, U1);
	memset(&r, 0, sizeof(r));
	ck_assert_int_eq(pki_revoke_check(k, &r.job, &gp, &t, NULL, 0, done,
	    &r), 0);
	serve();
	ck_assert_int_eq(r.fault, FAULT_UNKNOWN);
	give_crl(U1, crl(1, 0));
	pass(31);
	memset(&r, 0, sizeof(r));
	ck_assert_int_eq(pki_revoke_check(k, &r.job, &bp, &t, NULL, 0, done,
	    &r), 0);
	serve();
	ck_assert_msg(r.fault == FAULT_REVOKED, "%s", r.detail);
}
END_TEST

/* ldap:// is not fetched, and said to be so; ifuri wants an answer. */
START_TEST(ldap)
{
	users(CDP("ldap://dir.example/cn=CA?crl"), NULL);
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_IFURI), FAULT_UNKNOWN);
	ck_assert_uint_eq(k->n_fetch, 0);
	ck_assert_uint_eq(revoke_of(k)->n_hosts, 1);
	ck_assert_str_eq(revoke_of(k)->hosts[0], "ldap://dir.example");
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_RELAXED), FAULT_NONE);
	ck_assert_uint_eq(revoke_of(k)->n_hosts, 1);
}
END_TEST

START_TEST(no_fetch_process)
{
	users(CDP(U1), AIA(UO));
	k->fetch_down = 1;
	ask(&r, &gp, REVOCATION_STRICT);
	ck_assert_uint_eq(r.n, 1);
	ck_assert_int_eq(r.fault, FAULT_UNKNOWN);
	ck_assert_ptr_nonnull(strstr(r.detail, "no fetch process"));
	/* It comes back: nothing is remembered against the URLs. */
	k->fetch_down = 0;
	give_crl(U1, crl(1, 0));
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_STRICT), FAULT_NONE);
	/* It ends while one waits. */
	users(CDP(U2), NULL);
	gp = path_of(2, user(tp_root("CN=2", key(0)), 5, CDP(U2), NULL),
	    tp_root("CN=2", key(0)));
	ask(&r, &gp, REVOCATION_STRICT);
	ck_assert_uint_eq(r.n, 0);
	pki_fetch_lost(k);
	ck_assert_uint_eq(r.n, 1);
	ck_assert_ptr_nonnull(strstr(r.detail, "fetch process ended"));
	pass(1);
	ask(&r, &gp, REVOCATION_STRICT); /* the responder did nothing wrong */
	ck_assert_uint_eq(k->n_fetch - k->n_served, 2);
	pki_revoke_drop(k, r.job);
}
END_TEST

/* fetch says nothing at all: the login does not wait for ever. */
START_TEST(silent)
{
	users(CDP(U1), AIA(UO));
	ask(&r, &gp, REVOCATION_STRICT);
	pass(5);
	ck_assert_uint_eq(k->n_fetch, 1);
	pass(1); /* OCSP is given up, the CRL is asked for */
	ck_assert_uint_eq(k->n_fetch, 2);
	ck_assert_uint_eq(r.n, 0);
	pass(6);
	ck_assert_uint_eq(r.n, 1);
	ck_assert_int_eq(r.fault, FAULT_UNKNOWN);
	/* What comes later is nobody's any more. */
	ck_assert_int_eq(give(k->fetch[1].id, crl(1, 0), 700), 0);
}
END_TEST

/* ---- OCSP ------------------------------------------------------------------ */
START_TEST(by_ocsp)
{
	struct tp_ocsp_spec g, b;

	users(AIA(UO), NULL);
	g = (struct tp_ocsp_spec){ .cert = good, .issuer = ca,
		.next_update = (int64_t)k->now_s + 600 };
	b = (struct tp_ocsp_spec){ .cert = bad, .issuer = ca,
		.status = TP_OCSP_REVOKED, .reason1 = 2, .at = 1700000000 };
	give_ocsp(UO, &g);
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_STRICT), FAULT_NONE);
	ck_assert_uint_ge(r.until, k->now_s + 590);
	ask(&r, &gp, REVOCATION_STRICT); /* cached */
	ck_assert_uint_eq(r.n, 1);
	ck_assert_uint_eq(route(UO)->n, 1);
	give_ocsp(UO, &b);
	ck_assert_int_eq(verdict(&r, &bp, REVOCATION_IFURI), FAULT_REVOKED);
	ck_assert_str_eq(r.detail, "serial=0bad reason=keyCompromise "
	    "at=2023-11-14T22:13:20Z by=ocsp issuer=\"C=CH, CN=CA\"");
	/* The cached answer ends; a revocation does not. */
	pass(700);
	kill_url(UO);
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_STRICT), FAULT_UNKNOWN);
	pass(86400);
	ck_assert_int_eq(verdict(&r, &bp, REVOCATION_RELAXED), FAULT_REVOKED);
}
END_TEST

/* Answers that are none: the next URL, then the CRL, is asked. */
START_TEST(ocsp_fails)
{
	static const uint8_t other_nonce[16] = { 9 };
	struct tp_spec sp = { .subject = "CN=OCSP", .key = key(3),
		.issuer = ca, .ext = { "extendedKeyUsage=clientAuth" } };
	struct tp_ocsp_spec rows[6];
	const char *why[6] = { "does not know it", "nextUpdate is past",
		"another nonce", "signature is wrong",
		"may not sign OCSP responses", "trylater" };

	users(AIA(UO), CDP(U1));
	for (size_t i = 0; i < 6; i++)
		rows[i] = (struct tp_ocsp_spec){ .cert = good, .issuer = ca };
	rows[0].status = TP_OCSP_UNKNOWN;
	rows[1].this_update = (int64_t)k->now_s - 7200;
	rows[1].next_update = (int64_t)k->now_s - 3600;
	rows[2].nonce = other_nonce;
	rows[2].nonce_len = sizeof(other_nonce);
	rows[3].sign_key = key(4);
	rows[4].signer = tp_cert(&sp);
	rows[5].response_status = 3;
	give_ocsp(UO, &rows[_i]);
	/* Only OCSP is named: */
	gp = path_of(2, user(ca, 0x600d, AIA(UO), NULL), ca);
	rows[_i].cert = good;
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_STRICT), FAULT_UNKNOWN);
	ck_assert_msg(strstr(r.detail, why[_i]) != NULL, "%s", r.detail);
	/* A CRL too: */
	gp = path_of(2, good, ca);
	give_crl(U1, crl(1, 0));
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_STRICT), FAULT_NONE);
	ck_assert_int_eq(verdict(&r, &bp, REVOCATION_STRICT), FAULT_REVOKED);
	ck_assert_uint_eq(route(U1)->n, 1);
}
END_TEST

START_TEST(ocsp_delegated)
{
	struct tp_spec sp = { .subject = "CN=OCSP", .key = key(3),
		.issuer = ca, .ext = { "extendedKeyUsage=OCSPSigning" } };
	struct tp_ocsp_spec s;

	users(AIA(UO), NULL);
	s = (struct tp_ocsp_spec){ .cert = good, .issuer = ca,
		.signer = tp_cert(&sp) };
	give_ocsp(UO, &s);
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_STRICT), FAULT_NONE);
}
END_TEST

START_TEST(stapled)
{
	struct pki_trust t = { .revocation = REVOCATION_STRICT };
	struct tp_ocsp_spec s;
	struct tp_blob b;
	struct pki_staple st[3] = { { (const uint8_t *)"junk", 4 } };

	users(AIA(UO), NULL);
	kill_url(UO);
	s = (struct tp_ocsp_spec){ .cert = bad, .issuer = ca,
		.cert_id_hash = TP_SHA1 };
	b = tp_ocsp(&s); /* of another certificate */
	st[1] = (struct pki_staple){ b.p, b.len };
	s.cert = good;
	b = tp_ocsp(&s);
	st[2] = (struct pki_staple){ b.p, b.len };
	memset(&r, 0, sizeof(r));
	ck_assert_int_eq(pki_revoke_check(k, &r.job, &gp, &t, st, 2, done,
	    &r), 0);
	serve();
	ck_assert_int_eq(r.fault, FAULT_UNKNOWN);
	memset(&r, 0, sizeof(r));
	ck_assert_int_eq(pki_revoke_check(k, &r.job, &gp, &t, st, 3, done,
	    &r), 0);
	ck_assert_uint_eq(r.n, 1);
	ck_assert_int_eq(r.fault, FAULT_NONE);
}
END_TEST

/* A CRL that we have says revoked: a response from before, that the peer kept
 * for itself, does not help it. Nor does our own memory of one. */
START_TEST(stapled_against_crl)
{
	struct pki_trust t = { .revocation = REVOCATION_STRICT };
	struct tp_ocsp_spec s = { .cert_id_hash = TP_SHA1 };
	struct pki_staple st;
	struct tp_blob b;

	users(CDP(U1), NULL);
	s.cert = bad;
	s.issuer = ca;
	b = tp_ocsp(&s);
	st = (struct pki_staple){ b.p, b.len };
	memset(&r, 0, sizeof(r));
	ck_assert_int_eq(pki_revoke_check(k, &r.job, &bp, &t, &st, 1, done,
	    &r), 0);
	ck_assert_int_eq(r.fault, FAULT_NONE); /* who could know? */
	give_crl(U1, crl(1, (int64_t)k->now_s + 7200));
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_STRICT), FAULT_NONE);
	ck_assert_int_eq(verdict(&r, &bp, REVOCATION_RELAXED), FAULT_REVOKED);
	memset(&r, 0, sizeof(r));
	ck_assert_int_eq(pki_revoke_check(k, &r.job, &bp, &t, &st, 1, done,
	    &r), 0);
	ck_assert_int_eq(r.fault, FAULT_REVOKED);
	ck_assert_ptr_nonnull(strstr(r.detail, "by=crl"));
}
END_TEST

/* ---- the crowd ------------------------------------------------------------- */
START_TEST(shared)
{
	static struct result all[100];
	struct cert_path p[100];

	for (size_t i = 0; i < 100; i++)
		p[i] = path_of(2, user(ca, 100 + i, CDP(U1), NULL), ca);
	give_crl(U1, crl(1, 0));
	for (size_t i = 0; i < 100; i++)
		ask(&all[i], &p[i], REVOCATION_STRICT);
	ck_assert_uint_eq(k->n_fetch, 1);
	/* Some leave before it comes. */
	pki_revoke_drop(k, all[0].job);
	pki_revoke_drop(k, all[50].job);
	serve();
	for (size_t i = 0; i < 100; i++) {
		ck_assert_uint_eq(all[i].n, i != 0 && i != 50);
		ck_assert_int_eq(all[i].fault, FAULT_NONE);
	}
}
END_TEST

/* A hundred at once ask one responder: eight at a time, and all are served. */
START_TEST(places)
{
	static struct result all[100];
	static struct tp_ocsp_spec s[100];
	struct cert_path p[100];
	struct tp_cert *c;

	for (size_t i = 0; i < 100; i++) {
		c = user(ca, 100 + i, AIA(UO), NULL);
		s[i] = (struct tp_ocsp_spec){ .cert = c, .issuer = ca };
		p[i] = path_of(2, c, ca);
		ask(&all[i], &p[i], REVOCATION_STRICT);
	}
	ck_assert_uint_eq(k->n_fetch, 8);
	pki_revoke_drop(k, all[99].job);
	while (k->n_served < k->n_fetch) {
		const uint8_t *n;
		uint64_t serial;
		size_t len;

		ck_assert_uint_le(k->n_fetch - k->n_served, 8);
		ck_assert_int_eq(tp_ocsp_request(
		    k->fetch[k->n_served].body.p,
		    k->fetch[k->n_served].body.len, &serial, &n, &len), 0);
		give_ocsp(UO, &s[serial - 100]);
		serve_one(&k->fetch[k->n_served++]);
	}
	for (size_t i = 0; i < 99; i++) {
		ck_assert_uint_eq(all[i].n, 1);
		ck_assert_int_eq(all[i].fault, FAULT_NONE);
	}
	/* When it is dead, those who wait for a place do not wait longer. */
	for (size_t i = 0; i < 100; i++) {
		p[i] = path_of(2, user(ca, 300 + i, AIA("http://dead.example/"),
		    NULL), ca);
		ask(&all[i], &p[i], REVOCATION_STRICT);
	}
	serve();
	for (size_t i = 0; i < 100; i++)
		ck_assert_int_eq(all[i].fault, FAULT_UNKNOWN);
	ck_assert_uint_le(route("http://dead.example/")->n, 8);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("revoke");
	TCase *t = tcase_create("revoke");

	tcase_add_checked_fixture(t, setup, net_teardown);
	tcase_set_timeout(t, 120);
tcase_add_test(t, by_crl);
	tcase_add_test(t, expired_crl);
	tcase_add_test(t, wrong_ca);
	tcase_add_test(t, replayed);
	tcase_add_test(t, replayed_late);
	tcase_add_test(t, second_url);
	tcase_add_test(t, with_delta);
	tcase_add_test(t, whole_path);
	tcase_add_test(t, dead);
	tcase_add_test(t, nobody_named);
	tcase_add_test(t, ldap);
	tcase_add_test(t, no_fetch_process);
	tcase_add_test(t, silent);
	tcase_add_test(t, by_ocsp);
	tcase_add_loop_test(t, ocsp_fails, 0, 6);
	tcase_add_test(t, ocsp_delegated);
	tcase_add_test(t, stapled);
	tcase_add_test(t, stapled_against_crl);
	tcase_add_test(t, shared);
	tcase_add_test(t, places);
	suite_add_tcase(s, t);
	return (run_suite(s));
}
