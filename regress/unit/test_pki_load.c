/*
 * Sets of trusts and certificates: read whole or not at all, told to the
 * parent, replaced while logins go on; OCSP responses of our own.
 */
#include "regress/unit/pki_house.h"

static struct tp_cert *root, *sub, *vpn, *clients;

static struct tp_cert *
server(unsigned int slot, const char *name, int64_t not_after,
    const char *aia)
{
	struct tp_spec s = { .subject = "CN=vpn", .key = key(slot),
		.issuer = sub, .san = name, .not_after = not_after,
		.ext = { "extendedKeyUsage=serverAuth", aia } };

	return (tp_cert(&s));
}

static struct tp_blob
pems(struct tp_cert *a, struct tp_cert *b, struct tp_cert *c)
{
	struct tp_blob v[3] = { tp_pem(a) };
	size_t n = 1;

	if (b != NULL)
		v[n++] = tp_pem(b);
	if (c != NULL)
		v[n++] = tp_pem(c);
	return (tp_cat(v, n));
}

static void
open_up(void)
{
	house_open();
	root = tp_root("CN=Root", key(0));
	sub = tp_sub("CN=Servers", key(1), root);
	clients = tp_root("CN=Clients", key(2));
	vpn = server(3, "DNS:vpn.example.com", 0, NULL);
}

static void
set_of(uint32_t gen, struct tp_blob chain, struct tp_blob trust)
{
	set_begin(gen, "");
	set_trust_of(gen, 4, "staff", REVOCATION_RELAXED, trust);
	set_cert_of(gen, 7, "vpn", 0, chain);
	set_server(gen, 0, "other.example.com");
	set_server(gen, 3, "vpn.example.com");
	set_server(gen, 9, "vpn.example.com");
	set_done(gen);
}

static const struct msg_pki_loaded *
loaded(void)
{
	ck_assert_uint_eq(count(MSG_PKI_LOADED), 1);
	return (&nth(MSG_PKI_LOADED, 0)->m->u.pki_loaded);
}

static const struct msg_cred *
cred(void)
{
	ck_assert_uint_eq(count(MSG_CRED), 1);
	return (&nth(MSG_CRED, 0)->m->u.cred);
}

/* Ours first whatever the order of the file, then its issuers, no root; what
 * CERTREQ can name; whom it speaks for. */
START_TEST(one_set)
{
	struct tp_blob der;
	const struct msg_cred *c;

	set_of(1, pems(root, sub, vpn), tp_pem(clients));
	c = cred();
	ck_assert_uint_eq(c->verdict, MSG_YES);
	ck_assert_uint_eq(c->gen, 1);
	ck_assert_uint_eq(c->cert, 7);
	ck_assert_uint_eq(c->key, KEY_P256);
	ck_assert_str_eq(c->subject, "CN=vpn");
	ck_assert_str_eq(c->issuer, "CN=Servers");
	ck_assert_uint_eq(c->weak, 0);
	der = tp_der(vpn);
	ck_assert_uint_eq(c->certs.p[0] << 8 | c->certs.p[1], der.len);
	ck_assert_mem_eq(c->certs.p + 2, der.p, der.len);
	ck_assert_uint_eq(c->certs.len, 2 + der.len + 2 + tp_der(sub).len);
	ck_assert_mem_eq(c->certs.p + 2 + der.len + 2, tp_der(sub).p,
	    tp_der(sub).len);
	ck_assert_uint_eq(c->issuers.len, 40);
	ck_assert_mem_eq(c->issuers.p, pubkey_info(cert_key(parsed(sub)))->
	    spki_sha1, 20);
	ck_assert_mem_eq(c->issuers.p + 20, pubkey_info(cert_key(parsed(
	    root)))->spki_sha1, 20);
	ck_assert_uint_eq(c->serves.len, 2);
	ck_assert_uint_eq(c->serves.p[0], 1 << 3);
	ck_assert_uint_eq(c->serves.p[1], 1 << 1);
	ck_assert_mem_eq(c->hash_url.p, cert_sha1(parsed(vpn)), 20);
	ck_assert_uint_eq(c->hash_url.len, 20 +
	    strlen("http://www.example/vpn.der"));
	ck_assert_uint_eq(loaded()->verdict, MSG_YES);
	ck_assert_uint_eq(loaded()->hash_url, 0);
	ck_assert_uint_eq(loaded()->hashes.len, 20);
	ck_assert_mem_eq(loaded()->hashes.p, pubkey_info(cert_key(parsed(
	    clients)))->spki_sha1, 20);
	/* CRED before PKI_LOADED. */
	ck_assert_int_eq(house.sent[0].m->type, MSG_CRED);
}
END_TEST

/* An intermediate that only a trust's file has. */
START_TEST(chain_from_trust)
{
	set_of(1, tp_pem(vpn), pems(root, sub, NULL));
	ck_assert_uint_eq(cred()->verdict, MSG_YES);
	ck_assert_uint_eq(cred()->certs.len, 2 + tp_der(vpn).len + 2 +
	    tp_der(sub).len);
	ck_assert_uint_eq(cred()->issuers.len, 40);
}
END_TEST

/* Files that cannot be used, and what is said of them. */
START_TEST(refused)
{
	struct tp_cert *other = tp_sub("CN=Servers", key(5), root);
	struct tp_spec old = { .subject = "CN=vpn", .key = key(3),
		.issuer = sub, .not_before = 1000000, .not_after = 2000000 };
	struct tp_spec soon = { .subject = "CN=vpn", .key = key(3),
		.issuer = sub, .not_before = (int64_t)NOW + 100 };
	struct tp_spec rsa = { .subject = "CN=vpn", .issuer = sub,
		.key = tp_key(TP_RSA1024, 0) };
	struct tp_spec use = { .subject = "CN=vpn", .issuer = sub,
		.key = key(3), .ext = { "keyUsage=critical,keyEncipherment" } };
	struct tp_blob text = { (const uint8_t *)"hello\n", 6 };
	struct tp_blob none = { (const uint8_t *)"", 0 };
	struct tp_blob good = tp_pem(clients);
	const struct {
		struct tp_blob chain, trust;
		const char *says;
	} v[] = {
		{ tp_pem(tp_cert(&old)), good,
		    "certificate \"vpn\": expired serial=" },
		{ tp_pem(tp_cert(&soon)), good, "not valid yet" },
		{ tp_pem(tp_cert(&rsa)), good, "its key" },
		{ tp_pem(tp_cert(&use)), good, "key usage" },
		{ pems(vpn, other, NULL), good, "did not sign" },
		{ text, good, "holds no certificate" },
		{ none, good, "certificate \"vpn\": " },
		{ tp_pem(vpn), text, "trust \"staff\": " },
		{ tp_pem(vpn), none, "trust \"staff\": " },
		{ tp_pem(vpn), tp_pem(vpn), NULL },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		forget();
		set_of((uint32_t)i + 1, v[i].chain, v[i].trust);
		if (v[i].says == NULL)
			continue; /* a leaf can be an anchor: path.h */
		ck_assert_msg(loaded()->verdict == MSG_REFUSED, "row %zu", i);
		ck_assert_msg(strstr(loaded()->text, v[i].says) != NULL,
		    "row %zu: %s", i, loaded()->text);
		ck_assert_uint_eq(loaded()->gen, i + 1);
	}
}
END_TEST

/* A reload that is not good leaves everything as it is; one that is good takes
 * over as a whole. */
START_TEST(reload)
{
	struct tp_cert *next = server(6, "DNS:vpn.example.com", 0, NULL);
	struct tp_blob bad = { (const uint8_t *)"x", 1 };
	struct pki_set *first;

	set_of(1, pems(vpn, sub, NULL), tp_pem(clients));
	first = pki_load_set(&house);
	ck_assert_uint_eq(pki_set_gen(first), 1);
	set_of(2, pems(next, sub, NULL), bad);
	ck_assert_ptr_eq(pki_load_set(&house), first);
	set_of(3, bad, tp_pem(clients));
	ck_assert_ptr_eq(pki_load_set(&house), first);
	forget();
	set_of(4, pems(next, sub, NULL), tp_pem(clients));
	ck_assert_uint_eq(pki_set_gen(pki_load_set(&house)), 4);
	ck_assert_uint_eq(loaded()->verdict, MSG_YES);
	ck_assert_mem_eq(cred()->spki, pubkey_info(cert_key(parsed(next)))->
	    spki_sha256, 32);
}
END_TEST

/* At the first start there is nothing to keep: clients can be checked while
 * our own certificate is not good. */
START_TEST(first_with_bad_certificate)
{
	struct tp_blob bad = { (const uint8_t *)"x", 1 };

	set_of(1, bad, tp_pem(clients));
	ck_assert_uint_eq(loaded()->verdict, MSG_REFUSED);
	ck_assert_uint_eq(cred()->verdict, MSG_REFUSED);
	ck_assert_ptr_nonnull(pki_load_set(&house));
}
END_TEST

/* Messages of another set, or before one begins, change nothing. */
START_TEST(out_of_order)
{
	msg_init(&said, MSG_CONF_TRUST);
	said.u.conf_trust.gen = 1;
	ck_assert_int_lt(tell(-1), 0);
	msg_init(&said, MSG_FD);
	said.u.fd.kind = FD_TRUST;
	ck_assert_int_lt(tell(file_of(tp_pem(root))), 0);
	set_begin(2, "");
	msg_init(&said, MSG_CONF_TRUST);
	said.u.conf_trust.gen = 1;
	ck_assert_int_lt(tell(-1), 0);
	msg_init(&said, MSG_CONF_PKI_DONE);
	said.u.conf_pki_done.gen = 1;
	ck_assert_int_lt(tell(-1), 0);
	ck_assert_uint_eq(house.n_sent, 0);
	ck_assert_ptr_null(pki_load_set(&house));
}
END_TEST

/* RFC 4806: asked for at once, shown, asked again at half time, taken away
 * when it is over and no new one came. */
START_TEST(staple)
{
	struct tp_cert *c = server(6, "DNS:vpn.example.com", 0,
	    "authorityInfoAccess=OCSP;URI:http://ocsp.example/");
	struct tp_ocsp_spec s = { .cert = c, .issuer = sub,
		.cert_id_hash = TP_SHA1 };
	struct tp_blob good;

	set_begin(1, "");
	set_trust_of(1, 0, "staff", REVOCATION_RELAXED, tp_pem(clients));
	set_cert_of(1, 0, "vpn", 1, pems(c, sub, root));
	set_done(1);
	ck_assert_uint_eq(cred()->ocsp.len, 0);
	second(1);
	ck_assert_uint_eq(count(MSG_FETCH), 1);
	ck_assert_str_eq(nth(MSG_FETCH, 0)->m->u.fetch.url,
	    "http://ocsp.example/");
	s.next_update = (int64_t)house.now + 1000;
	good = tp_ocsp(&s);
	fetched(0, MSG_YES, good, "");
	ck_assert_uint_eq(count(MSG_CRED), 2);
	ck_assert_uint_eq(nth(MSG_CRED, 1)->m->u.cred.ocsp.len, good.len);
	ck_assert_mem_eq(nth(MSG_CRED, 1)->m->u.cred.ocsp.p, good.p, good.len);
	second(480);
	ck_assert_uint_eq(count(MSG_FETCH), 1);
	second(40);
	ck_assert_uint_eq(count(MSG_FETCH), 2);
	fetched(1, MSG_REFUSED, (struct tp_blob){ NULL, 0 }, "no");
	ck_assert_uint_eq(count(MSG_CRED), 2);
	second(600);
	ck_assert_uint_eq(count(MSG_CRED), 3);
	ck_assert_uint_eq(nth(MSG_CRED, 2)->m->u.cred.ocsp.len, 0);
}
END_TEST

/* What a responder may not say of us is not shown. */
START_TEST(staple_not_good)
{
	struct tp_cert *c = server(6, "DNS:vpn.example.com", 0,
	    "authorityInfoAccess=OCSP;URI:http://ocsp.example/");
	struct tp_ocsp_spec v[] = {
		{ .cert = c, .issuer = sub, .status = TP_OCSP_REVOKED },
		{ .cert = c, .issuer = sub, .status = TP_OCSP_UNKNOWN },
		{ .cert = c, .issuer = sub, .sign_key = key(7) },
		{ .cert = c, .issuer = sub, .response_status = 3 },
	};

	for (uint32_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		forget();
		v[i].cert_id_hash = TP_SHA1;
		set_begin(i + 1, "");
		set_cert_of(i + 1, 0, "vpn", 1, pems(c, sub, root));
		set_done(i + 1);
		second(1);
		fetched(0, MSG_YES, tp_ocsp(&v[i]), "");
		ck_assert_uint_eq(cred()->ocsp.len, 0);
	}
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("pki_load");
	TCase *tc = tcase_create("sets");

	tcase_add_checked_fixture(tc, open_up, house_close);
	tcase_add_test(tc, one_set);
	tcase_add_test(tc, chain_from_trust);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, reload);
	tcase_add_test(tc, first_with_bad_certificate);
	tcase_add_test(tc, out_of_order);
	suite_add_tcase(s, tc);
	tc = tcase_create("staples");
	tcase_add_checked_fixture(tc, open_up, house_close);
	tcase_add_test(tc, staple);
	tcase_add_test(tc, staple_not_good);
	suite_add_tcase(s, tc);
	return (s);
}

int
main(void)
{
	return (run_suite(suite()));
}
