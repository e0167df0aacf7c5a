/*
 * Shared keys (DESIGN 1; RFC 7296 2.15). In: SHARED_AUTH_REQ of a net worker;
 * out: SHARED_AUTH_ANS, and the vouch. No request returns a MAC without a
 * verified one, and an unknown identity costs the same time as a wrong key.
 */
#include "privsep/parent/shared.h"

#include <stdio.h>
#include <string.h>

#include "privsep/base/log.h"
#include "privsep/crypto/keymat.h"
#include "privsep/parent/vouch.h"

#define IKE_HDR_LEN 28
#define EXCHANGE_IKE_SA_INIT 34
#define FLAG_I 0x08
#define FLAG_R 0x20
#define ID_TXT_MAX 255 /* what VOUCH carries */

struct hdr {
	uint64_t spi_i, spi_r;
	uint8_t flags;
};

/* The fixed part of what both messages must look like. */
static int
hdr_read(const uint8_t *p, size_t len, struct hdr *h)
{
	uint32_t msgid, mlen;
	uint8_t next, version, exchange;
	struct rd r;

	rd_init(&r, p, len);
	if (rd_u64(&r, &h->spi_i) || rd_u64(&r, &h->spi_r) ||
	    rd_u8(&r, &next) || rd_u8(&r, &version) || rd_u8(&r, &exchange) ||
	    rd_u8(&r, &h->flags) || rd_u32(&r, &msgid) || rd_u32(&r, &mlen))
		return (ERR_SHORT);
	if (version >> 4 != 2 || exchange != EXCHANGE_IKE_SA_INIT ||
	    msgid != 0 || mlen != len || h->spi_i == 0)
		return (ERR_SYNTAX);
	return (0);
}

static int
is_answer(const struct hdr *h)
{
	return (!(h->flags & FLAG_I) && (h->flags & FLAG_R) && h->spi_r != 0);
}

int
shared_shape_ok(const uint8_t *msg1, size_t len1, const uint8_t *msg2,
    size_t len2)
{
	struct hdr a, b;

	if (hdr_read(msg1, len1, &a) != 0 || hdr_read(msg2, len2, &b) != 0)
		return (0);
	if (!(a.flags & FLAG_I) || (a.flags & FLAG_R) || a.spi_r != 0)
		return (0);
	return (is_answer(&b) && a.spi_i == b.spi_i);
}

int
shared_msg2_ok(const uint8_t *msg2, size_t len2)
{
	struct hdr b;

	return (hdr_read(msg2, len2, &b) == 0 && is_answer(&b));
}

int
shared_client_matches(const struct conf_policy *po, const char *id)
{
	int hit = po->n_client_ids == 0;

	for (size_t i = 0; i < po->n_client_ids; i++)
		hit |= conf_id_match(po->client_ids[i], id) != 0;
	return (hit);
}

/* How far a policy went; the farthest of all is what the operator is told. */
enum fit { FIT_NONE, FIT_IDR, FIT_CLIENT, FIT_METHOD, FIT_KEY };

static enum fit
policy_fit(const struct conf_policy *po, const char *idi, const char *idr,
    const struct secret **key)
{
	int server = idr[0] == '\0' || conf_id_match(po->server_id, idr);
	int client = shared_client_matches(po, idi);

	*key = conf_psk_find(po, idi);
	if (!server)
		return (FIT_NONE);
	if (!client)
		return (FIT_IDR);
	if (po->auth != CONF_AUTH_PSK)
		return (FIT_CLIENT);
	return (*key == NULL ? FIT_METHOD : FIT_KEY);
}

void
shared_choose(const struct conf *c, const char *idi, const char *idr,
    struct shared_choice *out)
{
	static const enum why whys[] = { [FIT_NONE] = WHY_IDR_UNKNOWN,
		[FIT_IDR] = WHY_ID_UNKNOWN, [FIT_CLIENT] = WHY_METHOD,
		[FIT_METHOD] = WHY_ID_UNKNOWN, [FIT_KEY] = WHY_OK };
	enum fit fit, best = FIT_NONE;
	const struct secret *key;

	out->policy = 0;
	out->key = NULL;
	out->idr_len = 0;
	for (size_t i = 0; i < c->n_policies; i++) {
		fit = policy_fit(&c->policies[i], idi, idr, &key);
		if (fit <= best)
			continue;
		best = fit;
		if (fit == FIT_KEY) {
			out->policy = (uint16_t)i;
			out->key = key;
		}
	}
	out->why = whys[best];
	if (out->why == WHY_OK && conf_id_body(c->policies[out->policy].server_id,
	    out->idr, sizeof(out->idr), &out->idr_len) != 0)
		out->why = WHY_INTERNAL_PARENT;
}

/* What must hold whoever the client is; only a broken net fails here. */
static enum why
check_request(const struct msg_shared_auth_req *q, const struct prf_alg *prf)
{
	if (!shared_shape_ok(q->msg1.p, q->msg1.len, q->msg2.p, q->msg2.len))
		return (WHY_PROTOCOL);
	if (prf == NULL || q->sk_pi.len != prf->key_len ||
	    q->sk_pr.len != prf->key_len || q->ni.len < SHARED_NI_MIN)
		return (WHY_PROTOCOL);
	/* RFC 9242 IntAuth: no IKE_INTERMEDIATE in this build. */
	if (q->int_auth.len != 0)
		return (WHY_PROTOCOL);
	/* An ID payload body: type, three reserved, data. */
	if (q->idi.len < 4 || (q->idr.len != 0 && q->idr.len < 4))
		return (WHY_SYNTAX);
	return (WHY_OK);
}

static int
request_parts(const struct msg_shared_auth_req *q, struct ticket_parts *parts)
{
	struct piece ni = { q->ni.p, q->ni.len };
	struct piece idi = { q->idi.p, q->idi.len };
	struct piece idr = { q->idr.p, q->idr.len };
	int r;

	if ((r = ticket_init_hash(q->msg1.p, q->msg1.len, q->msg2.p,
	    q->msg2.len, parts->init_hash)) != 0)
		return (r);
	if ((r = hash_sha256(&ni, 1, parts->ni_hash)) != 0 ||
	    (r = hash_sha256(&idi, 1, parts->idi_hash)) != 0)
		return (r);
	return (hash_sha256(&idr, 1, parts->idr_hash));
}

/* The ticket: this sender's, this nonce, these parts, not verified yet. */
static enum why
use_ticket(struct parent *p, struct ticket *t,
    const struct msg_shared_auth_req *q)
{
	struct ticket_parts parts;

	if (t == NULL || !ct_eq(t->nr, q->nr, NR_LEN))
		return (WHY_TICKET);
	if (request_parts(q, &parts) != 0)
		return (WHY_INTERNAL_PARENT);
	if (ticket_bind(&p->tickets, t, &parts, parent_now(p) + LOGIN_MS) != 0)
		return (WHY_TICKET);
	if (ticket_verify_once(t) != 0)
		return (WHY_TICKET);
	return (WHY_OK);
}

/* RFC 7296 2.15: "prf( prf(Shared Secret, "Key Pad for IKEv2"),
 * <InitiatorSignedOctets>)". The nonce in them is the ticket's own. */
static int
verify(const struct parent *p, const struct ticket *t,
    const struct msg_shared_auth_req *q, const struct prf_alg *prf,
    const struct secret *key)
{
	const struct secret *k = key != NULL ? key : &p->dummy_psk;
	struct piece msg = { q->msg1.p, q->msg1.len };
	struct piece nonce = { t->nr, NR_LEN };
	struct piece id = { q->idi.p, q->idi.len };
	struct piece none = { NULL, 0 };
	uint8_t mac[PRF_OUT_MAX], got[PRF_OUT_MAX] = { 0 };
	int ok;

	if (auth_shared(prf, k->p, k->len, &msg, &nonce, q->sk_pi.p,
	    q->sk_pi.len, &id, &none, mac) != 0)
		return (0);
	if (q->auth.len == prf->out_len)
		memcpy(got, q->auth.p, prf->out_len);
	ok = ct_eq(mac, got, prf->out_len);
	wipe(mac, sizeof(mac));
	/* The dummy is random: this "and" is not what keeps strangers out. */
	return (ok && key != NULL && q->auth.len == prf->out_len);
}

/* Our AUTH over message 2, after the client's was verified. */
static int
answer(const struct msg_shared_auth_req *q, const struct prf_alg *prf,
    const struct shared_choice *ch, struct msg_shared_auth_ans *a)
{
	struct piece msg = { q->msg2.p, q->msg2.len };
	struct piece nonce = { q->ni.p, q->ni.len };
	struct piece id = { ch->idr, ch->idr_len };
	struct piece none = { NULL, 0 };
	uint8_t mac[PRF_OUT_MAX];
	int r;

	if ((r = auth_shared(prf, ch->key->p, ch->key->len, &msg, &nonce,
	    q->sk_pr.p, q->sk_pr.len, &id, &none, mac)) != 0)
		return (r);
	memcpy(a->auth.p, mac, prf->out_len);
	a->auth.len = prf->out_len;
	memcpy(a->idr.p, ch->idr, ch->idr_len);
	a->idr.len = (uint16_t)ch->idr_len;
	wipe(mac, sizeof(mac));
	return (0);
}

/* Everything between a usable ticket and the answer. */
static enum why
judge(struct parent *p, struct ticket *t, const struct msg_shared_auth_req *q,
    const struct prf_alg *prf, char *idi, struct msg_shared_auth_ans *a)
{
	const struct conf_policy *po;
	struct shared_choice ch;
	char idr[ID_TXT_MAX + 3];
	struct txt txt;
	int ok;

	txt_init(&txt, idr, sizeof(idr));
	if (q->idr.len != 0)
		conf_id_txt(&txt, q->idr.p, q->idr.len);
	shared_choose(p->conf, idi, idr, &ch);
	/* A name that was cut could be anybody's. */
	if (strlen(idi) > ID_TXT_MAX || strlen(idr) > ID_TXT_MAX) {
		ch.why = WHY_ID_UNKNOWN;
		ch.key = NULL;
	}
	ok = verify(p, t, q, prf, ch.key);
	if (ch.why != WHY_OK)
		return (ch.why);
	if (!ok)
		return (WHY_PSK_MISMATCH);
	po = &p->conf->policies[ch.policy];
	/* net says how weak the proposal is; the prf we see for ourselves. */
	if (!(q->suites & (1u << po->suite)) || !(prf->suites & (1u << po->suite)))
		return (WHY_SUITE);
	if (answer(q, prf, &ch, a) != 0)
		return (WHY_INTERNAL_PARENT);
	/* However it is written, it is one user: one limit, one lease. */
	conf_id_fold(idi);
	if (vouch_add(p, t, MSG_METHOD_PSK, idi, ch.policy) != 0) {
		wipe(&a->auth, sizeof(a->auth));
		return (WHY_INTERNAL_PARENT);
	}
	a->policy = ch.policy;
	return (WHY_OK);
}

static void
log_verdict(const struct msg_shared_auth_req *q, const char *idi,
    enum why why)
{
	char b[SID_TXT], peer[ADDR_STRLEN];

	sid_txt(q->sid, b);
	addr_str(&q->peer, peer, sizeof(peer));
	if (why == WHY_OK)
		log_debug("sa=%s parent.auth.yes peer=%s id=%s method=psk", b,
		    peer, idi);
	else
		log_warn_rate(20, "sa=%s parent.auth.refused peer=%s id=%s "
		    "why=%s", b, peer, idi, why_name(why));
}

void
shared_auth(struct parent *p, struct ticket *t,
    const struct msg_shared_auth_req *q, struct msg *ans)
{
	const struct prf_alg *prf = suite_prf(q->prf);
	struct msg_shared_auth_ans *a;
	char idi[ID_TXT_MAX + 3];
	enum why why;
	struct txt txt;

	msg_init(ans, MSG_SHARED_AUTH_ANS);
	a = &ans->u.shared_auth_ans;
	memcpy(a->sid, q->sid, SID_LEN);
	txt_init(&txt, idi, sizeof(idi));
	conf_id_txt(&txt, q->idi.p, q->idi.len);
	if ((why = check_request(q, prf)) == WHY_OK &&
	    (why = use_ticket(p, t, q)) == WHY_OK)
		why = judge(p, t, q, prf, idi, a);
	if (why == WHY_TICKET)
		p->stat[PSTAT_TICKET_REFUSED]++;
	p->stat[why == WHY_OK ? PSTAT_LOGIN_YES : PSTAT_LOGIN_NO]++;
	log_verdict(q, idi, why);
	a->why = (uint16_t)why;
	a->verdict = why == WHY_OK ? MSG_YES :
	    why == WHY_INTERNAL_PARENT ? MSG_INTERNAL : MSG_REFUSED;
}
