/*
 * The parent's messages, paced (see out.h). In: messages of the authority;
 * out: the same, at most a window of them to one process between two ticks.
 */
#include "privsep/parent/out.h"

#include <stdlib.h>
#include <string.h>

/* One that waits: its encoded bytes, which are far shorter than the struct. */
struct out {
	TAILQ_ENTRY(out) link;
	size_t len;
	uint8_t data[];
};

static int
now_or_never(struct parent *p, struct out_dest *d, enum role role,
    unsigned int index, const struct msg *m)
{
	int r = p->ops.send(p->ops.arg, role, index, m);

	if (r == 0)
		d->sent++;
	return (r);
}

/* Nobody says these again, and an SA or an address would stay for ever: each
 * session and each SA has one, so they are few whatever a role asks for. */
static int
must_arrive(const struct msg *m)
{
	return (m->type == MSG_VOUCH || m->type == MSG_VOUCHES_DONE ||
	    m->type == MSG_GRANT_ENDED || m->type == MSG_ESP_SA_DEL ||
	    m->type == MSG_CERT_WATCH || m->type == MSG_CERT_UNWATCH ||
	    (m->type == MSG_SA_EXPIRE && m->u.sa_expire.hard));
}

static int
later(struct parent *p, struct out_dest *d, const struct msg *m)
{
	uint8_t buf[MSG_WIRE_MAX];
	struct out *o;
	struct wr w;
	int r;

	if (p->n_out >= OUT_MAX && !must_arrive(m))
		return (ERR_LIMIT);
	wr_init(&w, buf, sizeof(buf));
	if ((r = msg_encode(m, &w)) != 0)
		return (r);
	if ((o = malloc(sizeof(*o) + w.len)) == NULL)
		return (ERR_NOMEM);
	o->len = w.len;
	memcpy(o->data, buf, w.len);
	TAILQ_INSERT_TAIL(&d->waiting, o, link);
	p->n_out++;
	p->stat[PSTAT_DEFERRED]++;
	return (0);
}

int
parent_send(struct parent *p, enum role role, unsigned int index,
    const struct msg *m)
{
	struct out_dest *d;

	if (role >= ROLE_MAX || index >= OUT_INDEX_MAX)
		return (ERR_CLOSED);
	d = &p->dest[role][index];
	if (msg_has_secret(m->type) ||
	    (TAILQ_EMPTY(&d->waiting) && d->sent < OUT_WINDOW))
		return (now_or_never(p, d, role, index, m));
	return (later(p, d, m));
}

static void
out_free(struct parent *p, struct out_dest *d, struct out *o)
{
	TAILQ_REMOVE(&d->waiting, o, link);
	p->n_out--;
	free(o);
}

static void
flush(struct parent *p, enum role role, unsigned int index)
{
	struct out_dest *d = &p->dest[role][index];
	struct out *o;
	struct msg m;

	d->sent = 0;
	while (d->sent < OUT_WINDOW && (o = TAILQ_FIRST(&d->waiting)) != NULL) {
		if (msg_decode(&m, o->data, o->len) != 0)
			BUG("a message of ours does not decode");
		out_free(p, d, o);
		if (now_or_never(p, d, role, index, &m) != 0) {
			p->stat[PSTAT_SEND_FAILED]++;
			return;
		}
	}
}

void
out_tick(struct parent *p)
{
	for (unsigned int r = 0; r < ROLE_MAX; r++)
		for (unsigned int i = 0; i < OUT_INDEX_MAX; i++)
			flush(p, (enum role)r, i);
}

void
out_drop(struct parent *p, enum role role, unsigned int index)
{
	struct out_dest *d;
	struct out *o;

	if (role >= ROLE_MAX || index >= OUT_INDEX_MAX)
		return;
	d = &p->dest[role][index];
	while ((o = TAILQ_FIRST(&d->waiting)) != NULL)
		out_free(p, d, o);
	d->sent = 0;
}
