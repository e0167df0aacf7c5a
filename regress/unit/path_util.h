#ifndef GH_REGRESS_PATH_UTIL_H
#define GH_REGRESS_PATH_UTIL_H

#include "regress/unit/pki_util.h"

/* One trust set, what a peer sent, and a path or why there is none. */
static struct trust_set *ts;
static struct cert_list others;
static struct cert_path path;
static struct cert_why why;
static struct trust_opts opts;
static struct tp_cert *root, *leaf;

static inline void
setup(void)
{
	pki_setup();
	memset(&others, 0, sizeof(others));
	memset(&opts, 0, sizeof(opts));
	opts.trust = 7;
	opts.eku = PATH_EKU_CLIENT;
	ck_assert_int_eq(trust_set_new(&ts), 0);
	root = tp_root("C=CH, O=Acme, CN=Root", key(0));
}

static inline void
teardown(void)
{
	cert_path_clear(&path);
	cert_list_clear(&others);
	trust_set_free(ts);
	pki_teardown();
}

static inline int
trust(struct tp_cert *const *c, size_t n)
{
	struct cert_list l = { .n = 0 };
	int err;

	for (size_t i = 0; i < n; i++)
		l.v[l.n++] = cert_ref(parsed(c[i]));
	err = trust_add(ts, &opts, &l, &why);
	cert_list_clear(&l);
	return (err);
}

static inline void
trust_root(void)
{
	ck_assert_int_eq(trust(&root, 1), 0);
}

static inline void
send(const struct tp_cert *c)
{
	ck_assert_int_eq(cert_list_add(&others, cert_ref(parsed(c))), 0);
}

static inline enum cert_fault
build(const struct tp_cert *of)
{
	int err;

	cert_path_clear(&path);
	err = path_build(&path, ts, parsed(of), &others, NOW, &why);
	if (err == 0) {
		ck_assert_uint_eq(path.n >= 2, 1);
		ck_assert_uint_eq(why.fault, FAULT_NONE);
		return (FAULT_NONE);
	}
	ck_assert_int_eq(err, ERR_POLICY);
	ck_assert_uint_eq(path.n, 0);
	ck_assert_uint_ne(why.fault, FAULT_NONE);
	ck_assert_uint_gt(strlen(why.detail), 0);
	return (why.fault);
}

#define HOLDS(of) do { \
	enum cert_fault f_ = build(of); \
	ck_assert_msg(f_ == FAULT_NONE, "fault %d: %s", f_, why.detail); \
} while (0)
#define FAILS(of, want) do { \
	enum cert_fault f_ = build(of); \
	ck_assert_msg(f_ == (want), "fault %d, not " #want ": %s", f_, \
	    why.detail); \
} while (0)
#define SAYS(text) \
	ck_assert_msg(strstr(why.detail, text) != NULL, "%s: no %s", \
	    why.detail, text)

#endif
