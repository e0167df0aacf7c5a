/*
 * The initiator's exchanges: what is out, what is awaited, what is sent again,
 * and the server's own requests. In: datagrams and the time; out: datagrams.
 */
#include "privsep/crypto/prf.h"
#include "regress/lib/init_int.h"

void
init_random(struct init_client *c, void *p, size_t len)
{
	if (c->conf.random != NULL)
		c->conf.random(c->conf.random_arg, p, len);
	else
		rand_bytes(p, len);
}

const char *
init_state_name(enum init_state s)
{
	static const char *const names[] = { "idle", "wait_init", "wait_auth",
		"up", "closed", "failed" };

	return (names[s]);
}

struct init_client *
init_new(const struct init_conf *conf)
{
	struct init_client *c = calloc(1, sizeof(*c));

	NEED(c != NULL);
	c->conf = *conf;
	if (c->conf.natt_port == 0)
		c->conf.natt_port = 4500;
	if (c->conf.natt_local == 0)
		c->conf.natt_local = 4500;
	if (c->conf.tries == 0)
		c->conf.tries = 6;
	if (c->conf.first_ms == 0)
		c->conf.first_ms = 1000;
	if (c->conf.psk == NULL)
		c->conf.psk = "";
	c->shape = conf->shape != NULL ? conf->shape : init_shape_at(0);
	return (c);
}

static void
out_free(struct init_client *c)
{
	struct init_dgram d;

	while (init_out(c, &d))
		free(d.p);
}

void
init_free(struct init_client *c)
{
	if (c == NULL)
		return;
	out_free(c);
	init_set_free(&c->request);
	init_set_free(&c->answer);
	init_frags_free(&c->frags);
	aead_free(c->seal);
	aead_free(c->open);
	kex_free(c->kex);
	ike_keys_free(&c->keys);
	secret_free(&c->child.key_in);
	secret_free(&c->child.key_out);
	free(c->msg1);
	free(c->msg2);
	free(c->resp_bytes);
	free(c);
}

/* ---- datagrams out ---- */
static void
queue(struct init_client *c, const struct init_set *s)
{
	size_t cap = sizeof(c->outq) / sizeof(c->outq[0]);
	struct init_dgram *d;

	for (size_t i = 0; i < s->n; i++) {
		if (c->out_n == cap)
			return; /* a full wire loses packets */
		d = &c->outq[(c->out_head + c->out_n++) % cap];
		*d = s->v[i];
		NEED((d->p = malloc(s->v[i].len + 1)) != NULL);
		memcpy(d->p, s->v[i].p, s->v[i].len);
		c->report.sent++;
	}
}

int
init_out(struct init_client *c, struct init_dgram *d)
{
	if (c->out_n == 0)
		return (0);
	*d = c->outq[c->out_head];
	c->out_head = (c->out_head + 1) %
	    (sizeof(c->outq) / sizeof(c->outq[0]));
	c->out_n--;
	return (1);
}

static void
send_request(struct init_client *c, uint64_t now_ms, uint8_t exchange)
{
	queue(c, &c->request);
	c->waiting = 1;
	c->awaited = exchange;
	c->tries = 1;
	c->next_ms = now_ms + c->conf.first_ms;
}

void
init_resend(struct init_client *c)
{
	if (!c->waiting)
		return;
	c->report.resent++;
	queue(c, &c->request);
}

void
init_timer(struct init_client *c, uint64_t now_ms)
{
	if (!c->waiting || now_ms < c->next_ms)
		return;
	if (c->tries >= c->conf.tries) {
		c->waiting = 0;
		if (c->closing) {
			c->state = INIT_CLOSED;
		} else {
			init_fail(c, 0, "no answer");
			c->state = INIT_FAILED;
		}
		return;
	}
	init_resend(c);
	c->next_ms = now_ms + ((uint64_t)c->conf.first_ms << c->tries);
	c->tries++;
}

/* ---- requests ---- */
static struct ike_hdr
header(const struct init_client *c, uint8_t exchange, uint32_t msgid)
{
	struct ike_hdr h = {
		.spi_i = c->spi_i, .spi_r = c->spi_r, .version = 0x20,
		.exchange = exchange, .flags = IKE_F_I, .msgid = msgid
	};

	return (h);
}

static int
is_stage(const struct init_client *c, enum init_stage stage)
{
	return (c->conf.hostile != NULL && c->conf.hostile->stage == stage);
}

/* The message in c->request as the case spoils it; msg1 follows. */
static void
spoil_raw(struct init_client *c, struct init_dgram *d)
{
	uint8_t *p;

	NEED((p = malloc(INIT_MSG_MAX)) != NULL);
	memcpy(p, d->p, d->len);
	d->len = c->conf.hostile->raw(p, d->len, INIT_MSG_MAX);
	free(d->p);
	d->p = p;
}

/* A spoilt copy goes out before the message itself. */
static void
send_bad_copy(struct init_client *c)
{
	struct init_dgram *good = &c->request.v[0];
	struct init_set bad = { .n = 1 };

	bad.v[0] = *good;
	NEED((bad.v[0].p = malloc(good->len)) != NULL);
	memcpy(bad.v[0].p, good->p, good->len);
	spoil_raw(c, &bad.v[0]);
	queue(c, &bad);
	init_set_free(&bad);
}

static void
send_init(struct init_client *c, uint64_t now_ms)
{
	struct ike_hdr h = header(c, EX_IKE_SA_INIT, 0);
	static uint8_t chain[INIT_MSG_MAX];
	struct init_dgram *d;
	size_t len;
	struct wr w;

	c->spi_r = h.spi_r = 0;
	wr_init(&w, chain, sizeof(chain));
	init_build_init(c, &w);
	len = w.len - 1;
	if (is_stage(c, HS_INIT))
		init_hostile_edit(c, HS_INIT, &h, &chain[0], chain + 1, &len,
		    sizeof(chain) - IKE_HDR_LEN - 1);
	init_set_free(&c->request);
	c->request.n = 1;
	d = &c->request.v[0];
	d->from = c->local;
	d->to = c->server;
	d->natt = c->natt;
	d->len = IKE_HDR_LEN + len;
	NEED((d->p = malloc(d->len)) != NULL);
	wr_init(&w, d->p, d->len);
	h.next = chain[0];
	h.length = (uint32_t)d->len;
	NEED(wire_hdr_build(&w, &h) == 0 && wr_copy(&w, chain + 1, len) == 0);
	if (is_stage(c, HS_INIT_RAW))
		spoil_raw(c, d);
	free(c->msg1);
	NEED((c->msg1 = malloc(d->len + 1)) != NULL);
	memcpy(c->msg1, d->p, d->len);
	c->len1 = d->len;
	c->state = INIT_WAIT_INIT;
	send_request(c, now_ms, EX_IKE_SA_INIT);
}

/* A protected request of ours from a chain. */
static void
send_protected(struct init_client *c, uint64_t now_ms, uint8_t exchange,
    uint8_t first, const uint8_t *chain, size_t len)
{
	struct ike_hdr h = header(c, exchange, c->msgid);

	init_set_free(&c->request);
	init_sk_seal(c, &c->request, &h, first, chain, len);
	if ((exchange == EX_IKE_AUTH && is_stage(c, HS_AUTH_RAW)) ||
	    (exchange == EX_INFORMATIONAL && is_stage(c, HS_INFO_RAW) &&
	    !c->hostile_done++))
		send_bad_copy(c);
	send_request(c, now_ms, exchange);
}

static void
send_auth(struct init_client *c, uint64_t now_ms)
{
	struct ike_hdr h = header(c, EX_IKE_AUTH, 1);
	static uint8_t chain[INIT_MSG_MAX];
	uint32_t spi;
	size_t len;
	struct wr w;

	do {
		init_random(c, &spi, sizeof(spi));
	} while (spi < 256);
	c->child.spi_in = spi;
	for (size_t i = 0; i < c->n_esp; i++) {
		c->esp[i].spi_len = 4;
		wr_init(&w, c->esp[i].spi, sizeof(c->esp[i].spi));
		NEED(wr_u32(&w, spi) == 0);
	}
	wr_init(&w, chain, sizeof(chain));
	init_build_auth(c, &w);
	len = w.len - 1;
	if (is_stage(c, HS_AUTH))
		init_hostile_edit(c, HS_AUTH, &h, &chain[0], chain + 1, &len,
		    sizeof(chain) - 512);
	c->msgid = 1;
	c->state = INIT_WAIT_AUTH;
	send_protected(c, now_ms, EX_IKE_AUTH, chain[0], chain + 1, len);
}

static int
new_group(struct init_client *c, uint16_t group)
{
	const struct kex_alg *alg = suite_kex(group);

	if (alg == NULL)
		return (ERR_CONF);
	kex_free(c->kex);
	c->kex = NULL;
	NEED(kex_new(&c->kex, alg) == 0);
	c->group = group;
	return (0);
}

int
init_start(struct init_client *c, uint64_t now_ms)
{
	const char *ike = c->conf.ike != NULL ? c->conf.ike : c->shape->ike;
	const char *esp = c->conf.esp != NULL ? c->conf.esp : c->shape->esp;
	int n;

	if (c->state != INIT_IDLE)
		return (ERR_STATE);
	if ((n = init_proposals(c->ike, INIT_PROPOSALS, PROTO_IKE, ike)) < 1)
		return (ERR_CONF);
	c->n_ike = (size_t)n;
	if ((n = init_proposals(c->esp, INIT_PROPOSALS, PROTO_ESP, esp)) < 1)
		return (ERR_CONF);
	c->n_esp = (size_t)n;
	if (c->conf.idi == NULL || init_build_id(c->idi, sizeof(c->idi),
	    &c->idi_len, c->conf.idi) != 0 ||
	    new_group(c, c->conf.group != 0 ? c->conf.group :
	    c->shape->group) != 0)
		return (ERR_CONF);
	c->local = c->conf.local;
	c->server = c->conf.server;
	if (c->conf.start_4500) {
		c->natt = 1;
		c->local.port = c->conf.natt_local;
		c->server.port = c->conf.natt_port;
	}
	c->ni_len = c->conf.nonce_len != 0 ? c->conf.nonce_len : 32;
	if (c->ni_len > sizeof(c->ni))
		return (ERR_CONF);
	init_random(c, c->ni, c->ni_len);
	do {
		init_random(c, &c->spi_i, sizeof(c->spi_i));
	} while (c->spi_i == 0);
	send_init(c, now_ms);
	return (0);
}

int
init_request(struct init_client *c, uint64_t now_ms, uint8_t exchange,
    uint8_t first, const uint8_t *chain, size_t len)
{
	if (c->state != INIT_UP || c->waiting)
		return (ERR_STATE);
	send_protected(c, now_ms, exchange, first, chain, len);
	return (0);
}

int
init_dpd(struct init_client *c, uint64_t now_ms)
{
	return (init_request(c, now_ms, EX_INFORMATIONAL, 0,
	    (const uint8_t *)"", 0));
}

int
init_delete_child(struct init_client *c, uint64_t now_ms)
{
	struct chain_wr cw;
	uint8_t b[32];
	struct wr w;

	wr_init(&w, b, sizeof(b));
	NEED(wr_u8(&w, 0) == 0);
	wire_put_start(&cw, &w, 0);
	NEED(wire_put_delete_esp(&cw, &c->child.spi_in, 1) == 0);
	return (init_request(c, now_ms, EX_INFORMATIONAL, b[0], b + 1,
	    w.len - 1));
}

int
init_delete_ike(struct init_client *c, uint64_t now_ms)
{
	struct chain_wr cw;
	uint8_t b[32];
	struct wr w;
	int err;

	wr_init(&w, b, sizeof(b));
	NEED(wr_u8(&w, 0) == 0);
	wire_put_start(&cw, &w, 0);
	NEED(wire_put_delete_ike(&cw) == 0);
	if ((err = init_request(c, now_ms, EX_INFORMATIONAL, b[0], b + 1,
	    w.len - 1)) == 0)
		c->closing = 1;
	return (err);
}

int
init_hostile_send(struct init_client *c, uint64_t now_ms)
{
	const struct init_hostile *hs = c->conf.hostile;
	static uint8_t chain[INIT_MSG_MAX];
	uint8_t exchange = EX_INFORMATIONAL;
	struct ike_hdr h;
	size_t len = 0;
	struct wr w;

	if (c->state != INIT_UP || c->waiting || hs == NULL)
		return (ERR_STATE);
	c->report.error = 0;
	if (hs->stage == HS_INFO_RAW)
		return (init_dpd(c, now_ms));
	chain[0] = 0;
	if (hs->stage == HS_CHILD) {
		exchange = EX_CREATE_CHILD_SA;
		wr_init(&w, chain, sizeof(chain));
		init_build_child(c, &w);
		len = w.len - 1;
	}
	h = header(c, exchange, c->msgid);
	init_hostile_edit(c, hs->stage, &h, &chain[0], chain + 1, &len,
	    sizeof(chain) - 512);
	return (init_request(c, now_ms, exchange, chain[0], chain + 1, len));
}

/* ---- answers ---- */
static void
failed(struct init_client *c)
{
	c->state = INIT_FAILED;
	c->waiting = 0;
}

/* COOKIE and INVALID_KE_PAYLOAD: once more, at most a few times. */
static int
init_again(struct init_client *c, uint64_t now_ms, const struct chain *ch)
{
	struct notify n;
	uint16_t group;

	if (wire_find_notify(ch, NT_COOKIE, 0, &n) == 0) {
		if (n.len == 0 || n.len > sizeof(c->cookie) ||
		    ++c->report.cookies > 4)
			return (0);
		memcpy(c->cookie, n.data, n.len);
		c->cookie_len = n.len;
		send_init(c, now_ms);
		return (1);
	}
	if (wire_find_notify(ch, NT_INVALID_KE_PAYLOAD, 0, &n) != 0 ||
	    n.len != 2 || ++c->report.invalid_ke > 3)
		return (0);
	group = (uint16_t)(n.data[0] << 8 | n.data[1]);
	if (new_group(c, group) != 0)
		return (0);
	c->report.error = 0;
	if (c->conf.forget_cookie)
		c->cookie_len = 0;
	send_init(c, now_ms);
	return (1);
}

static void
on_init(struct init_client *c, uint64_t now_ms, const struct ike_hdr *h,
    const struct init_dgram *d)
{
	static struct chain ch;

	if (wire_chain_parse(&ch, h->next, d->p + IKE_HDR_LEN,
	    d->len - IKE_HDR_LEN) != 0)
		return;
	init_note_notifies(c, EX_IKE_SA_INIT, &ch);
	if (init_again(c, now_ms, &ch))
		return;
	if (c->report.error != 0) {
		/* RFC 7296 2.6: an answer without state has SPIr 0. */
		init_fail(c, 0, h->spi_r == 0 ? "error notify" :
		    "error notify with an SPI");
		failed(c);
		return;
	}
	c->spi_r = h->spi_r;
	free(c->msg2);
	NEED((c->msg2 = malloc(d->len)) != NULL);
	memcpy(c->msg2, d->p, d->len);
	c->len2 = d->len;
	if (init_parse_init(c, &ch) != 0) {
		failed(c);
		return;
	}
	c->waiting = 0;
	send_auth(c, now_ms);
}

/* The opened chain of our request's answer stands in c->resp. */
static void
on_response(struct init_client *c)
{
	uint8_t exchange = c->awaited;

	c->waiting = 0;
	c->msgid++;
	c->resp_n++;
	c->resp_exchange = exchange;
	init_note_notifies(c, exchange, &c->resp);
	if (exchange == EX_IKE_AUTH) {
		if (init_parse_auth(c, &c->resp) != 0)
			failed(c);
		else
			c->state = INIT_UP;
		return;
	}
	if (c->closing)
		c->state = INIT_CLOSED;
	/* RFC 7296 2.21.3: INVALID_SYNTAX is fatal for the IKE SA. */
	if (c->report.error == NT_INVALID_SYNTAX)
		c->state = INIT_CLOSED;
}

/* ---- the server's requests ---- */
static void
on_delete(struct init_client *c, const struct payload *p, struct chain_wr *cw)
{
	struct del d;
	uint32_t spi;

	if (wire_delete_parse(&d, p) != 0)
		return;
	if (d.proto == PROTO_IKE) {
		c->state = INIT_CLOSED;
		return;
	}
	while (d.proto == PROTO_ESP && rd_u32(&d.spis, &spi) == 0)
		if (c->child.up && spi == c->child.spi_out) {
			c->child.up = 0;
			NEED(wire_put_delete_esp(cw, &c->child.spi_in,
			    1) == 0);
		}
}

static void
on_request(struct init_client *c, const struct ike_hdr *rh,
    const struct chain *ch)
{
	struct ike_hdr h = header(c, rh->exchange, rh->msgid);
	uint8_t b[256];
	struct chain_wr cw;
	struct wr w;

	h.flags |= IKE_F_R;
	c->report.server_requests++;
	init_note_notifies(c, rh->exchange, ch);
	wr_init(&w, b, sizeof(b));
	NEED(wr_u8(&w, 0) == 0);
	wire_put_start(&cw, &w, 0);
	if (rh->exchange != EX_INFORMATIONAL)
		NEED(wire_put_notify(&cw, 0, NULL, 0, NT_NO_ADDITIONAL_SAS,
		    NULL, 0) == 0);
	for (size_t i = 0; i < ch->n && i < 8; i++)
		if (ch->v[i].type == PL_DELETE)
			on_delete(c, &ch->v[i], &cw);
	init_set_free(&c->answer);
	init_sk_seal(c, &c->answer, &h, b[0], b + 1, w.len - 1);
	c->peer_msgid++;
	queue(c, &c->answer);
}

/* Is it one that we wait for, or one that we are to answer? */
static int
expected(struct init_client *c, const struct ike_hdr *h)
{
	if (h->flags & IKE_F_R)
		return (c->waiting && h->exchange == c->awaited &&
		    h->msgid == c->msgid);
	return (h->msgid == c->peer_msgid || h->msgid + 1 == c->peer_msgid);
}

static void
on_protected(struct init_client *c, const struct ike_hdr *h,
    const struct init_dgram *d)
{
	const struct payload *sk;
	static struct chain outer, inner;
	uint8_t *plain, first;
	size_t len;
	int err;

	if (c->open == NULL || !expected(c, h) ||
	    wire_chain_parse(&outer, h->next, d->p + IKE_HDR_LEN,
	    d->len - IKE_HDR_LEN) != 0 || outer.n != 1)
		return;
	sk = &outer.v[0];
	if (sk->type != PL_SK && sk->type != PL_SKF)
		return;
	if ((err = init_sk_open(c, h, sk, d->p, &plain, &len, &first)) != 0) {
		c->report.bad_icv += err == ERR_AUTH;
		return;
	}
	if (!(h->flags & IKE_F_R) && h->msgid != c->peer_msgid) {
		c->report.server_resent++;
		queue(c, &c->answer);
	} else if (wire_chain_parse(&inner, first, plain, len) != 0) {
		init_fail(c, 0, "the server's payloads");
		failed(c);
	} else if (h->flags & IKE_F_R) {
		free(c->resp_bytes);
		c->resp_bytes = plain;
		c->resp = inner;
		on_response(c);
		return;
	} else {
		on_request(c, h, &inner);
	}
	free(plain);
}

void
init_input(struct init_client *c, uint64_t now_ms, const struct init_dgram *d)
{
	struct ike_hdr h;

	if (wire_hdr_parse(&h, d->p, d->len) != 0 ||
	    wire_hdr_check(&h, d->len) != 0 || h.spi_i != c->spi_i ||
	    (h.flags & IKE_F_I) || c->state == INIT_IDLE) {
		c->report.strays++;
		return;
	}
	c->report.received++;
	if (c->state == INIT_WAIT_INIT) {
		if (h.exchange == EX_IKE_SA_INIT && (h.flags & IKE_F_R) &&
		    h.msgid == 0)
			on_init(c, now_ms, &h, d);
		return;
	}
	if (h.spi_r == c->spi_r && (c->state == INIT_WAIT_AUTH ||
	    c->state == INIT_UP))
		on_protected(c, &h, d);
}

const struct init_notify *
init_saw(const struct init_client *c, uint16_t type)
{
	for (size_t i = 0; i < c->report.n_n; i++)
		if (c->report.n[i].type == type)
			return (&c->report.n[i]);
	return (NULL);
}
