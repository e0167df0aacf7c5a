/*
 * The tables of suite.def and their look-ups: by transform number, by our
 * order of preference, by name. Pure: used by every process that reads,
 * writes or logs a proposal. RFC 7296 3.3.2 and IANA's IKEv2 registries.
 */
#include "privsep/crypto/suite.h"

#include <string.h>

#include "privsep/base/buf.h"

#define S_LEGACY (1 << SUITE_LEGACY)
#define S_COMPATIBLE (S_LEGACY | 1 << SUITE_COMPATIBLE)
#define S_DEFAULT (S_COMPATIBLE | 1 << SUITE_DEFAULT)
#define S_B128 (1 << SUITE_SUITE_B_128)
#define S_B256 (1 << SUITE_SUITE_B_256)
#define S_CNSA (1 << SUITE_CNSA_1)
#define U_BOTH (ALG_IKE | ALG_ESP)
#define NITEMS(a) (sizeof(a) / sizeof((a)[0]))

static const struct encr_alg encrs[] = {
#define ENCR(id, bits, name, key, salt, iv, icv, block, suites, use)           \
	{ id, bits, name, key, salt, iv, icv, block, suites, use },
#include "privsep/crypto/suite.def"
};
static const struct integ_alg integs[] = {
#define INTEG(id, name, key, icv, suites, use)                                 \
	{ id, name, key, icv, suites, use },
#include "privsep/crypto/suite.def"
};
static const struct prf_alg prfs[] = {
#define PRF(id, name, key, out, fixed, suites)                                 \
	{ id, name, key, out, fixed, suites },
#include "privsep/crypto/suite.def"
};
static const struct kex_alg kexs[] = {
#define KEX(id, name, public, shared, cost_us, suites)                         \
	{ id, name, public, shared, cost_us, suites },
#include "privsep/crypto/suite.def"
};

enum kind { KIND_encr, KIND_integ, KIND_prf, KIND_kex };
static const char *const kind_names[] = { "encr", "integ", "prf", "kex" };
static const struct known {
	enum kind kind;
	uint16_t id;
	const char *name;
} knowns[] = {
#define KNOWN(kind, id, name) { KIND_##kind, id, name },
#include "privsep/crypto/suite.def"
};
static const char *const suite_names[SUITE_MAX] = {
	[SUITE_DEFAULT] = "default",
	[SUITE_COMPATIBLE] = "compatible",
	[SUITE_LEGACY] = "legacy",
	[SUITE_SUITE_B_128] = "suite-b-gcm-128",
	[SUITE_SUITE_B_256] = "suite-b-gcm-256",
	[SUITE_CNSA_1] = "cnsa-1",
};

const struct encr_alg *
suite_encr(uint16_t id, uint16_t bits)
{
	size_t i;

	for (i = 0; i < NITEMS(encrs); i++)
		if (encrs[i].id == id && encrs[i].bits == bits)
			return (&encrs[i]);
	return (NULL);
}

const struct integ_alg *
suite_integ(uint16_t id)
{
	size_t i;

	for (i = 0; i < NITEMS(integs); i++)
		if (integs[i].id == id)
			return (&integs[i]);
	return (NULL);
}

const struct prf_alg *
suite_prf(uint16_t id)
{
	size_t i;

	for (i = 0; i < NITEMS(prfs); i++)
		if (prfs[i].id == id)
			return (&prfs[i]);
	return (NULL);
}

const struct kex_alg *
suite_kex(uint16_t id)
{
	size_t i;

	for (i = 0; i < NITEMS(kexs); i++)
		if (kexs[i].id == id)
			return (&kexs[i]);
	return (NULL);
}

uint8_t
suite_encr_in(const struct encr_alg *e, enum alg_use use)
{
	if ((e->use & (unsigned int)use) == 0)
		return (0);
	/* RFC 6379 3: ESP is AES-GCM in all lists; AES-CBC is IKE's. */
	if (use == ALG_ESP && e->icv_len == 0)
		return (e->suites & (uint8_t)S_DEFAULT);
	return (e->suites);
}

uint8_t
suite_integ_in(const struct integ_alg *i, enum alg_use use)
{
	if ((i->use & (unsigned int)use) == 0)
		return (0);
	return (use == ALG_ESP ? i->suites & (uint8_t)S_DEFAULT : i->suites);
}

const struct encr_alg *
suite_encr_at(size_t i)
{
	return (i < NITEMS(encrs) ? &encrs[i] : NULL);
}

const struct integ_alg *
suite_integ_at(size_t i)
{
	return (i < NITEMS(integs) ? &integs[i] : NULL);
}

const struct prf_alg *
suite_prf_at(size_t i)
{
	return (i < NITEMS(prfs) ? &prfs[i] : NULL);
}

const struct kex_alg *
suite_kex_at(size_t i)
{
	return (i < NITEMS(kexs) ? &kexs[i] : NULL);
}

/* "aes-512": a name from the list of those only recognised, or "encr-77". */
static const char *
known_name(enum kind kind, uint16_t id, uint16_t bits, char *buf, size_t cap)
{
	struct txt t;
	size_t i;

	if (cap < 2)
		return ("");
	txt_init(&t, buf, cap);
	for (i = 0; i < NITEMS(knowns); i++)
		if (knowns[i].kind == kind && knowns[i].id == id)
			break;
	if (i < NITEMS(knowns)) {
		txt_str(&t, knowns[i].name);
	} else {
		txt_str(&t, kind_names[kind]);
		txt_str(&t, "-");
		txt_u64(&t, id);
	}
	if (bits != 0) {
		txt_str(&t, "-");
		txt_u64(&t, bits);
	}
	return (buf);
}

static const char *
copy_name(const char *name, char *buf, size_t cap)
{
	struct txt t;

	if (cap < 2)
		return (name);
	txt_init(&t, buf, cap);
	txt_str(&t, name);
	return (buf);
}

const char *
suite_encr_name(uint16_t id, uint16_t bits, char *buf, size_t cap)
{
	const struct encr_alg *e = suite_encr(id, bits);

	if (e != NULL)
		return (copy_name(e->name, buf, cap));
	return (known_name(KIND_encr, id, bits, buf, cap));
}

const char *
suite_integ_name(uint16_t id, char *buf, size_t cap)
{
	const struct integ_alg *i = suite_integ(id);

	if (i != NULL)
		return (copy_name(i->name, buf, cap));
	return (known_name(KIND_integ, id, 0, buf, cap));
}

const char *
suite_prf_name(uint16_t id, char *buf, size_t cap)
{
	const struct prf_alg *p = suite_prf(id);

	if (p != NULL)
		return (copy_name(p->name, buf, cap));
	return (known_name(KIND_prf, id, 0, buf, cap));
}

const char *
suite_kex_name(uint16_t id, char *buf, size_t cap)
{
	const struct kex_alg *k = suite_kex(id);

	if (k != NULL)
		return (copy_name(k->name, buf, cap));
	return (known_name(KIND_kex, id, 0, buf, cap));
}

const char *
suite_name(enum suite_id suite)
{
	return ((unsigned int)suite < SUITE_MAX ? suite_names[suite] : "none");
}

int
suite_parse(const char *s, enum suite_id *out)
{
	int i;

	for (i = 0; i < SUITE_MAX; i++) {
		if (strcmp(s, suite_names[i]) == 0) {
			*out = (enum suite_id)i;
			return (0);
		}
	}
	return (ERR_NOENT);
}

/* The suites that hold all of it, as bits; 0 when something is not ours. */
static unsigned int
algs_mask(const struct algs *a, enum alg_use use)
{
	const struct encr_alg *e = suite_encr(a->encr, a->encr_bits);
	const struct integ_alg *i = suite_integ(a->integ);
	const struct prf_alg *p = suite_prf(a->prf);
	const struct kex_alg *k = suite_kex(a->kex);
	unsigned int mask;

	if (e == NULL || (mask = suite_encr_in(e, use)) == 0)
		return (0);
	/* An AEAD stands alone, a bare cipher never does. */
	if ((e->icv_len != 0) != (a->integ == 0))
		return (0);
	if (a->integ != 0) {
		if (i == NULL)
			return (0);
		mask &= suite_integ_in(i, use);
	}
	if (use == ALG_IKE || a->prf != 0)
		mask &= p != NULL ? p->suites : 0;
	/* A CHILD SA without PFS has no group. */
	if (use == ALG_IKE || a->kex != 0)
		mask &= k != NULL ? k->suites : 0;
	return (mask);
}

uint8_t
algs_suites(const struct algs *a, enum alg_use use)
{
	return ((uint8_t)algs_mask(a, use));
}

enum suite_id
algs_suite(const struct algs *a, enum alg_use use)
{
	unsigned int mask = algs_mask(a, use);
	int i;

	for (i = 0; i < SUITE_MAX; i++)
		if (mask & 1u << i)
			return ((enum suite_id)i);
	return (SUITE_MAX);
}
