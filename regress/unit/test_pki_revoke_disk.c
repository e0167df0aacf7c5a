/*
 * CRLs on the disk, in files and refreshed: what a restart, garbage and a great
 * many of them do.
 */
#include "regress/unit/pki_lists.h"

#include "privsep/base/log.h"
#include "privsep/ipc/row.h"

/* ---- the disk, files, refreshing ------------------------------------------- */
START_TEST(disk)
{
	uint64_t epoch;

	users(CDP(U1), NULL);
	give_crl(U1, crl(1, (int64_t)k->now_s + 7200));
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_STRICT), FAULT_NONE);
	ck_assert_uint_eq(files(".crl"), 1);
	ck_assert_uint_eq(files(".new"), 0);
	restart();
	kill_url(U1);
	epoch = pki_revoke_epoch(k);
	ask(&r, &bp, REVOCATION_STRICT);
	ck_assert_uint_eq(r.n, 1);
	ck_assert_int_eq(r.fault, FAULT_REVOKED);
	/* Believed just now: sessions are looked at again. */
	ck_assert_uint_gt(pki_revoke_epoch(k), epoch);
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_STRICT), FAULT_NONE);
}
END_TEST

/* The list of sessions that nobody repeats is refreshed after a restart too. */
START_TEST(disk_refreshed)
{
	struct cert_list l = { .n = 0 };
	struct trust_opts o = { .rsa_min = 2048 };
	struct cert_why cw;

	users(CDP(U1), NULL);
	give_crl(U1, crl(1, (int64_t)k->now_s + 7200));
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_STRICT), FAULT_NONE);
	restart();
	/* The set comes, whose anchor signed it. */
	ck_assert_int_eq(trust_set_new(&k->ts), 0);
	ck_assert_int_eq(cert_list_add(&l, cert_ref(gp.v[1])), 0);
	ck_assert_int_eq(trust_add(k->ts, &o, &l, &cw), 0);
	cert_list_clear(&l);
	give_crl(U1, crl(2, (int64_t)k->now_s + 14400));
	pass(7201);
	ck_assert_uint_eq(serve(), 1);
}
END_TEST

static void
trust_only(const struct cert_path *p)
{
	struct trust_opts o = { .rsa_min = 2048 };
	struct cert_list l = { .n = 0 };
	struct cert_why cw;

	trust_set_free(k->ts);
	ck_assert_int_eq(trust_set_new(&k->ts), 0);
	ck_assert_int_eq(cert_list_add(&l, cert_ref(p->v[p->n - 1])), 0);
	ck_assert_int_eq(trust_add(k->ts, &o, &l, &cw), 0);
	cert_list_clear(&l);
}

/* Also the lists of CAs between the user and the anchor: each is believed when
 * the anchor stands behind it, of another anchor none is. */
START_TEST(disk_between)
{
	struct tp_cert *sub1 = tp_sub("CN=Sub 1", key(2), ca);
	struct tp_spec sp = { .subject = "CN=Sub 2", .key = key(3),
		.issuer = sub1, .ca = 1, .ext = { CDP(U1) } };
	struct tp_cert *sub2 = tp_cert(&sp), *c = user(sub2, 0x77, CDP(U2),
	    NULL);
	struct cert_path p = path_of(4, c, sub2, sub1, ca), p2, other;
	struct revoke_info info;
	uint64_t serial = 0x77;
	uint8_t name[32];

	other = path_of(1, tp_root("CN=Other", key(4)));
	give_crl(U1, tp_crl_plain(sub1, NULL, 0));
	give_crl(U2, tp_crl_plain(sub2, &serial, 1));
	p2 = path_of(4, user(sub2, 0x78, CDP(U2), NULL), sub2, sub1, ca);
	ck_assert_int_eq(verdict(&r, &p2, REVOCATION_IFURI), FAULT_NONE);
	ck_assert_uint_eq(files(".crl"), 2);
	cert_name_hash(p.v[0], 1, name);
	restart();
	trust_only(&other);
	pass(1);
	ck_assert_int_eq(pki_revoke_known(k, name, (const uint8_t *)"\x77", 1,
	    &info), REVOKE_UNKNOWN);
	k->conf.gen++;
	trust_only(&p);
	pass(1);
	ck_assert_int_eq(pki_revoke_known(k, name, (const uint8_t *)"\x77", 1,
	    &info), REVOKE_REVOKED);
	pass(90000);
	ck_assert_uint_eq(serve(), 2); /* refreshed, both */
}
END_TEST

static void
put_file(const char *name, const void *p, size_t len)
{
	FILE *f = fopen(name, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(p, 1, len, f), len);
	fclose(f);
}

#define NAME(c) \
	c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c \
	c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c ".crl"

START_TEST(garbage)
{
	struct tp_cert *twin = tp_root("C=CH, CN=CA", key(1));
	struct tp_blob b;

	users(CDP(U1), NULL);
	give_crl(U1, crl(1, 0));
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_STRICT), FAULT_NONE);
	net_stop();
	put_file(NAME("a"), "junk", 4);
	put_file(NAME("b"), "", 0);
	put_file(NAME("f"), "\x30\x84\xff\xff\xff\xff", 6);
	put_file("short.crl", "junk", 4);
	put_file("halfway.new", "junk", 4);
	put_file("note", "stays", 5);
	/* Real, but signed by nobody that we know. */
	b = tp_crl_plain(twin, &bad_serial, 1);
	put_file(NAME("c"), b.p, b.len);
	ck_assert_int_eq(symlink("/etc/passwd", NAME("d")), 0);
	ck_assert_int_eq(mkfifo(NAME("e"), 0600), 0);
	net_start();
	ck_assert_uint_eq(files(".crl"), 2);
	ck_assert_uint_eq(files(".new"), 0);
	ck_assert_uint_eq(files("note"), 0);
	ck_assert_int_eq(access("note", F_OK), 0);
	ck_assert_int_eq(verdict(&r, &bp, REVOCATION_STRICT), FAULT_REVOKED);
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_STRICT), FAULT_NONE);
	ck_assert_uint_eq(route(U1)->n, 1);
	unlink(NAME("e"));
}
END_TEST

START_TEST(refreshed)
{
	uint64_t epoch, before;

	users(CDP(U1), NULL);
	before = k->now_s;
	give_crl(U1, crl(1, (int64_t)k->now_s + 10 * 3600));
	ck_assert_int_eq(verdict(&r, &bp, REVOCATION_STRICT), FAULT_REVOKED);
	epoch = pki_revoke_epoch(k);
	/* An hour, ten per cent more or less, before it expires. */
	give_crl(U1, crl(2, (int64_t)k->now_s + 30 * 3600));
	pass(10 * 3600 - 4000);
	ck_assert_uint_eq(serve(), 0);
	pass(800);
	ck_assert_uint_eq(serve(), 1);
	ck_assert_uint_gt(pki_revoke_epoch(k), epoch);
	pass(2 * 3600);
	ask(&r, &gp, REVOCATION_STRICT);
	ck_assert_uint_eq(r.n, 1);
	ck_assert_uint_eq(r.until, before + 30 * 3600);
	/* Unchanged: nothing is looked at again. */
	epoch = pki_revoke_epoch(k);
	pass(25 * 3600);
	ck_assert_uint_ge(serve(), 1);
	ck_assert_uint_eq(pki_revoke_epoch(k), epoch);
	/* Nobody has used it for a week: left alone. */
	give_crl(U1, crl(3, (int64_t)k->now_s + 9 * 86400));
	pass(3600);
	ck_assert_uint_ge(serve(), 1);
	pass(8 * 86400 + 86399 - 4000);
	ck_assert_uint_eq(serve(), 0);
}
END_TEST

START_TEST(from_file)
{
	struct tp_blob b[2] = { tp_pem_of("X509 CRL", crl(1, 0)) };
	struct cert_list l = { .n = 0 };
	struct trust_opts o = { .rsa_min = 2048 };
	struct cert_why cw;
	struct revoke_info i;
	uint8_t hash[32], row[2048];
	struct wr w;
	char why[200];

	users(NULL, NULL);
	ck_assert_int_eq(pki_revoke_file(k, (const uint8_t *)"x", 1, why,
	    sizeof(why)), ERR_SYNTAX);
	ck_assert_str_eq(why, "no CRL in it (neither PEM nor DER)");
	ck_assert_int_eq(pki_revoke_file(k, b[0].p, b[0].len, why,
	    sizeof(why)), 1);
	cert_name_hash(gp.v[0], 1, hash);
	/* Nobody is known to have signed it. */
	ck_assert_int_eq(pki_revoke_known(k, hash, (const uint8_t *)"\13\255",
	    2, &i), REVOKE_UNKNOWN);
	ck_assert_int_eq(trust_set_new(&k->ts), 0);
	ck_assert_int_eq(cert_list_add(&l, cert_ref(gp.v[1])), 0);
	ck_assert_int_eq(trust_add(k->ts, &o, &l, &cw), 0);
	cert_list_clear(&l);
	pass(1);
	ck_assert_int_eq(pki_revoke_known(k, hash, (const uint8_t *)"\13\255",
	    2, &i), REVOKE_REVOKED);
	ck_assert_str_eq(i.reason, "keyCompromise");
	ck_assert_int_eq(pki_revoke_known(k, hash, (const uint8_t *)"\13\256",
	    2, &i), REVOKE_GOOD);
	ck_assert_int_eq(verdict(&r, &bp, REVOCATION_IFURI), FAULT_REVOKED);
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_STRICT), FAULT_NONE);
	/* The same file by a reload is no second CRL. */
	ck_assert_int_eq(pki_revoke_file(k, b[0].p, b[0].len, why,
	    sizeof(why)), 1);
	wr_init(&w, row, sizeof(row));
	ck_assert_int_eq(pki_revoke_row(k, 0, &w), 0);
	ck_assert_int_eq(pki_revoke_row(k, 1, &w), ERR_NOENT);
	/* With a CRL of its issuer here, an expired one is no excuse. */
	pass(2 * 86400);
	ck_assert_int_eq(verdict(&r, &gp, REVOCATION_IFURI), FAULT_UNKNOWN);
}
END_TEST

/* More CRLs than are kept: those that were not used longest go, also from the
 * disk. They have expired, so that each next one is asked for. */
START_TEST(bounded)
{
	static char url[300][40], ext[300][80];
	struct tp_blob old = crl(1, (int64_t)k->now_s - 60);
	struct cert_path p = path_of(1, ca);

	p.v[1] = p.v[0];
	p.n = 2;
	for (size_t i = 0; i < 300; i++) {
		snprintf(url[i], sizeof(url[i]), "http://%zu.example/c", i);
		snprintf(ext[i], sizeof(ext[i]),
		    "crlDistributionPoints=URI:%.39s", url[i]);
		p.v[0] = parsed(user(ca, 5, ext[i], NULL));
		k->n_routes = 0;
		k->n_fetch = k->n_served = 0;
		give_crl(url[i], old);
		pass(1);
		ck_assert_int_eq(verdict(&r, &p, REVOCATION_STRICT),
		    FAULT_UNKNOWN);
		ck_assert_uint_ge(route(url[i])->n, 1);
	}
	ck_assert_uint_eq(revoke_of(k)->n_urls, CRL_SLOTS_MAX);
	ck_assert_uint_eq(files(".crl"), CRL_SLOTS_MAX);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("revoke disk");
	TCase *t = tcase_create("revoke disk");

	tcase_add_checked_fixture(t, setup, net_teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, disk);
	tcase_add_test(t, disk_refreshed);
	tcase_add_test(t, disk_between);
	tcase_add_test(t, garbage);
	tcase_add_test(t, refreshed);
	tcase_add_test(t, from_file);
	tcase_add_test(t, bounded);
	suite_add_tcase(s, t);
	return (run_suite(s));
}
