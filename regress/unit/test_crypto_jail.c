/*
 * After crypto_init() and aead_init() nothing is loaded lazily: every
 * algorithm works in a process that dies at open, openat and socket, which is
 * what the jail of net and esp makes of it.
 */
#include <sys/wait.h>

#include <seccomp.h>
#include <unistd.h>

#include "privsep/crypto/kex.h"
#include "regress/vectors/crypto_hex.h"

static int
lock_up(void)
{
	static const int calls[] = { SCMP_SYS(open), SCMP_SYS(openat),
		SCMP_SYS(socket), SCMP_SYS(stat), SCMP_SYS(newfstatat) };
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	size_t i;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (seccomp_rule_add(f, SCMP_ACT_KILL_PROCESS, calls[i], 0))
			return (-1);
	return (seccomp_load(f));
}

static int
use_aead(const struct encr_alg *e, const struct integ_alg *in)
{
	uint8_t key[128] = { 1 }, text[64] = { 2 }, icv[32], aad[8] = { 3 };
	uint8_t iv[16] = { 4 };
	const struct aead_op op = { aad, 8, iv, 1, 1 };
	struct aead *s = NULL, *o = NULL;
	size_t n = aead_key_len(e, in);
	int bad;

	bad = aead_new(&s, e, in, AEAD_SEAL, key, n) ||
	    aead_new(&o, e, in, AEAD_OPEN, key, n) ||
	    aead_seal(s, &op, text, 64, icv) ||
	    aead_open(o, &op, text, text, 64, icv) || text[0] != 2;
	icv[0] ^= 1;
	/* Failures take OpenSSL's error path. */
	bad = bad || aead_open(o, &op, text, text, 64, icv) != ERR_AUTH ||
	    aead_rekey(o, key, n) != 0;
	aead_free(s);
	aead_free(o);
	return (bad);
}

static int
use_kex(const struct kex_alg *alg)
{
	uint8_t pub[KEX_PUBLIC_MAX], bad[KEX_PUBLIC_MAX] = { 0 };
	struct secret s = { 0 }, none = { 0 };
	struct kex *a = NULL, *b = NULL;
	int err;

	err = kex_new(&a, alg) || kex_new(&b, alg) ||
	    kex_public(b, pub, sizeof(pub)) ||
	    kex_shared(a, pub, alg->public_len, &s) ||
	    kex_shared(b, bad, alg->public_len, &none) != ERR_CRYPTO;
	secret_free(&s);
	kex_free(a);
	kex_free(b);
	return (err);
}

/* Ends the process: 0, or the number of the step that went wrong. */
static void
all_of_it(enum aead_backend backend)
{
	const struct piece p = { "piece", 5 };
	const struct encr_alg *e;
	const struct integ_alg *in;
	const struct prf_alg *prf;
	const struct kex_alg *k;
	uint8_t out[PRF_OUT_MAX];
	size_t i, j;

	crypto_start(backend);
	if (lock_up() != 0)
		_exit(2);
	for (i = 0; (e = suite_encr_at(i)) != NULL; i++)
		for (j = 0; (in = suite_integ_at(j)) != NULL; j++)
			if (use_aead(e, e->icv_len != 0 ? NULL : in))
				_exit(3);
	for (i = 0; (prf = suite_prf_at(i)) != NULL; i++)
		if (prf_compute(prf, out, 20, &p, 1, out) ||
		    prf_plus(prf, out, 16, &p, 1, out, 64))
			_exit(4);
	if (hash_sha1(&p, 1, out) || hash_sha256(&p, 1, out) ||
	    mac_blake2b(out, 32, &p, 1, out))
		_exit(5);
	rand_bytes(out, sizeof(out));
	for (i = 0; (k = suite_kex_at(i)) != NULL; i++)
		if (use_kex(k))
			_exit(6);
	_exit(0);
}

START_TEST(nothing_is_loaded_late)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		all_of_it(_i == 0 ? AEAD_OPENSSL : AEAD_IPSECMB);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "killed by signal %d (31: a call that "
	    "the jail forbids)", WTERMSIG(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("crypto jail");
	TCase *t = tcase_create("jail");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, nothing_is_loaded_late, 0, 2);
	suite_add_tcase(s, t);
	return (run_suite(s));
}
