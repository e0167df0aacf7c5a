/*
 * Why nothing fitted: what was offered, what is wanted, and the nearest miss.
 * For the attempts row and the log, where an operator reads it. In: an SA
 * payload. Out: text. net.
 */
#include <string.h>

#include "daemon/ike/sa.h"

struct kind {
	uint8_t type;
	const char *name;
};
static const struct kind kinds[] = {
	{ T_ENCR, "encr" },
	{ T_INTEG, "integ" },
	{ T_PRF, "prf" },
	{ T_KE, "group" },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const char *
name_of(uint8_t type, uint16_t id, uint16_t bits, char *buf, size_t cap)
{
	switch (type) {
	case T_ENCR:
		return (suite_encr_name(id, bits, buf, cap));
	case T_INTEG:
		return (suite_integ_name(id, buf, cap));
	case T_PRF:
		return (suite_prf_name(id, buf, cap));
	default:
		return (suite_kex_name(id, buf, cap));
	}
}

static int
admitted(const struct transform *t, enum alg_use use, uint8_t suites)
{
	const struct encr_alg *e;
	const struct integ_alg *i;
	const struct prf_alg *p;
	const struct kex_alg *k;

	if (t->bad_attr)
		return (0);
	switch (t->type) {
	case T_ENCR:
		e = suite_encr(t->id, t->bits);
		return (e != NULL && (suite_encr_in(e, use) & suites) &&
		    !(t->has_bits && t->bits == 0));
	case T_INTEG:
		i = suite_integ(t->id);
		return (t->id == 0 || (i != NULL &&
		    (suite_integ_in(i, use) & suites)));
	case T_PRF:
		p = suite_prf(t->id);
		return (p != NULL && (p->suites & suites));
	default:
		k = suite_kex(t->id);
		return (k != NULL && (k->suites & suites));
	}
}

/* Names of one kind in a proposal, each once. 1: one of them would do. */
static int
offered(struct txt *t, const struct proposal *p, uint8_t type,
    enum alg_use use, uint8_t suites, int *any)
{
	struct rd r = p->transforms;
	struct transform tr;
	char buf[32];
	int good = 0;

	*any = 0;
	while (wire_transform_next(&r, &tr) == 0) {
		if (tr.type != type)
			continue;
		if (t != NULL) {
			txt_str(t, *any ? "," : "");
			txt_str(t, name_of(type, tr.id, tr.bits, buf,
			    sizeof(buf)));
		}
		*any = 1;
		good |= admitted(&tr, use, suites);
	}
	return (good);
}

static void
wanted(struct txt *t, uint8_t type, enum alg_use use, uint8_t suites)
{
	const struct encr_alg *e;
	const struct integ_alg *in;
	const struct prf_alg *p;
	const struct kex_alg *k;
	const char *sep = "";
	size_t i;

#define EACH(var, at, ok)                                      \
	for (i = 0; ((var) = at(i)) != NULL; i++)              \
		if (((var)->suites & suites) && (ok)) {        \
			txt_str(t, sep);                       \
			txt_str(t, (var)->name);               \
			sep = ",";                             \
		}
	switch (type) {
	case T_ENCR:
		EACH(e, suite_encr_at, suite_encr_in(e, use) & suites)
		break;
	case T_INTEG:
		EACH(in, suite_integ_at, suite_integ_in(in, use) & suites)
		break;
	case T_PRF:
		EACH(p, suite_prf_at, 1)
		break;
	default:
		EACH(k, suite_kex_at, 1)
		break;
	}
#undef EACH
}

/* How many kinds of a proposal would do; *miss: the first that would not. */
static unsigned int
score(const struct proposal *p, enum alg_use use, uint8_t suites,
    const struct kind **miss)
{
	unsigned int n = 0, i;
	int any;

	*miss = NULL;
	for (i = 0; i < KINDS; i++) {
		int good = offered(NULL, p, kinds[i].type, use, suites, &any);
		int need = kinds[i].type == T_ENCR || (use == ALG_IKE &&
		    kinds[i].type != T_INTEG);

		if (good || (!any && !need))
			n++;
		else if (*miss == NULL)
			*miss = &kinds[i];
	}
	return (n);
}

void
ike_propose_explain(struct txt *t, const struct payload *sa, enum alg_use use,
    uint8_t suites)
{
	const struct kind *miss = NULL, *m;
	struct proposal p, best;
	unsigned int top = 0, n, shown = 0, i;
	struct rd r;
	int any;

	memset(&best, 0, sizeof(best));
	rd_init(&r, sa->body, sa->len);
	while (wire_proposal_next(&r, &p) == 0) {
		n = score(&p, use, suites, &m);
		if (n >= top && (n > top || best.n_transforms == 0)) {
			top = n;
			best = p;
			miss = m;
		}
		if (shown++ >= 4)
			continue;
		txt_str(t, shown == 1 ? "offered=\"" : " | ");
		for (i = 0; i < KINDS; i++) {
			txt_str(t, i > 0 ? " " : "");
			txt_str(t, kinds[i].name);
			txt_str(t, " ");
			(void)offered(t, &p, kinds[i].type, use, suites, &any);
			txt_str(t, any ? "" : "-");
		}
	}
	txt_str(t, shown > 0 ? "\"" : "offered=\"\"");
	if (miss == NULL) {
		txt_str(t, " miss=combination");
		return;
	}
	txt_str(t, " miss=");
	txt_str(t, miss->name);
	txt_str(t, " miss-offered=\"");
	(void)offered(t, &best, miss->type, use, suites, &any);
	txt_str(t, "\" miss-wanted=\"");
	wanted(t, miss->type, use, suites);
	txt_str(t, "\"");
}
