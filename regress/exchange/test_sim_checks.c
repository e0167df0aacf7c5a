/*
 * Checks of the project's list of what a responder does on the wire that no
 * other file shows: the shape of our answers, nonces, malformed cookies, a
 * fragmented message in every wrong way. In: clients and datagrams made here.
 * Out: the bytes that the engine sent, and what it kept.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "regress/lib/init_int.h"
#include "regress/lib/sim.h"
#include "regress/lib/sim_main.h"

SIM_FIXTURE

static uint64_t
stat(enum ike_stat i)
{
	return (ike_stats(s.e)[i]);
}

/* Our answer to an IKE_SA_INIT that offers much. */
static void
first_answer(struct ike_hdr *h, struct chain *ch)
{
	struct init_client *c;
	struct init_conf conf;

	sim_start(&s);
	sim_conf(&s, &conf);
	conf.ike = "aes128-aes256-sha256-sha512-prfsha256-prfsha512-x25519-"
	    "ecp256,aes256gcm16-aes128gcm16-prfsha256-prfsha384-x25519";
	c = sim_client(&s, &conf);
	s.drop[SIM_UP] = 1;
	s.skip[SIM_UP] = 1;
	ck_assert_int_eq(init_start(c, s.now), 0);
	sim_run(&s, 10);
	ck_assert_int_eq(wire_hdr_parse(h, s.last, s.last_len), 0);
	ck_assert_int_eq(wire_hdr_check(h, s.last_len), 0);
	ck_assert_int_eq(wire_chain_parse(ch, h->next, s.last + IKE_HDR_LEN,
	    s.last_len - IKE_HDR_LEN), 0);
	ck_assert_uint_eq(h->spi_i, c->spi_i);
}

/* 1, 2: R set, I clear, message ID 0, our SPI, version 2.0. */
START_TEST(header_of_the_answer)
{
	struct ike_hdr h;
	struct chain ch;

	first_answer(&h, &ch);
	ck_assert_uint_eq(h.version, 0x20);
	ck_assert_uint_eq(h.exchange, EX_IKE_SA_INIT);
	ck_assert_uint_eq(h.flags, IKE_F_R);
	ck_assert_uint_eq(h.msgid, 0);
	ck_assert_uint_ne(h.spi_r, 0);
}
END_TEST

/* 41, 42: one proposal with the number of the one that was taken, one
 * transform of each type. */
START_TEST(one_of_each)
{
	unsigned int types[6] = { 0 };
	struct transform t;
	struct proposal p;
	struct ike_hdr h;
	struct chain ch;
	struct rd r;
	const struct payload *sa;

	first_answer(&h, &ch);
	sa = wire_chain_get(&ch, PL_SA, 0);
	ck_assert_ptr_nonnull(sa);
	rd_init(&r, sa->body, sa->len);
	ck_assert_int_eq(wire_proposal_next(&r, &p), 0);
	ck_assert_uint_eq(p.num, 1);
	ck_assert_uint_eq(p.spi_len, 0);
	ck_assert_uint_eq(p.n_transforms, 4);
	while (wire_transform_next(&p.transforms, &t) == 0) {
		ck_assert_uint_le(t.type, 5);
		types[t.type]++;
	}
	ck_assert_uint_eq(types[T_ENCR], 1);
	ck_assert_uint_eq(types[T_PRF], 1);
	ck_assert_uint_eq(types[T_INTEG], 1);
	ck_assert_uint_eq(types[T_KE], 1);
	ck_assert_int_eq(wire_proposal_next(&r, &p), ERR_NOENT);
}
END_TEST

/* 65 */
START_TEST(nonce_lengths)
{
	static const uint16_t len[] = { 16, 17, 255, 256 };
	struct init_client *c;
	struct init_conf conf;

	sim_start(&s);
	sim_conf(&s, &conf);
	conf.nonce_len = len[_i];
	c = sim_client(&s, &conf);
	ck_assert_msg(sim_login(&s, c) == INIT_UP, "%s", c->report.why);
}
END_TEST

/* 67, 73: 32 bytes, and never the same again; neither our public value. */
START_TEST(fresh_every_time)
{
	uint8_t nr[4][32], ke[4][32];
	const struct payload *p;
	struct init_client *c;
	struct ike_hdr h;
	struct chain ch;
	unsigned int i, k;

	sim_start(&s);
	for (i = 0; i < 4; i++) {
		c = sim_client(&s, NULL);
		s.skip[SIM_UP] = s.drop[SIM_UP] = 1;
		ck_assert_int_eq(init_start(c, s.now), 0);
		sim_run(&s, 10);
		ck_assert_int_eq(wire_hdr_parse(&h, s.last, s.last_len), 0);
		ck_assert_int_eq(wire_chain_parse(&ch, h.next,
		    s.last + IKE_HDR_LEN, s.last_len - IKE_HDR_LEN), 0);
		p = wire_chain_get(&ch, PL_NONCE, 0);
		ck_assert_uint_eq(p->len, 32);
		memcpy(nr[i], p->body, 32);
		p = wire_chain_get(&ch, PL_KE, 0);
		ck_assert_uint_eq(p->len, 36);
		memcpy(ke[i], p->body + 4, 32);
		for (k = 0; k < i; k++) {
			ck_assert_mem_ne(nr[i], nr[k], 32);
			ck_assert_mem_ne(ke[i], ke[k], 32);
		}
	}
}
END_TEST

/* 78, 79: the cookie behind the other payloads, empty, too long: a new one is
 * asked for and nothing is kept. */
START_TEST(cookie_misplaced)
{
	uint8_t b[2000], bad[65] = { 0 };
	struct init_client *c;
	struct ike_hdr h;
	struct chain ch;
	struct chain_wr w;
	struct wr o;
	size_t i;

	s.conf.net.cookies = COOKIES_ALWAYS;
	sim_start(&s);
	c = sim_client(&s, NULL);
	s.skip[SIM_UP] = s.drop[SIM_UP] = 1;
	ck_assert_int_eq(init_start(c, s.now), 0);
	sim_run(&s, 10);
	ck_assert_int_eq(wire_hdr_parse(&h, c->request.v[0].p,
	    c->request.v[0].len), 0);
	ck_assert_int_eq(wire_chain_parse(&ch, h.next, c->request.v[0].p +
	    IKE_HDR_LEN, c->request.v[0].len - IKE_HDR_LEN), 0);
	ck_assert_uint_eq(ch.v[0].type, PL_NOTIFY);
	wr_init(&o, b, sizeof(b));
	h.next = PL_NONE;
	ck_assert_int_eq(wire_hdr_build(&o, &h), 0);
	wire_put_start(&w, &o, 16);
	if (_i != 0)
		ck_assert_int_eq(wire_put_notify(&w, 0, NULL, 0, NT_COOKIE,
		    bad, _i == 1 ? 0 : sizeof(bad)), 0);
	for (i = 1; i < ch.n; i++)
		ck_assert_int_eq(wire_put_bytes(&w, ch.v[i].type, ch.v[i].body,
		    ch.v[i].len), 0);
	if (_i == 0)
		ck_assert_int_eq(wire_put_bytes(&w, PL_NOTIFY, ch.v[0].body,
		    ch.v[0].len), 0);
	ck_assert_int_eq(wire_hdr_fix_length(b, o.len), 0);
	sim_input(&s, b, o.len, &c->local, &c->request.v[0].to, 0);
	ck_assert_uint_eq(stat(IKE_STAT_COOKIE_OK), 0);
	ck_assert_uint_eq(stat(IKE_STAT_COOKIE_SENT), 2);
	ck_assert_uint_eq(sim_sas(&s), 0);
}
END_TEST

/* ---- one request in fragments ---- */
static struct init_client *c;
static struct init_set set;

/* An INFORMATIONAL with one unknown payload of so many bytes. */
static void
seal(uint16_t frag, size_t len)
{
	static uint8_t chain[16000];
	struct ike_hdr h;

	memset(chain, 0, sizeof(chain));
	chain[2] = (uint8_t)(len >> 8);
	chain[3] = (uint8_t)len;
	memset(&h, 0, sizeof(h));
	h.spi_i = c->spi_i;
	h.spi_r = c->spi_r;
	h.version = 0x20;
	h.exchange = EX_INFORMATIONAL;
	h.flags = IKE_F_I;
	h.msgid = c->msgid;
	init_set_free(&set);
	c->conf.frag_size = frag;
	init_sk_seal(c, &set, &h, 200, chain, len);
}

static void
up(void)
{
	memset(&set, 0, sizeof(set));
	sim_start(&s);
	c = sim_client(&s, NULL);
	ck_assert_msg(sim_login(&s, c) == INIT_UP, "%s", c->report.why);
}

static void
give(size_t i)
{
	ck_assert_uint_lt(i, set.n);
	sim_input(&s, set.v[i].p, set.v[i].len, &c->local, &c->server,
	    s.c[0]->natt);
}

/* How many answers came of what is done; the rest of it is empty again. */
static unsigned int
answers(unsigned int before)
{
	init_set_free(&set);
	ck_assert_int_eq(sim_state(&s), ST_UP);
	return (s.sent - before);
}

/* 172: split anew into more pieces: what was kept is dropped, the new set
 * alone is taken; one of the old set, with fewer, is not. */
START_TEST(split_anew)
{
	unsigned int sent;
	size_t i, n;

	up();
	sent = s.sent;
	seal(500, 1500);
	n = set.n;
	ck_assert_uint_ge(n, 3);
	give(0);
	give(1);
	seal(300, 1500);
	ck_assert_uint_gt(set.n, n);
	give(0);
	ck_assert_uint_le(s.e->frag_bytes, 400);
	seal(500, 1500);
	give(2);
	ck_assert_uint_eq(stat(IKE_STAT_DROP_FRAGMENT), 1);
	seal(300, 1500);
	for (i = 1; i < set.n; i++) {
		ck_assert_uint_eq(s.sent, sent);
		give(i);
	}
	ck_assert_uint_eq(answers(sent), 1);
	ck_assert_uint_eq(s.e->frag_bytes, 0);
}
END_TEST

/* 174: a fragment is kept only when it verified. 173: the same one twice
 * counts once. */
START_TEST(verified_first)
{
	unsigned int sent;
	size_t held, i;

	up();
	sent = s.sent;
	seal(300, 1000);
	set.v[0].p[set.v[0].len - 1] ^= 1;
	give(0);
	ck_assert_uint_eq(s.e->frag_bytes, 0);
	ck_assert_uint_eq(stat(IKE_STAT_DROP_AUTH), 1);
	set.v[0].p[set.v[0].len - 1] ^= 1;
	give(0);
	held = s.e->frag_bytes;
	give(0);
	ck_assert_uint_eq(s.e->frag_bytes, held);
	for (i = set.n; i-- > 1;)
		give(i);
	ck_assert_uint_eq(answers(sent), 1);
}
END_TEST

/* 175: only the first fragment names a payload. */
START_TEST(first_names_it)
{
	unsigned int sent;
	size_t i;

	up();
	sent = s.sent;
	seal(300, 1000);
	ck_assert_uint_eq(set.v[1].p[IKE_HDR_LEN], PL_NONE);
	set.v[1].p[IKE_HDR_LEN] = 200;
	give(1);
	ck_assert_uint_eq(stat(IKE_STAT_DROP_FRAGMENT), 1);
	ck_assert_uint_eq(stat(IKE_STAT_DROP_AUTH), 0);
	set.v[1].p[IKE_HDR_LEN] = PL_NONE;
	for (i = 0; i < set.n; i++)
		give(i);
	ck_assert_uint_eq(answers(sent), 1);
}
END_TEST

/* 181: some fragments, then the whole message as one: answered once, and what
 * was collected is gone; late fragments get nothing but that answer. */
START_TEST(whole_after_pieces)
{
	unsigned int sent;

	up();
	sent = s.sent;
	seal(300, 1000);
	give(0);
	give(2);
	ck_assert_uint_gt(s.e->frag_bytes, 0);
	seal(1400, 1000);
	ck_assert_uint_eq(set.n, 1);
	give(0);
	ck_assert_uint_eq(s.sent, sent + 1);
	ck_assert_uint_eq(s.e->frag_bytes, 0);
	seal(300, 1000);
	give(1);
	ck_assert_uint_eq(s.sent, sent + 1);
	give(0);
	ck_assert_uint_eq(answers(sent), 2);
	ck_assert_uint_eq(stat(IKE_STAT_RESENT), 1);
}
END_TEST

/* 182: more than a message may be: dropped, and the SA lives. */
START_TEST(too_much)
{
	unsigned int sent;
	size_t i;

	up();
	sent = s.sent;
	seal(500, 12000);
	for (i = 0; i < set.n; i++)
		give(i);
	ck_assert_uint_eq(s.sent, sent);
	ck_assert_uint_ge(stat(IKE_STAT_DROP_FRAGMENT), 1);
	ck_assert_uint_le(s.e->frag_bytes, FRAG_SA_BYTES);
	ck_assert_uint_eq(answers(sent), 0);
	seal(1400, 40);
	give(0);
	ck_assert_uint_eq(answers(sent), 1);
}
END_TEST

/* 90: a retransmit that does not verify gets no cached answer. */
START_TEST(bad_retransmit)
{
	unsigned int sent;

	up();
	seal(1400, 40);
	give(0);
	sent = s.sent;
	set.v[0].p[set.v[0].len - 1] ^= 1;
	give(0);
	ck_assert_uint_eq(s.sent, sent);
	ck_assert_uint_eq(stat(IKE_STAT_DROP_AUTH), 1);
	set.v[0].p[set.v[0].len - 1] ^= 1;
	give(0);
	ck_assert_uint_eq(answers(sent), 1);
}
END_TEST

int
main(void)
{
	TCase *t[2];

	t[0] = tcase_create("answers");
	tcase_add_checked_fixture(t[0], setup, teardown);
	tcase_add_test(t[0], header_of_the_answer);
	tcase_add_test(t[0], one_of_each);
	tcase_add_loop_test(t[0], nonce_lengths, 0, 4);
	tcase_add_test(t[0], fresh_every_time);
	tcase_add_loop_test(t[0], cookie_misplaced, 0, 3);
	t[1] = tcase_create("fragments");
	tcase_add_checked_fixture(t[1], setup, teardown);
	tcase_add_test(t[1], split_anew);
	tcase_add_test(t[1], verified_first);
	tcase_add_test(t[1], first_names_it);
	tcase_add_test(t[1], whole_after_pieces);
	tcase_add_test(t[1], too_much);
	tcase_add_test(t[1], bad_retransmit);
	return (sim_main("sim_checks", t, 2));
}
