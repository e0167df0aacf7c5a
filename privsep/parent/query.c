/*
 * What the parent tells of itself. In: CTL_QUERY; out: CTL_ROW, CTL_END.
 */
#include "privsep/parent/query.h"

#include <string.h>

#include "privsep/ipc/row.h"
#include "privsep/parent/cred.h"
#include "privsep/parent/expiry.h"
#include "privsep/parent/reload.h"
#include "privsep/parent/sigjob.h"

static void
send_end(struct parent *p, unsigned int index, uint32_t tag,
    enum msg_verdict verdict, const char *text)
{
	struct msg m;

	msg_init(&m, MSG_CTL_END);
	m.u.ctl_end.tag = tag;
	m.u.ctl_end.verdict = (uint8_t)verdict;
	memcpy(m.u.ctl_end.text, text,
	    strnlen(text, sizeof(m.u.ctl_end.text) - 1));
	if (parent_send(p, ROLE_CTL, index, &m) != 0)
		p->stat[PSTAT_SEND_FAILED]++;
}

static size_t
sas_up(const struct parent *p)
{
	return (HASH_CNT(hh, p->sas));
}

static int
put_tickets(const struct parent *p, struct wr *w)
{
	uint64_t issued = 0, bound = 0, minted = 0, expired = 0;

	for (unsigned int i = 0; i < TICKET_WORKERS; i++) {
		issued += p->tickets.worker[i].n_issued;
		bound += p->tickets.worker[i].n_bound;
		minted += p->tickets.worker[i].minted;
		expired += p->tickets.worker[i].expired;
	}
	if (row_u64(w, "tickets_issued", issued) ||
	    row_u64(w, "tickets_bound", bound) ||
	    row_u64(w, "tickets_minted_total", minted) ||
	    row_u64(w, "tickets_expired_total", expired))
		return (ERR_SPACE);
	return (0);
}

static int
put_certificates(const struct parent *p, struct wr *w)
{
	const struct cred_set *s = p->creds->active;
	uint64_t least = expiry_least_s(p);

	if (row_u64(w, "certificates", s != NULL ? s->n : 0) ||
	    row_u64(w, "certificate_set", s != NULL ? s->gen : 0) ||
	    row_u64(w, "signatures_waiting", sigjob_count(p)))
		return (ERR_SPACE);
	return (least != UINT64_MAX ?
	    row_u64(w, "certificate_expires_s", least) : 0);
}

static int
put_stats(const struct parent *p, struct wr *w)
{
	if (row_str(w, "role", role_name(ROLE_PARENT)) ||
	    row_u64(w, "index", 0) ||
	    row_u64(w, "sessions", p->n_sessions) ||
	    row_u64(w, "esp_sas", sas_up(p)) ||
	    row_u64(w, "requests_waiting", p->n_pending) ||
	    row_u64(w, "secret_bytes", secret_used()) || put_tickets(p, w) ||
	    put_certificates(p, w))
		return (ERR_SPACE);
	for (unsigned int i = 0; i < PSTAT_MAX; i++)
		if (row_u64(w, parent_stat_name((enum parent_stat)i),
		    p->stat[i]))
			return (ERR_SPACE);
	return (0);
}

static int
send_stats(struct parent *p, unsigned int index, uint32_t tag)
{
	struct msg m;
	struct wr w;

	msg_init(&m, MSG_CTL_ROW);
	m.u.ctl_row.tag = tag;
	wr_init(&w, m.u.ctl_row.fields.p, sizeof(m.u.ctl_row.fields.p));
	if (put_stats(p, &w) != 0)
		return (ERR_SPACE);
	m.u.ctl_row.fields.len = (uint16_t)w.len;
	return (parent_send(p, ROLE_CTL, index, &m));
}

static void
send_certificates(struct parent *p, unsigned int index, uint32_t tag)
{
	struct msg m;
	struct wr w;

	for (size_t i = 0;; i++) {
		msg_init(&m, MSG_CTL_ROW);
		m.u.ctl_row.tag = tag;
		wr_init(&w, m.u.ctl_row.fields.p,
		    sizeof(m.u.ctl_row.fields.p));
		if (cred_row(p, i, &w) != 0)
			break;
		m.u.ctl_row.fields.len = (uint16_t)w.len;
		if (parent_send(p, ROLE_CTL, index, &m) != 0)
			break;
	}
	send_end(p, index, tag, MSG_YES, "");
}

void
query_answer(struct parent *p, unsigned int index,
    const struct msg_ctl_query *q)
{
	if (q->what == CTL_CERTIFICATES) {
		send_certificates(p, index, q->tag);
		return;
	}
	if (q->what == CTL_RELOAD) {
		reload_ask(p, index, q->tag);
		return;
	}
	if (q->what != CTL_STATS) {
		send_end(p, index, q->tag, MSG_REFUSED,
		    "the parent answers only stats, certificates and reload");
		return;
	}
	if (send_stats(p, index, q->tag) != 0)
		send_end(p, index, q->tag, MSG_INTERNAL,
		    "the parent could not send its counters");
	else
		send_end(p, index, q->tag, MSG_YES, "");
}
