/*
 * The machine of the hostile cases: a message as a list of payloads, edited
 * and written again with lengths that need not be true; and the verdict.
 */
#include "regress/lib/init_int.h"

#define ARENA (128 * 1024)

void
hm_read(struct hm *m, const struct chain *c)
{
	m->n = 0;
	m->next_of_last = -1;
	for (size_t i = 0; i < c->n; i++)
		m->v[m->n++] = (struct hm_payload){ .type = c->v[i].type,
			.p = c->v[i].body, .len = c->v[i].len, .say = -1 };
}

size_t
hm_write(const struct hm *m, uint8_t *first, uint8_t *out, size_t cap)
{
	const struct hm_payload *p;
	uint8_t next;
	struct wr w;

	wr_init(&w, out, cap);
	*first = m->n == 0 ? 0 : m->v[0].type;
	for (size_t i = 0; i < m->n; i++) {
		p = &m->v[i];
		next = i + 1 < m->n ? m->v[i + 1].type :
		    (uint8_t)(m->next_of_last >= 0 ? m->next_of_last : 0);
		NEED(wr_u8(&w, next) == 0 && wr_u8(&w, p->bits) == 0 &&
		    wr_u16(&w, (uint16_t)(p->say >= 0 ? (size_t)p->say :
		    p->len + 4)) == 0 && wr_copy(&w, p->p, p->len) == 0);
	}
	return (w.len);
}

struct hm_payload *
hm_find(struct hm *m, uint8_t type)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].type == type)
			return (&m->v[i]);
	return (NULL);
}

static uint8_t *
arena(struct hm *m, size_t len)
{
	uint8_t *p = m->arena + m->used;

	NEED(m->cap - m->used >= len);
	m->used += len;
	memset(p, 0, len);
	return (p);
}

struct hm_payload *
hm_insert(struct hm *m, size_t i, uint8_t type, const void *p, size_t len)
{
	uint8_t *body = arena(m, len);

	NEED(m->n < HM_PAYLOADS);
	if (i > m->n)
		i = m->n;
	if (len != 0)
		memcpy(body, p, len);
	memmove(&m->v[i + 1], &m->v[i], (m->n - i) * sizeof(m->v[0]));
	m->n++;
	m->v[i] = (struct hm_payload){ .type = type, .p = body, .len = len,
		.say = -1 };
	return (&m->v[i]);
}

void
hm_remove(struct hm *m, uint8_t type)
{
	struct hm_payload *p = hm_find(m, type);
	size_t i;

	if (p == NULL)
		return;
	i = (size_t)(p - m->v);
	m->n--;
	memmove(&m->v[i], &m->v[i + 1], (m->n - i) * sizeof(m->v[0]));
}

uint8_t *
hm_body(struct hm *m, struct hm_payload *p, size_t len)
{
	uint8_t *body = arena(m, len);

	memcpy(body, p->p, p->len < len ? p->len : len);
	p->p = body;
	p->len = len;
	return (body);
}

void
hm_sa(struct hm *m, uint8_t proto, const char *text)
{
	struct proposal_out v[INIT_PROPOSALS];
	struct hm_payload *sa = hm_find(m, PL_SA);
	static uint8_t buf[8192];
	struct chain_wr cw;
	struct wr w;
	int n;

	NEED(sa != NULL);
	NEED((n = init_proposals(v, INIT_PROPOSALS, proto, text)) > 0);
	/* The SPI of the honest proposal stays. */
	for (int i = 0; i < n && sa->p[6] == 4; i++) {
		v[i].spi_len = 4;
		memcpy(v[i].spi, sa->p + 8, 4);
	}
	wr_init(&w, buf, sizeof(buf));
	NEED(wr_u8(&w, 0) == 0);
	wire_put_start(&cw, &w, 0);
	NEED(wire_put_sa(&cw, v, (size_t)n) == 0);
	memcpy(hm_body(m, sa, w.len - 5), buf + 5, w.len - 5);
}

void
hm_ke(struct hm *m, uint16_t group, uint8_t fill, size_t len)
{
	struct hm_payload *ke = hm_find(m, PL_KE);
	uint8_t *p;

	NEED(ke != NULL);
	p = hm_body(m, ke, 4 + len);
	p[0] = (uint8_t)(group >> 8);
	p[1] = (uint8_t)group;
	memset(p + 4, fill, len);
}

void
init_hostile_edit(struct init_client *c, enum init_stage stage,
    const struct ike_hdr *h, uint8_t *first, uint8_t *buf, size_t *len,
    size_t cap)
{
	const struct init_hostile *hs = c->conf.hostile;
	static uint8_t out[INIT_MSG_MAX];
	static struct chain ch;
	static struct hm m;

	NEED(hs != NULL && hs->stage == stage);
	if (hs->edit == NULL)
		return;
	NEED(wire_chain_parse(&ch, *first, buf, *len) == 0);
	memset(&m, 0, sizeof(m));
	NEED((m.arena = malloc(ARENA)) != NULL);
	m.cap = ARENA;
	m.h = *h;
	hm_read(&m, &ch);
	hs->edit(&m);
	*len = hm_write(&m, first, out, cap < sizeof(out) ? cap :
	    sizeof(out));
	memcpy(buf, out, *len);
	free(m.arena);
}

const struct init_hostile *
init_hostile(const char *name)
{
	const struct init_hostile *h;

	for (size_t i = 0; (h = init_hostile_at(i)) != NULL; i++)
		if (strcmp(h->name, name) == 0)
			return (h);
	return (NULL);
}

/* The case's own notify, or any error where the row names none. */
static int
saw_notify(const struct init_client *c)
{
	uint16_t want = c->conf.hostile->notify;

	if (want == 0)
		return (c->report.error != 0);
	return (c->report.error == want);
}

static unsigned int
verdict_later(const struct init_client *c)
{
	if (c->waiting)
		return (HX_SILENCE);
	if (saw_notify(c))
		return (HX_NOTIFY | (c->state == INIT_UP ? 0 : HX_CLOSED));
	if (c->state != INIT_UP)
		return (HX_CLOSED);
	return (c->report.error == 0 ? HX_ANSWER : 0);
}

unsigned int
init_hostile_verdict(const struct init_client *c)
{
	enum init_stage stage = c->conf.hostile->stage;
	unsigned int v = saw_notify(c) ? HX_NOTIFY : 0;

	if (stage == HS_INFO || stage == HS_INFO_RAW || stage == HS_CHILD)
		return (c->resp_n > 1 || c->waiting || c->state != INIT_UP ?
		    verdict_later(c) : 0);
	switch (c->state) {
	case INIT_WAIT_INIT:
		return (v | (c->report.received + c->report.strays == 0 ?
		    HX_SILENCE : 0));
	case INIT_WAIT_AUTH:
		return (v | HX_SILENCE);
	case INIT_UP:
		if (c->child.up)
			return (v | HX_UP);
		return (v | HX_NO_CHILD);
	case INIT_CLOSED:
		return (v | HX_CLOSED);
	default:
		return (v);
	}
}
