/*
 * What the server's answers say, checked as a strict client would: the chosen
 * proposal is one we made, AUTH is right, selectors lie within what we asked.
 * In: a chain; out: the client's fields and its report.
 */
#include <stdio.h>

#include "regress/lib/init_int.h"

int
init_fail(struct init_client *c, int err, const char *why)
{
	snprintf(c->report.why, sizeof(c->report.why), "%s", why);
	return (err);
}

void
init_note_notifies(struct init_client *c, uint8_t exchange,
    const struct chain *ch)
{
	struct init_report *r = &c->report;
	struct init_notify *in;
	struct notify n;

	for (size_t i = 0; i < ch->n; i++) {
		if (ch->v[i].type != PL_NOTIFY ||
		    wire_notify_parse(&n, &ch->v[i]) != 0)
			continue;
		if (NOTIFY_IS_ERROR(n.type) && r->error == 0)
			r->error = n.type;
		if (r->n_n == INIT_NOTIFIES)
			continue;
		in = &r->n[r->n_n++];
		memset(in, 0, sizeof(*in));
		in->exchange = exchange;
		in->type = n.type;
		in->proto = n.proto;
		in->spi_len = n.spi_len;
		if (n.spi_len == 4)
			in->spi = (uint32_t)n.spi[0] << 24 |
			    (uint32_t)n.spi[1] << 16 |
			    (uint32_t)n.spi[2] << 8 | n.spi[3];
		in->len = (uint16_t)n.len;
		memcpy(in->data, n.data, n.len < sizeof(in->data) ? n.len :
		    sizeof(in->data));
	}
}

/* Was exactly this transform in the proposal that we sent? */
static int
offered(const struct proposal *ours, const struct transform *t)
{
	struct rd r = ours->transforms;
	struct transform o;

	while (wire_transform_next(&r, &o) == 0)
		if (o.type == t->type && o.id == t->id &&
		    o.has_bits == t->has_bits && o.bits == t->bits)
			return (1);
	return (0);
}

/* The proposal of this number in the SA body that we sent. */
static int
offer_find(struct proposal *ours, struct rd sent, uint8_t num)
{
	while (wire_proposal_next(&sent, ours) == 0)
		if (ours->num == num)
			return (0);
	return (ERR_NOENT);
}

/*
 * The one proposal of an answer. RFC 7296 3.3.6: a responder "MUST select a
 * single complete set of parameters from the offers"; 2.7: the number is that
 * of the proposal it comes from.
 */
static int
chosen(struct algs *a, struct proposal *p, const struct payload *sa,
    struct rd sent)
{
	uint16_t *field[] = { NULL, &a->encr, &a->prf, &a->integ, &a->kex,
		&a->esn };
	struct proposal more, ours;
	unsigned int seen = 0;
	struct transform t;
	struct rd r, tr;

	memset(a, 0, sizeof(*a));
	if (wire_sa_check(sa->body, sa->len) != 0)
		return (ERR_SYNTAX);
	rd_init(&r, sa->body, sa->len);
	if (wire_proposal_next(&r, p) != 0 ||
	    wire_proposal_next(&r, &more) != ERR_NOENT)
		return (ERR_SYNTAX);
	if (offer_find(&ours, sent, p->num) != 0 || p->proto != ours.proto)
		return (ERR_POLICY);
	tr = p->transforms;
	while (wire_transform_next(&tr, &t) == 0) {
		if (t.type < T_ENCR || t.type > T_ESN || t.bad_attr ||
		    (seen & 1U << t.type) || !offered(&ours, &t))
			return (ERR_POLICY);
		seen |= 1U << t.type;
		*field[t.type] = t.id;
		if (t.type == T_ENCR)
			a->encr_bits = t.bits;
	}
	return (seen & 1U << T_ENCR ? 0 : ERR_POLICY);
}

/* The SA body of our IKE_SA_INIT as it went out. */
static struct rd
sent_ike(const struct init_client *c)
{
	struct rd r = { NULL, 0 };
	const struct payload *sa;
	static struct chain ch;

	/* A hostile one may not even be a chain. */
	if (c->len1 > IKE_HDR_LEN && wire_chain_parse(&ch, c->msg1[16],
	    c->msg1 + IKE_HDR_LEN, c->len1 - IKE_HDR_LEN) == 0 &&
	    (sa = wire_chain_get(&ch, PL_SA, 0)) != NULL)
		rd_init(&r, sa->body, sa->len);
	return (r);
}

static struct rd
sent_esp(const struct init_client *c)
{
	static uint8_t buf[16384];
	struct chain_wr cw;
	struct wr w;
	struct rd r;

	wr_init(&w, buf, sizeof(buf));
	NEED(wr_u8(&w, 0) == 0);
	wire_put_start(&cw, &w, 0);
	NEED(wire_put_sa(&cw, c->esp, c->n_esp) == 0);
	rd_init(&r, buf + 5, w.len - 5);
	return (r);
}

/* Our hash of where the server says it is, and of where it sees us. */
static void
nat_verdict(struct init_client *c, const struct chain *ch)
{
	uint8_t src[20], dst[20];
	struct notify n;

	init_natd_hash(c->spi_i, c->spi_r, &c->server, src);
	init_natd_hash(c->spi_i, c->spi_r, &c->local, dst);
	if (wire_find_notify(ch, NT_NAT_DETECTION_SOURCE_IP, 0, &n) == 0) {
		c->report.nat_server = 1;
		for (unsigned int i = 0; wire_find_notify(ch,
		    NT_NAT_DETECTION_SOURCE_IP, i, &n) == 0; i++)
			if (n.len == 20 && memcmp(n.data, src, 20) == 0)
				c->report.nat_server = 0;
	}
	if (wire_find_notify(ch, NT_NAT_DETECTION_DESTINATION_IP, 0, &n) == 0)
		c->report.nat_us = n.len != 20 || memcmp(n.data, dst, 20) != 0;
}

/* RFC 7296 2.23: on a NAT, "the initiator MUST change to UDP port 4500". One
 * that faked a hash knows that there is one, as far as the server can see. */
static void
float_ports(struct init_client *c)
{
	if (c->natt || c->conf.natd == NATD_NONE || c->conf.no_nats ||
	    (!c->report.nat_server && !c->report.nat_us &&
	    c->conf.natd == NATD_TRUE))
		return;
	c->natt = 1;
	c->server.port = c->conf.natt_port;
	c->local.port = c->conf.natt_local;
}

static int
derive_ike(struct init_client *c, const struct ke *ke)
{
	struct keymat_in in = {
		.prf = suite_prf(c->algs.prf),
		.encr = suite_encr(c->algs.encr, c->algs.encr_bits),
		.integ = suite_integ(c->algs.integ),
		.ni = c->ni, .ni_len = c->ni_len,
		.nr = c->nr, .nr_len = c->nr_len,
		.spi_i = c->spi_i, .spi_r = c->spi_r
	};
	struct secret shared = { 0 };

	if (in.prf == NULL || in.encr == NULL)
		return (init_fail(c, ERR_UNSUP, "chosen suite"));
	if (kex_shared(c->kex, ke->data, ke->len, &shared) != 0)
		return (init_fail(c, ERR_CRYPTO, "the server's KE value"));
	NEED(keymat_ike(&c->keys, &in, &shared) == 0);
	secret_free(&shared);
	NEED(aead_new(&c->seal, in.encr, in.integ, AEAD_SEAL, c->keys.ei.p,
	    c->keys.ei.len) == 0);
	NEED(aead_new(&c->open, in.encr, in.integ, AEAD_OPEN, c->keys.er.p,
	    c->keys.er.len) == 0);
	return (0);
}

int
init_parse_init(struct init_client *c, const struct chain *ch)
{
	const struct payload *sa = wire_chain_get(ch, PL_SA, 0);
	const struct payload *kp = wire_chain_get(ch, PL_KE, 0);
	const struct payload *no = wire_chain_get(ch, PL_NONCE, 0);
	struct proposal p;
	struct notify n;
	uint8_t which;
	struct ke ke;

	if (sa == NULL || kp == NULL || no == NULL || c->spi_r == 0)
		return (init_fail(c, ERR_SYNTAX, "payloads missing"));
	if (wire_chain_legal(ch, LEGAL_INIT_RESP, &which) != 0)
		return (init_fail(c, ERR_SYNTAX, "illegal payloads"));
	if (chosen(&c->algs, &p, sa, sent_ike(c)) != 0 || p.spi_len != 0)
		return (init_fail(c, ERR_POLICY, "chosen IKE proposal"));
	if (wire_ke_parse(&ke, kp) != 0 || ke.group != c->group ||
	    c->algs.kex != c->group)
		return (init_fail(c, ERR_POLICY, "chosen group"));
	if (no->len < 16 || no->len > 256)
		return (init_fail(c, ERR_SYNTAX, "nonce length"));
	memcpy(c->nr, no->body, no->len);
	c->nr_len = no->len;
	c->frag = !c->conf.no_frag && wire_find_notify(ch,
	    NT_IKEV2_FRAGMENTATION_SUPPORTED, 0, &n) == 0;
	nat_verdict(c, ch);
	init_note_certreq(c, ch);
	float_ports(c);
	return (derive_ike(c, &ke));
}

/* RFC 7296 2.15 from the other side. */
static int
verify_auth(struct init_client *c, const struct chain *ch,
    const struct payload *idr, const struct payload *auth)
{
	const struct prf_alg *prf = suite_prf(c->algs.prf);
	const struct piece msg = { c->msg2, c->len2 };
	const struct piece nonce = { c->ni, c->ni_len };
	const struct piece id = { idr->body, idr->len };
	uint8_t want[PRF_OUT_MAX];
	struct ike_auth a;

	if (idr->len > sizeof(c->report.idr))
		return (init_fail(c, ERR_LIMIT, "the server's IDr"));
	memcpy(c->report.idr, idr->body, idr->len);
	c->report.idr_len = idr->len;
	if (c->conf.cred != NULL)
		return (init_verify_sig(c, ch, idr, auth));
	if (wire_auth_parse(&a, auth) != 0 || a.method != AUTH_SHARED_KEY ||
	    a.len != prf->out_len)
		return (init_fail(c, ERR_AUTH, "the server's AUTH method"));
	NEED(auth_shared(prf, (const uint8_t *)c->conf.psk,
	    strlen(c->conf.psk), &msg, &nonce, c->keys.pr.p, c->keys.pr.len,
	    &id, NULL, want) == 0);
	if (!ct_eq(want, a.data, a.len))
		return (init_fail(c, ERR_AUTH, "the server's AUTH"));
	return (0);
}

static int
cp_address(struct init_report *rep, const struct cfg_at *a)
{
	struct addr *ip = a->type == CA_INTERNAL_IP4_ADDRESS ? &rep->ip4 :
	    &rep->ip6;
	size_t want = a->type == CA_INTERNAL_IP4_ADDRESS ? 4 : 17;

	if (a->type != CA_INTERNAL_IP4_ADDRESS &&
	    a->type != CA_INTERNAL_IP6_ADDRESS)
		return (0);
	/* One of each is all that a client can use. */
	if (a->len != want || ip->family != 0)
		return (ERR_SYNTAX);
	ip->family = want == 4 ? 4 : 6;
	memcpy(ip->ip, a->data, want == 4 ? 4 : 16);
	if (want == 17)
		rep->ip6_prefix = a->data[16];
	return (0);
}

static int
parse_cp(struct init_client *c, const struct payload *p)
{
	struct init_report *rep = &c->report;
	struct init_cp_at *to;
	struct cfg_at a;
	uint8_t type;
	struct rd r;

	if (wire_cp_parse(&type, &r, p) != 0 || type != CFG_REPLY)
		return (init_fail(c, ERR_SYNTAX, "CP"));
	while (wire_cp_next(&r, &a) == 0) {
		if (cp_address(rep, &a) != 0)
			return (init_fail(c, ERR_SYNTAX, "CP address"));
		if (rep->n_cp == INIT_CP)
			continue;
		to = &rep->cp[rep->n_cp++];
		to->type = a.type;
		to->len = (uint8_t)(a.len < sizeof(to->data) ? a.len :
		    sizeof(to->data));
		memcpy(to->data, a.data, to->len);
	}
	return (0);
}

/* RFC 7296 2.9: the responder may narrow, never widen. */
static int
parse_ts(struct tsel *v, size_t *n, const struct payload *p,
    const struct tsel *asked, size_t n_asked)
{
	size_t skipped, k;

	if (p == NULL || wire_ts_parse(v, INIT_TS, n, &skipped, p) != 0 ||
	    *n == 0)
		return (ERR_SYNTAX);
	for (size_t i = 0; n_asked != 0 && i < *n; i++) {
		for (k = 0; k < n_asked; k++)
			if (tsel_inside(&v[i], &asked[k]))
				break;
		if (k == n_asked)
			return (ERR_POLICY);
	}
	return (0);
}

static int
parse_child(struct init_client *c, const struct chain *ch)
{
	const struct payload *sa = wire_chain_get(ch, PL_SA, 0);
	struct init_child *k = &c->child;
	struct proposal p;
	struct rd spi;

	if (sa == NULL)
		return (0);
	if (chosen(&k->algs, &p, sa, sent_esp(c)) != 0 || p.spi_len != 4)
		return (init_fail(c, ERR_POLICY, "chosen ESP proposal"));
	rd_init(&spi, p.spi, p.spi_len);
	NEED(rd_u32(&spi, &k->spi_out) == 0);
	/* RFC 4303 2.1: 0 to 255 are reserved. */
	if (k->spi_out < 256)
		return (init_fail(c, ERR_RANGE, "the server's SPI"));
	if (parse_ts(k->ts_i, &k->n_ts_i, wire_chain_get(ch, PL_TSI, 0),
	    c->conf.ts_i, c->conf.n_ts_i) != 0 ||
	    parse_ts(k->ts_r, &k->n_ts_r, wire_chain_get(ch, PL_TSR, 0),
	    c->conf.ts_r, c->conf.n_ts_r) != 0)
		return (init_fail(c, ERR_POLICY, "selectors"));
	if (suite_encr(k->algs.encr, k->algs.encr_bits) == NULL)
		return (init_fail(c, ERR_UNSUP, "ESP suite"));
	NEED(keymat_child(&k->key_out, &k->key_in, suite_prf(c->algs.prf),
	    &c->keys.d, NULL, c->ni, c->ni_len, c->nr, c->nr_len,
	    suite_encr(k->algs.encr, k->algs.encr_bits),
	    suite_integ(k->algs.integ)) == 0);
	k->up = 1;
	return (0);
}

int
init_parse_auth(struct init_client *c, const struct chain *ch)
{
	const struct payload *idr = wire_chain_get(ch, PL_IDR, 0);
	const struct payload *auth = wire_chain_get(ch, PL_AUTH, 0);
	const struct payload *cp = wire_chain_get(ch, PL_CP, 0);
	uint8_t which;
	int err;

	if (wire_chain_legal(ch, LEGAL_AUTH_RESP, &which) != 0)
		return (init_fail(c, ERR_SYNTAX, "illegal payloads"));
	if (auth == NULL || idr == NULL)
		return (init_fail(c, ERR_AUTH, c->report.error != 0 ?
		    "error notify" : "no AUTH"));
	if ((err = verify_auth(c, ch, idr, auth)) != 0 ||
	    (cp != NULL && (err = parse_cp(c, cp)) != 0))
		return (err);
	return (parse_child(c, ch));
}
