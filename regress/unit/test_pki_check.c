/*
 * One login's certificate through pki: what is vouched for, and everything
 * that must not be. Each refusal has its WHY, and no CERT_VOUCH.
 */
#include "regress/unit/pki_login.h"

/* ---- what is good --------------------------------------------------------------- */

START_TEST(vouched)
{
	const struct msg_cert_vouch *v;
	uint8_t h1[32], want[32];
	struct piece msg1 = { ask.u.cert_check.msg1.p, 400 };
	struct piece both[2] = { { h1, 32 },
		{ ask.u.cert_check.msg2_hash, 32 } };
	struct login l;

	fill(&l, alice, NULL);
	ck_assert_uint_eq(login(&l)->verdict, MSG_YES);
	ck_assert_uint_eq(verdict()->why, WHY_OK);
	ck_assert_str_eq(verdict()->login, "ecdsa-p256-sha256");
	ck_assert_uint_eq(verdict()->weak, 0);
	ck_assert_mem_eq(verdict()->sid, l.sid, SID_LEN);
	ck_assert_uint_eq(nth(MSG_CERT_VERDICT, 0)->index, 1);
	/* The parent hears of it before net does. */
	ck_assert_uint_eq(count(MSG_CERT_VOUCH), 1);
	ck_assert_int_eq(house.sent[0].m->type, MSG_CERT_VOUCH);
	v = &house.sent[0].m->u.cert_vouch;
	ck_assert_mem_eq(v->sid, l.sid, SID_LEN);
	ck_assert_mem_eq(v->nr, ask.u.cert_check.nr, 32);
	ck_assert_int_eq(hash_sha256(&msg1, 1, h1), 0);
	ck_assert_int_eq(hash_sha256(both, 2, want), 0);
	ck_assert_mem_eq(v->init_hash, want, 32);
	ck_assert_mem_eq(v->idi.p, ask.u.cert_check.idi.p, v->idi.len);
	ck_assert_uint_eq(v->idi.len, 4 + strlen(MAIL));
	ck_assert_str_eq(v->email, MAIL);
	ck_assert_str_eq(v->upn, "");
	ck_assert_str_eq(v->cn, "Alice");
	ck_assert_str_eq(v->dn, "O=Acme, CN=Alice");
	ck_assert_str_eq(v->issuer, "CN=Root");
	ck_assert_uint_eq(v->trust, 5);
	ck_assert_uint_eq(v->gen, 1);
	ck_assert_mem_eq(v->fingerprint, cert_sha256(parsed(alice)), 32);
	ck_assert_uint_eq(v->suites & 1 << SUITE_DEFAULT, 1 << SUITE_DEFAULT);
	ck_assert_uint_gt(v->watch.len, 32);
}
END_TEST

static const struct {
	enum tp_kind key;
	enum sig_id alg;
	enum tp_hash hash;
	int pss;
	uint8_t method;
	int weak;
} signs[] = {
	{ TP_P256, SIG_ECDSA_P256_SHA256, TP_SHA256, 0, 9, 0 },
	{ TP_P384, SIG_ECDSA_P384_SHA384, TP_SHA384, 0, 10, 0 },
	{ TP_P521, SIG_ECDSA_P521_SHA512, TP_SHA512, 0, 11, 0 },
	{ TP_P256, SIG_ECDSA_P256_SHA256, TP_SHA256, 0, 14, 0 },
	{ TP_ED25519, SIG_ED25519, TP_SHA256, 0, 14, 0 },
	{ TP_ED448, SIG_ED448, TP_SHA256, 0, 14, 0 },
	{ TP_RSA2048, SIG_RSA_SHA256, TP_SHA256, 0, 14, 0 },
	{ TP_RSA2048, SIG_RSA_PSS_SHA256, TP_SHA256, 1, 14, 0 },
	{ TP_RSA2048, SIG_RSA_SHA1, TP_SHA1, 0, 1, 1 },
};

START_TEST(signatures)
{
	struct tp_cert *c = tp_leaf("CN=k", tp_key(signs[_i].key, 3), root,
	    "email:" MAIL);
	struct login l;

	fill(&l, c, NULL);
	l.alg = signs[_i].alg;
	l.hash = signs[_i].hash;
	l.pss = signs[_i].pss;
	l.method = signs[_i].method;
	ck_assert_msg(login(&l)->verdict == MSG_YES, "%s",
	    verdict()->detail);
	ck_assert_str_eq(verdict()->login, sig_alg(l.alg)->name);
	ck_assert_int_eq(verdict()->weak, signs[_i].weak);
	ck_assert_int_eq((nth(MSG_CERT_VOUCH, 0)->m->u.cert_vouch.suites &
	    1 << SUITE_DEFAULT) == 0, signs[_i].weak);
}
END_TEST

/* ---- certificates that are no good --------------------------------------------- */

#define BAD_EXT(...) .ext = { __VA_ARGS__ }
static const struct {
	const char *name;
	struct tp_spec leaf, ca; /* ca.subject NULL: root issues the leaf */
	enum why why;
} bad[] = {
	{ "expired", { .not_before = 1000000, .not_after = 2000000 }, { 0 },
	    WHY_CERT_EXPIRED },
	{ "not yet", { .not_before = 4000000000, .not_after = 4100000000 },
	    { 0 }, WHY_CERT_NOT_YET },
	{ "CA expired", { 0 }, { .subject = "CN=Sub", .ca = 1,
	    .not_before = 1000000, .not_after = 2000000 },
	    WHY_CERT_EXPIRED },
	{ "issuer is no CA", { 0 }, { .subject = "CN=Sub" },
	    WHY_CERT_NOT_CA },
	{ "EKU", { BAD_EXT("extendedKeyUsage=serverAuth") }, { 0 },
	    WHY_CERT_EKU },
	{ "usage", { BAD_EXT("keyUsage=critical,keyEncipherment") }, { 0 },
	    WHY_CERT_USAGE },
	{ "names", { 0 }, { .subject = "CN=Sub", .ca = 1,
	    BAD_EXT("nameConstraints=critical,permitted;email:other.example") },
	    WHY_CERT_NAMES },
	{ "SHA-1", { .hash = TP_SHA1 }, { 0 }, WHY_CERT_WEAK },
	{ "critical", { BAD_EXT("1.2.3.4=critical,DER:0500") }, { 0 },
	    WHY_CERT_CRITICAL },
};

START_TEST(bad_certificates)
{
	struct tp_spec s = bad[_i].leaf, ca = bad[_i].ca;
	struct tp_cert *sub = NULL;
	struct login l;

	if (ca.subject != NULL) {
		ca.key = key(2);
		ca.issuer = root;
		sub = tp_cert(&ca);
	}
	s.subject = "CN=Alice";
	s.key = key(1);
	s.issuer = sub != NULL ? sub : root;
	s.san = "email:" MAIL;
	fill(&l, tp_cert(&s), sub);
	(void)login(&l);
	assert_refused(bad[_i].why);
	ck_assert_msg(verdict()->detail[0] != '\0', "%s", bad[_i].name);
	ck_assert_uint_eq(stat_of("paths"), 0);
}
END_TEST

/* Whom nobody trusts. */
START_TEST(strangers)
{
	struct tp_cert *other = tp_root("CN=Other", key(4));
	struct tp_cert *fake = tp_root("CN=Root", key(5));
	struct tp_spec self = { .subject = "CN=Alice", .key = key(1),
		.san = "email:" MAIL };
	struct login l;

	fill(&l, tp_leaf("CN=Alice", key(1), other, "email:" MAIL), other);
	(void)login(&l);
	assert_refused(WHY_CERT_NO_ISSUER);
	fill(&l, tp_cert(&self), NULL);
	(void)login(&l);
	assert_refused(WHY_CERT_SELF_SIGNED);
	/* The anchor's name, another key. */
	fill(&l, tp_leaf("CN=Alice", key(1), fake, "email:" MAIL), fake);
	(void)login(&l);
	ck_assert_uint_eq(verdict()->verdict, MSG_REFUSED);
	ck_assert_uint_eq(count(MSG_CERT_VOUCH), 0);
}
END_TEST

START_TEST(path_length)
{
	struct tp_spec s1 = { .subject = "CN=S1", .key = key(2), .issuer = root,
		.ca = 1, .pathlen1 = 1 };
	struct tp_cert *sub1 = tp_cert(&s1);
	struct tp_cert *sub2 = tp_sub("CN=S2", key(3), sub1);
	struct login l;

	fill(&l, tp_leaf("CN=Alice", key(1), sub2, "email:" MAIL), sub2);
	l.certs[l.n].encoding = 4;
	l.certs[l.n++].b = tp_der(sub1);
	(void)login(&l);
	assert_refused(WHY_CERT_PATHLEN);
}
END_TEST

START_TEST(weak_keys)
{
	struct login l;

	fill(&l, tp_leaf("CN=Alice", tp_key(TP_RSA1024, 0), root,
	    "email:" MAIL), NULL);
	l.alg = SIG_RSA_SHA256;
	l.method = 14;
	(void)login(&l);
	assert_refused(WHY_CERT_WEAK);
	fill(&l, tp_leaf("CN=Alice", tp_key(TP_RSA2048_E3, 0), root,
	    "email:" MAIL), NULL);
	l.alg = SIG_RSA_SHA256;
	l.method = 14;
	(void)login(&l);
	assert_refused(WHY_CERT_WEAK);
}
END_TEST

/* Lists that are none, or too long; bytes that are no certificate. */
START_TEST(bad_lists)
{
	static uint8_t junk[200];
	struct tp_blob b = { junk, sizeof(junk) };
	struct login l;

	fill(&l, NULL, NULL);
	(void)login(&l);
	assert_refused(WHY_CERT_MISSING);
	/* Only a CRL and an OCSP response. */
	fill(&l, NULL, NULL);
	l.certs[0].encoding = 7;
	l.certs[0].b = b;
	l.certs[1].encoding = 14;
	l.certs[1].b = b;
	l.n = 2;
	(void)login(&l);
	assert_refused(WHY_CERT_MISSING);
	fill(&l, NULL, NULL);
	l.certs[0].encoding = 4;
	l.certs[0].b = b;
	l.n = 1;
	(void)login(&l);
	assert_refused(WHY_CERT_SYNTAX);
	/* The list itself ends early. */
	fill(&l, alice, NULL);
	forget();
	make(&l)->certs.len--;
	check(&ask.u.cert_check, 0);
	assert_refused(WHY_CERT_SYNTAX);
	/* More than anybody needs. */
	fill(&l, alice, NULL);
	for (l.n = 1; l.n <= CERT_LIST_MAX; l.n++) {
		l.certs[l.n].encoding = 4;
		l.certs[l.n].b = (struct tp_blob){ junk, 10 };
	}
	(void)login(&l);
	assert_refused(WHY_CERT_LIMIT);
	/* Fifty of which one can be used. */
	fill(&l, alice, NULL);
	for (l.n = 1; l.n < 50; l.n++) {
		l.certs[l.n].encoding = 4;
		l.certs[l.n].b = (struct tp_blob){ junk, 10 };
	}
	ck_assert_uint_eq(login(&l)->verdict, MSG_YES);
}
END_TEST

/* Every byte of a certificate flipped: refused or, where it is in nothing that
 * counts (there is no such byte), vouched for; never a crash. */
START_TEST(flipped)
{
	struct tp_blob der = tp_der(alice);
	uint8_t *copy = malloc(der.len);
	struct login l;

	ck_assert_ptr_nonnull(copy);
	for (size_t i = 0; i < der.len; i += 3) {
		memcpy(copy, der.p, der.len);
		copy[i] ^= (uint8_t)(1 << i % 8);
		fill(&l, alice, NULL);
		l.certs[0].b.p = copy;
		(void)login(&l);
		ck_assert_uint_eq(verdict()->verdict, MSG_REFUSED);
		ck_assert_uint_eq(count(MSG_CERT_VOUCH), 0);
	}
	free(copy);
}
END_TEST

/* ---- AUTH, identity ---------------------------------------------------------------- */

/* The signature is over exactly this message 1, Nr and IDi. */
START_TEST(bad_auth)
{
	struct msg_cert_check *m;
	struct login l;

	for (int i = 0; i < 6; i++) {
		fill(&l, alice, NULL);
		if (i == 0)
			l.key = key(6); /* a certificate of somebody else */
		forget();
		m = make(&l);
		switch (i) {
		case 1:
			m->msg1.p[50] ^= 1;
			break;
		case 2:
			m->nr[0] ^= 1;
			break;
		case 3:
			m->idi.p[1] ^= 1; /* reserved, but signed */
			break;
		case 4:
			m->auth.p[m->auth.len - 1] ^= 1;
			break;
		case 5:
			m->sk_pi.p[0] ^= 1;
			break;
		}
		check(m, 0);
		assert_refused(WHY_SIG_BAD);
		ck_assert_ptr_nonnull(strstr(verdict()->detail,
		    "method=9 key="));
	}
	/* No stranger with a copy of a certificate fills the cache. */
	ck_assert_uint_eq(stat_of("paths"), 0);
}
END_TEST

START_TEST(bad_method)
{
	static const uint8_t methods[] = { 0, 1, 2, 3, 10, 11, 12, 13, 15, 255 };
	struct login l;

	for (size_t i = 0; i < sizeof(methods); i++) {
		fill(&l, alice, NULL);
		forget();
		make(&l)->method = methods[i];
		check(&ask.u.cert_check, 0);
		assert_refused(WHY_SIG_METHOD);
	}
	/* 14 without an AlgorithmIdentifier. */
	fill(&l, alice, NULL);
	forget();
	make(&l)->method = 14;
	check(&ask.u.cert_check, 0);
	ck_assert_uint_eq(verdict()->verdict, MSG_REFUSED);
	ck_assert(verdict()->why == WHY_SIG_BAD ||
	    verdict()->why == WHY_SIG_METHOD);
	fill(&l, alice, NULL);
	forget();
	make(&l)->auth.len = 0;
	check(&ask.u.cert_check, 0);
	assert_refused(WHY_SIG_BAD);
}
END_TEST

START_TEST(another_id)
{
	struct login l;

	fill(&l, alice, NULL);
	l.id = "bob@example.com";
	(void)login(&l);
	assert_refused(WHY_ID_NOT_IN_CERT);
	ck_assert_ptr_nonnull(strstr(verdict()->detail,
	    "idi=\"bob@example.com\" subject=\"O=Acme, CN=Alice\" san=\""));
	fill(&l, alice, NULL);
	l.id_type = 11;
	(void)login(&l);
	assert_refused(WHY_ID_NOT_IN_CERT);
}
END_TEST

/* ---- revocation -------------------------------------------------------------------- */

START_TEST(revoked)
{
	uint64_t serial = tp_serial(alice);
	struct login l;

	set_begin(2, "");
	set_trust_of(2, 5, "staff", REVOCATION_RELAXED, tp_pem(root));
	pass(FD_CRL, 5, tp_crl_plain(root, &serial, 1));
	set_done(2);
	second(1);
	fill(&l, alice, NULL);
	(void)login(&l);
	assert_refused(WHY_CERT_REVOKED);
	ck_assert_ptr_nonnull(strstr(verdict()->detail, "serial="));
}
END_TEST

/* Nothing is known: that is enough for relaxed and ifuri, not for strict. */
START_TEST(unknown)
{
	struct login l;

	use_set(2, REVOCATION_STRICT, "");
	fill(&l, alice, NULL);
	(void)login(&l);
	assert_refused(WHY_CERT_UNKNOWN);
	use_set(3, REVOCATION_IFURI, "");
	fill(&l, alice, NULL);
	ck_assert_uint_eq(login(&l)->verdict, MSG_YES);
}
END_TEST

static struct tp_cert *
with_crl(void)
{
	struct tp_spec s = { .subject = "CN=Alice", .key = key(1),
		.issuer = root, .san = "email:" MAIL, .ext = {
		"crlDistributionPoints=URI:http://crl.example/ca.crl" } };

	return (tp_cert(&s));
}

/* The world is asked only for who signed with a certified key, and whoever
 * waits does not keep others waiting. */
START_TEST(asks_the_world)
{
	struct tp_cert *c = with_crl();
	struct login l;

	use_set(2, REVOCATION_IFURI, "");
	fill(&l, c, NULL);
	l.key = key(6);
	(void)login(&l);
	assert_refused(WHY_SIG_BAD);
	ck_assert_uint_eq(count(MSG_FETCH), 0);
	fill(&l, c, NULL);
	forget();
	check(make(&l), 1);
	ck_assert_uint_eq(count(MSG_CERT_VERDICT), 0);
	ck_assert_uint_eq(count(MSG_CERT_VOUCH), 0);
	ck_assert_str_eq(nth(MSG_FETCH, 0)->m->u.fetch.url,
	    "http://crl.example/ca.crl");
	fetched(0, MSG_YES, tp_crl_plain(root, NULL, 0), "");
	ck_assert_uint_eq(verdict()->verdict, MSG_YES);
	ck_assert_uint_eq(count(MSG_CERT_VOUCH), 1);
	/* Known now. */
	fill(&l, c, NULL);
	ck_assert_uint_eq(login(&l)->verdict, MSG_YES);
	ck_assert_uint_eq(count(MSG_FETCH), 0);
}
END_TEST

/* Fetch is silent: the policy decides, in bounded time. */
START_TEST(no_answer)
{
	struct tp_cert *c = with_crl();
	struct login l;

	for (uint32_t i = 0; i < 2; i++) {
		use_set(2 + i, i == 0 ? REVOCATION_IFURI : REVOCATION_RELAXED,
		    "");
		fill(&l, c, NULL);
		forget();
		check(make(&l), 1);
		for (int s = 0; s < 6 && count(MSG_CERT_VERDICT) == 0; s++)
			second(1);
		if (i == 0)
			assert_refused(WHY_CERT_UNKNOWN);
		else
			ck_assert_uint_eq(verdict()->verdict, MSG_YES);
	}
}
END_TEST

/* ---- the cache ------------------------------------------------------------------------ */

START_TEST(cache)
{
	struct tp_cert *sub = tp_sub("CN=Sub", key(2), root);
	struct tp_cert *c = tp_leaf("CN=Alice", key(1), sub, "email:" MAIL);
	struct login l;

	fill(&l, c, sub);
	ck_assert_uint_eq(login(&l)->verdict, MSG_YES);
	ck_assert_uint_eq(stat_of("path_hits"), 0);
	fill(&l, c, sub);
	ck_assert_uint_eq(login(&l)->verdict, MSG_YES);
	ck_assert_uint_eq(stat_of("path_hits"), 1);
	/* Each signature is looked at, known path or not. */
	fill(&l, c, sub);
	l.key = key(6);
	(void)login(&l);
	assert_refused(WHY_SIG_BAD);
	/* Other certificates with it: another path. */
	fill(&l, c, root);
	(void)login(&l);
	assert_refused(WHY_CERT_NO_ISSUER);
	/* Another set: all is built anew, to the same verdict. */
	use_set(2, REVOCATION_RELAXED, "");
	ck_assert_uint_eq(stat_of("paths"), 0);
	fill(&l, c, sub);
	ck_assert_uint_eq(login(&l)->verdict, MSG_YES);
	ck_assert_uint_eq(nth(MSG_CERT_VOUCH, 0)->m->u.cert_vouch.gen, 2);
	ck_assert_uint_eq(stat_of("path_hits"), 2);
	/* And a set that trusts somebody else takes it no more. */
	root = tp_root("CN=New", key(7));
	use_set(3, REVOCATION_RELAXED, "");
	fill(&l, c, sub);
	(void)login(&l);
	assert_refused(WHY_CERT_NO_ISSUER);
}
END_TEST

/* A known path ends with the first of its certificates. */
START_TEST(cache_expires)
{
	struct tp_spec s = { .subject = "CN=Alice", .key = key(1),
		.issuer = root, .san = "email:" MAIL,
		.not_before = (int64_t)NOW - 100,
		.not_after = (int64_t)NOW + 100 };
	struct tp_cert *c = tp_cert(&s);
	struct login l;

	fill(&l, c, NULL);
	ck_assert_uint_eq(login(&l)->verdict, MSG_YES);
	house.now += 200;
	fill(&l, c, NULL);
	(void)login(&l);
	assert_refused(WHY_CERT_EXPIRED);
}
END_TEST

/* It is over between two looks at it. */
START_TEST(cache_expires_now)
{
	struct tp_spec s = { .subject = "CN=Alice", .key = key(1),
		.issuer = root, .san = "email:" MAIL,
		.not_before = (int64_t)NOW - 100,
		.not_after = (int64_t)NOW + 100 };
	struct tp_cert *c = tp_cert(&s);
	struct login l;

	for (uint64_t i = 95; i <= 101; i++) {
		house.now = NOW;
		fill(&l, c, NULL);
		ck_assert_uint_eq(login(&l)->verdict, MSG_YES);
		house.now = NOW + i;
		creep = 1;
		fill(&l, c, NULL);
		(void)login(&l);
		creep = crept = 0;
		if (i == 99 || i > 100)
			assert_refused(WHY_CERT_EXPIRED);
	}
}
END_TEST

/* A known path and a CRL that came later. */
START_TEST(cache_revoked)
{
	struct tp_cert *c = with_crl();
	uint64_t serial = tp_serial(c);
	struct tp_crl_spec s = { .issuer = root, .number1 = 10, .n = 1,
		.revoked = &(struct tp_revoked){ .serial = serial } };
	char why[200];
	struct tp_blob b;
	struct login l;

	fill(&l, c, NULL);
	forget();
	check(make(&l), 1);
	fetched(0, MSG_YES, tp_crl_plain(root, NULL, 0), "");
	ck_assert_uint_eq(verdict()->verdict, MSG_YES);
	b = tp_crl(&s);
	ck_assert_int_ge(pki_revoke_file(&house, b.p, b.len, why,
	    sizeof(why)), 0);
	second(1);
	fill(&l, c, NULL);
	(void)login(&l);
	assert_refused(WHY_CERT_REVOKED);
}
END_TEST

/* ---- the same again, deaths ---------------------------------------------------------- */

START_TEST(again)
{
	struct login l;

	fill(&l, alice, NULL);
	ck_assert_uint_eq(login(&l)->verdict, MSG_YES);
	forget();
	check(make(&l), 1);
	/* ECDSA's signature is new: not the same request. */
	assert_refused(WHY_TICKET);
	fill(&l, tp_leaf("CN=E", tp_key(TP_ED25519, 1), root, "email:" MAIL),
	    NULL);
	l.alg = SIG_ED25519;
	l.method = 14;
	ck_assert_uint_eq(login(&l)->verdict, MSG_YES);
	forget();
	check(make(&l), 1);
	ck_assert_uint_eq(verdict()->verdict, MSG_YES);
	ck_assert_str_eq(verdict()->login, "ed25519");
	ck_assert_uint_eq(count(MSG_CERT_VOUCH), 0);
	ck_assert_uint_eq(stat_of("repeated"), 2);
	/* Another worker's session is another, whatever its id. */
	forget();
	check(make(&l), 2);
	ck_assert_uint_eq(nth(MSG_CERT_VERDICT, 0)->index, 2);
	ck_assert_uint_eq(count(MSG_CERT_VOUCH), 1);
	/* Forgotten after a while. */
	second(40);
	forget();
	check(make(&l), 1);
	ck_assert_uint_eq(count(MSG_CERT_VOUCH), 1);
}
END_TEST

/* While one waits, the same request adds nothing. */
START_TEST(again_while_waiting)
{
	struct tp_spec s = { .subject = "CN=E", .key = tp_key(TP_ED25519, 1),
		.issuer = root, .san = "email:" MAIL, .ext = {
		"crlDistributionPoints=URI:http://crl.example/ca.crl" } };
	struct login l;

	use_set(2, REVOCATION_IFURI, "");
	fill(&l, tp_cert(&s), NULL);
	l.alg = SIG_ED25519;
	l.method = 14;
	forget();
	check(make(&l), 1);
	check(make(&l), 1);
	ck_assert_uint_eq(count(MSG_CERT_VERDICT), 0);
	ck_assert_uint_eq(count(MSG_FETCH), 1);
	fetched(0, MSG_YES, tp_crl_plain(root, NULL, 0), "");
	ck_assert_uint_eq(verdict()->verdict, MSG_YES);
}
END_TEST

START_TEST(net_ends)
{
	struct login l;

	use_set(2, REVOCATION_IFURI, "");
	fill(&l, with_crl(), NULL);
	forget();
	check(make(&l), 1);
	ck_assert_uint_eq(stat_of("waiting"), 1);
	pki_check_lost(&house, 0);
	ck_assert_uint_eq(stat_of("waiting"), 1);
	pki_check_lost(&house, 1);
	ck_assert_uint_eq(stat_of("waiting"), 0);
	fetched(0, MSG_YES, tp_crl_plain(root, NULL, 0), "");
	second(10);
	ck_assert_uint_eq(count(MSG_CERT_VERDICT), 0);
	ck_assert_uint_eq(count(MSG_CERT_VOUCH), 0);
}
END_TEST

/* No trust, no parent: that is nobody's fault, and asked again it is tried
 * again. */
START_TEST(internal)
{
	struct login l;

	house.deaf_parent = 1;
	fill(&l, tp_leaf("CN=E", tp_key(TP_ED25519, 1), root, "email:" MAIL),
	    NULL);
	l.alg = SIG_ED25519;
	l.method = 14;
	ck_assert_uint_eq(login(&l)->verdict, MSG_INTERNAL);
	ck_assert_uint_eq(verdict()->why, WHY_INTERNAL_PKI);
	house.deaf_parent = 0;
	ck_assert_uint_eq(login(&l)->verdict, MSG_YES);
	pki_load_free(&house);
	pki_load_init(&house);
	fill(&l, alice, NULL);
	ck_assert_uint_eq(login(&l)->verdict, MSG_INTERNAL);
}
END_TEST

/* A set that is replaced while a login waits stays as long as it does. */
START_TEST(reload_while_waiting)
{
	struct login l;

	use_set(2, REVOCATION_IFURI, "");
	fill(&l, with_crl(), NULL);
	forget();
	check(make(&l), 1);
	use_set(3, REVOCATION_IFURI, "");
	fetched(0, MSG_YES, tp_crl_plain(root, NULL, 0), "");
	ck_assert_uint_eq(verdict()->verdict, MSG_YES);
	ck_assert_uint_eq(nth(MSG_CERT_VOUCH, 0)->m->u.cert_vouch.gen, 2);
}
END_TEST

static Suite *
suite(void)
{
	const struct {
		const char *name;
		const TTest *fn;
		int n;
	} v[] = {
		{ "vouched", vouched, 1 },
		{ "signatures", signatures,
		    (int)(sizeof(signs) / sizeof(signs[0])) },
		{ "bad certificates", bad_certificates,
		    (int)(sizeof(bad) / sizeof(bad[0])) },
		{ "strangers", strangers, 1 },
		{ "path length", path_length, 1 },
		{ "weak keys", weak_keys, 1 },
		{ "bad lists", bad_lists, 1 },
		{ "flipped", flipped, 1 },
		{ "bad auth", bad_auth, 1 },
		{ "bad method", bad_method, 1 },
		{ "another id", another_id, 1 },
		{ "revoked", revoked, 1 },
		{ "unknown", unknown, 1 },
		{ "asks the world", asks_the_world, 1 },
		{ "no answer", no_answer, 1 },
		{ "cache", cache, 1 },
		{ "cache expires", cache_expires, 1 },
		{ "cache expires now", cache_expires_now, 1 },
		{ "cache revoked", cache_revoked, 1 },
		{ "again", again, 1 },
		{ "again while waiting", again_while_waiting, 1 },
		{ "net ends", net_ends, 1 },
		{ "internal", internal, 1 },
		{ "reload while waiting", reload_while_waiting, 1 },
	};
	Suite *s = suite_create("pki_check");

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		TCase *tc = tcase_create(v[i].name);

		tcase_add_checked_fixture(tc, open_up, house_close);
		tcase_set_timeout(tc, 60);
		tcase_add_loop_test(tc, v[i].fn, 0, v[i].n);
		suite_add_tcase(s, tc);
	}
	return (s);
}

int
main(void)
{
	return (run_suite(suite()));
}
