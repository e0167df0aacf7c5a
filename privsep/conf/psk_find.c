/*
 * Which key is whose. Parent only. In: the keys of a policy, once they are all
 * there, then an identity per login; out: its key. A login costs the same with
 * ten keys as with ten thousand, and with a stranger's identity as with a known
 * one: the search always goes to its end. Matches as conf_id_match() does.
 */
#include "privsep/conf/parse.h"

#include <stdlib.h>
#include <string.h>

/* One of these, not the file, is what a key is found by. */
struct conf_psk_at {
	const struct conf_psk *k;
};

static int
by_identity(const void *a, const void *b)
{
	const struct conf_psk *ka = ((const struct conf_psk_at *)a)->k;
	const struct conf_psk *kb = ((const struct conf_psk_at *)b)->k;
	int r = identity_cmp(ka->identity, kb->identity);

	/* Of two spellings of one identity the first line counts. */
	return (r != 0 ? r : ka < kb ? -1 : ka > kb);
}

int
conf_psk_index(struct conf_policy *po)
{
	struct conf_psk_at *v;
	size_t n = 0, last = po->n_psks;

	free(po->psk_index);
	po->psk_index = NULL;
	po->n_psk_exact = 0;
	if (po->n_psks == 0)
		return (0);
	if ((v = calloc(po->n_psks, sizeof(*v))) == NULL)
		return (ERR_NOMEM);
	/* Whole identities first; patterns behind them, the file's last one
	 * first. */
	for (size_t i = 0; i < po->n_psks; i++) {
		const struct conf_psk *k = &po->psks[i];

		if (strchr(k->identity, '*') == NULL)
			v[n++].k = k;
		else
			v[--last].k = k;
	}
	qsort(v, n, sizeof(*v), by_identity);
	po->psk_index = v;
	po->n_psk_exact = n;
	return (0);
}

/* The first of the whole identities that is not less than this one. */
static const struct conf_psk *
exact_find(const struct conf_policy *po, const char *identity)
{
	size_t lo = 0, hi = po->n_psk_exact, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (identity_cmp(po->psk_index[mid].k->identity, identity) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == po->n_psk_exact || identity_cmp(
	    po->psk_index[lo].k->identity, identity) != 0)
		return (NULL);
	return (po->psk_index[lo].k);
}

const struct secret *
conf_psk_find(const struct conf_policy *po, const char *identity)
{
	const struct conf_psk *own, *group = NULL, *k;

	if (po->psk_index == NULL)
		return (NULL);
	own = exact_find(po, identity);
	for (size_t i = po->n_psks; i-- > po->n_psk_exact;) {
		k = po->psk_index[i].k;
		if (strcmp(k->identity, "*") == 0)
			group = group == NULL ? k : group;
		else if (conf_id_match(k->identity, identity) &&
		    (own == NULL || k < own))
			own = k;
	}
	own = own != NULL ? own : group;
	return (own == NULL ? NULL : &own->key);
}
