/*
 * What is chosen of an offer when suites stand beside each other, as the lists
 * by name do: always all of it from one of them.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ike/sa.h"

#define D (1 << SUITE_DEFAULT)
#define B128 (1 << SUITE_SUITE_B_128)
#define B256 (1 << SUITE_SUITE_B_256)
#define CNSA (1 << SUITE_CNSA_1)

/* Everything of all three lists, in one proposal each of AEAD and CBC. */
#define GCM "20/256 20/128 p5 p6 p7 k19 k20 k15 k16"
#define CBC "12/256 12/128 i12 i13 p5 p6 k19 k20"

static void
transforms(struct proposal_out *p, const char *s)
{
	while (*s != '\0') {
		struct transform *t = &p->t[p->n++];
		char *end;

		t->type = *s == 'p' ? T_PRF : *s == 'k' ? T_KE : *s == 'i' ?
		    T_INTEG : T_ENCR;
		s += t->type != T_ENCR;
		t->id = (uint16_t)strtoul(s, &end, 10);
		if (*end == '/') {
			t->bits = (uint16_t)strtoul(end + 1, &end, 10);
			t->has_bits = 1;
		}
		s = end + strspn(end, " ");
	}
}

static const struct {
	enum alg_use use;
	const char *offer;
	unsigned int suites;
	uint16_t ke_sent;
	const char *want; /* NULL: nothing */
} rows[] = {
	/* 0 */ { ALG_IKE, GCM, B128, 19, "aes128gcm16 sha256 ecp256" },
	/* 1 */ { ALG_IKE, GCM, B256, 20, "aes256gcm16 sha384 ecp384" },
	/* 2 of two lists the stricter, whatever was sent first */
	{ ALG_IKE, GCM, B128 | B256, 19, "aes256gcm16 sha384 ecp384" },
	/* 3 */ { ALG_IKE, GCM, B128 | B256 | CNSA, 16,
	    "aes256gcm16 sha384 modp4096" },
	/* 4 what only the weaker one has */
	{ ALG_IKE, "20/256 20/128 p5 k19", B128 | B256, 19,
	    "aes128gcm16 sha256 ecp256" },
	/* 5 a bit of each is none */
	{ ALG_IKE, "20/256 p5 k19", B128 | B256 | CNSA, 19, NULL },
	/* 6 … but something where a wider suite is in force */
	{ ALG_IKE, "20/256 p5 k19", D | B128 | B256, 19,
	    "aes256gcm16 sha256 ecp256" },
	/* 7 Suite B's IKE may be CBC … */
	{ ALG_IKE, CBC, B128, 19, "aes128 sha256 sha256 ecp256" },
	/* 8 */ { ALG_IKE, CBC, B256, 19, "aes256 sha384 sha384 ecp384" },
	/* 9 */ { ALG_IKE, CBC, CNSA, 20, NULL },
	/* 10 … its ESP may not */
	{ ALG_ESP, "12/128 i12", B128, 0, NULL },
	/* 11 */ { ALG_ESP, "12/128 i12", B128 | D, 0, "aes128 sha256" },
	/* 12 */ { ALG_ESP, "20/128 20/256", B128, 0, "aes128gcm16" },
	/* 13 */ { ALG_ESP, "20/128 20/256 k19", CNSA | B128, 19,
	    "aes128gcm16 ecp256" },
	/* 14 */ { ALG_ESP, "20/128 20/256 k20", CNSA, 20,
	    "aes256gcm16 ecp384" },
	/* 15 no suite, nothing */ { ALG_IKE, GCM, 0, 19, NULL },
};

START_TEST(one_list_whole)
{
	struct proposal_out p = { .num = 1 };
	uint8_t buf[512], first = 0;
	struct chain_wr c;
	struct chosen ch;
	static struct chain in;
	char text[100];
	struct txt t;
	struct wr w;
	int r;

	p.proto = rows[_i].use == ALG_IKE ? PROTO_IKE : PROTO_ESP;
	p.spi_len = rows[_i].use == ALG_IKE ? 0 : 4;
	p.spi[0] = 1;
	transforms(&p, rows[_i].offer);
	wr_init(&w, buf, sizeof(buf));
	ck_assert_int_eq(wr_u8(&w, 0), 0);
	wire_put_start(&c, &w, 0);
	ck_assert_int_eq(wire_put_sa(&c, &p, 1), 0);
	first = buf[0];
	ck_assert_int_eq(wire_chain_parse(&in, first, buf + 1, w.len - 1), 0);
	if (rows[_i].use == ALG_IKE)
		r = ike_propose_ike(&ch, &in.v[0], 0, (uint8_t)rows[_i].suites,
		    rows[_i].ke_sent);
	else
		r = ike_propose_esp(&ch, &in.v[0], (uint8_t)rows[_i].suites, 1,
		    rows[_i].ke_sent);
	if (rows[_i].want == NULL) {
		ck_assert_int_eq(r, ERR_NOENT);
		return;
	}
	ck_assert_int_eq(r, 0);
	txt_init(&t, text, sizeof(text));
	ike_algs_txt(&t, &ch.algs, rows[_i].use);
	ck_assert_str_eq(text, rows[_i].want);
	ck_assert_uint_ne(algs_suites(&ch.algs, rows[_i].use) &
	    rows[_i].suites, 0);
	ck_assert_uint_eq(ch.ke_wanted, ch.algs.kex == rows[_i].ke_sent ? 0 :
	    ch.algs.kex);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ike propose");
	TCase *tc = tcase_create("suites");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(tc, one_list_whole, 0,
	    (int)(sizeof(rows) / sizeof(rows[0])));
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (failed != 0);
}
