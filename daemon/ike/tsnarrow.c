/*
 * Narrowing of traffic selectors (RFC 7296 2.9). In: what the client proposes
 * and what its lease allows. Out: what both sides will use. The client's side
 * becomes the leased addresses, ours the routes of the lease, each met with
 * every selector that was proposed; protocols and ports stay. net.
 */
#include <string.h>

#include "daemon/ike/sa.h"

#define OUT_MAX 16

/* Add one unless it is covered already. */
static void
add(struct tsel *v, uint8_t *n, const struct tsel *ts)
{
	uint8_t i;

	for (i = 0; i < *n; i++)
		if (tsel_inside(ts, &v[i]))
			return;
	/* RFC 7296 2.9: the first selector is the packet that made the client
	 * ask; it comes first in what we answer too, and what follows may not
	 * swallow it. */
	if (*n < OUT_MAX)
		v[(*n)++] = *ts;
}

/* RFC 7296 2.9 lets us narrow: of more selectors than we hold the first count. */
int
ike_ts_read(struct tsel v[TS_MAX], size_t *n, const struct payload *p)
{
	size_t skipped;
	int err = wire_ts_parse(v, TS_MAX, n, &skipped, p);

	return (err == ERR_LIMIT ? 0 : err);
}

static int
side(const struct chain *c, uint8_t type, const struct tsel *allowed,
    size_t n_allowed, struct tsel *out, uint8_t *n_out)
{
	const struct payload *p = wire_chain_get(c, type, 0);
	struct tsel asked[TS_MAX], ts;
	size_t n, i, j;

	*n_out = 0;
	if (p == NULL || ike_ts_read(asked, &n, p) != 0)
		return (ERR_SYNTAX);
	for (i = 0; i < n; i++)
		for (j = 0; j < n_allowed; j++)
			if (tsel_intersect(&ts, &asked[i], &allowed[j]) == 0)
				add(out, n_out, &ts);
	return (*n_out > 0 ? 0 : ERR_NOENT);
}

static int
has_family(const struct tsel *v, uint8_t n, uint8_t family)
{
	uint8_t i;

	for (i = 0; i < n; i++)
		if (v[i].family == family)
			return (1);
	return (0);
}

/* A family that only one side has is of no use to either. */
static void
drop_family(struct tsel *v, uint8_t *n, uint8_t family)
{
	uint8_t i, k = 0;

	for (i = 0; i < *n; i++)
		if (v[i].family != family)
			v[k++] = v[i];
	*n = k;
}

int
ike_ts_narrow(const struct chain *c, const struct lease_view *l,
    struct tsel *ts_i, uint8_t *n_i, struct tsel *ts_r, uint8_t *n_r)
{
	struct tsel mine[2], all[2];
	size_t n = 0, i;
	uint8_t f;
	int err;

	if (l->v4.family == 4)
		tsel_from_prefix(&mine[n++], &l->v4, 32);
	if (l->v6.family == 6)
		tsel_from_prefix(&mine[n++], &l->v6, 128);
	for (i = 0; i < n; i++)
		tsel_any(&all[i], mine[i].family);
	if ((err = side(c, PL_TSI, mine, n, ts_i, n_i)) != 0)
		return (err);
	if (l->n_routes > 0)
		err = side(c, PL_TSR, l->routes, l->n_routes, ts_r, n_r);
	else
		err = side(c, PL_TSR, all, n, ts_r, n_r);
	if (err != 0)
		return (err);
	for (f = 4; f <= 6; f += 2) {
		if (!has_family(ts_i, *n_i, f))
			drop_family(ts_r, n_r, f);
		if (!has_family(ts_r, *n_r, f))
			drop_family(ts_i, n_i, f);
	}
	return (*n_i > 0 && *n_r > 0 ? 0 : ERR_NOENT);
}

static void
list_txt(struct txt *t, const struct tsel *v, size_t n)
{
	size_t i;

	for (i = 0; i < n && i < 8; i++) {
		txt_str(t, i > 0 ? " " : "");
		tsel_txt(t, &v[i]);
	}
	if (n > 8)
		txt_str(t, " ...");
}

static void
asked_txt(struct txt *t, const struct chain *c, uint8_t type)
{
	const struct payload *p = wire_chain_get(c, type, 0);
	struct tsel v[TS_MAX];
	size_t n;

	if (p != NULL && ike_ts_read(v, &n, p) == 0)
		list_txt(t, v, n);
}

void
ike_ts_explain(struct txt *t, const struct chain *c,
    const struct lease_view *l)
{
	txt_str(t, "tsi=\"");
	asked_txt(t, c, PL_TSI);
	txt_str(t, "\" tsr=\"");
	asked_txt(t, c, PL_TSR);
	txt_str(t, "\" leased=\"");
	if (l->v4.family == 4)
		addr_txt(t, &l->v4);
	txt_str(t, l->v4.family == 4 && l->v6.family == 6 ? " " : "");
	if (l->v6.family == 6)
		addr_txt(t, &l->v6);
	txt_str(t, "\" routes=\"");
	if (l->n_routes == 0)
		txt_str(t, "any");
	list_txt(t, l->routes, l->n_routes);
	txt_str(t, "\"");
}
