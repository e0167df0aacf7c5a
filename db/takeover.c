/*
 * May a session take the address of another one of its key (DESIGN 7)? In: the
 * newcomer's request and the sid of the holder; out: yes or no. Operations of
 * the store; run in db.
 */
#include "db/sql.h"

/* Sessions that hold one address while it passes on: CLAIM_MAX of the parent. */
#define CHAIN_MAX 4

/* The parent lets so many sessions hold one address, while those before the
 * last say goodbye. */
static int
chain_full(struct sql *s, const uint8_t old[16])
{
	struct sql_q *q = sql_q(s, STMT_SESSION_CHAIN);
	int rc;

	sql_blob(q, 1, old, 16);
	if ((rc = sql_step(q)) == 1)
		rc = sql_col_int(q, 0) >= CHAIN_MAX;
	sql_done(q);
	return (rc);
}

/* Is it where the old one is? A certificate may be that of several devices: two
 * behind one NAT share the address, but never the port. */
static int
same_place(const struct store_take *in, const struct addr *old)
{
	return (addr_ip_eq(old, &in->peer) &&
	    (in->vouch.device == NULL || old->port == in->peer.port));
}

/* An active lease passes only to the same key, and only when the newcomer
 * comes from the same address or says that it is the only one. */
int
sql_may_take_over(struct sql *s, const struct store_take *in,
    const uint8_t old[16])
{
	struct addr peer;
	struct sql_q *q;
	int rc;

	if ((rc = chain_full(s, old)) != 0)
		return (rc < 0 ? rc : 0);
	if (in->initial_contact)
		return (1);
	q = sql_q(s, STMT_SESSION_GET);
	sql_blob(q, 1, old, 16);
	if ((rc = sql_step(q)) != 1)
		return (rc);
	rc = addr_parse(&peer, sql_col_txt(q, 3)) == 0 &&
	    same_place(in, &peer);
	sql_done(q);
	return (rc);
}
