/*
 * Private keys: every form of file, what is said of the bad ones, and that
 * whatever we sign verifies. Keys in a token: SoftHSM, where it is installed.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <ftw.h>
#include <seccomp.h>
#include <unistd.h>

#include "privsep/crypto/sig_int.h"
#include "regress/pki/testpki.h"
#include "regress/vectors/crypto_hex.h"

static const uint8_t msg[] = "octets to be signed";
static const struct piece octets = { msg, sizeof(msg) };

static void
secret_of(struct secret *s, const char *text)
{
	memset(s, 0, sizeof(*s));
	if (text == NULL)
		return;
	ck_assert_int_eq(secret_new(s, strlen(text)), 0);
	memcpy(s->p, text, strlen(text));
}

/* Sign with every line for this key; each verifies in the form of method 14
 * and of its own. */
static void
signs(struct privkey *k, struct tp_blob spki)
{
	const struct sig_alg *a, *got;
	uint8_t sig[SIG_MAX], auth[SIG_AUTH_MAX];
	struct pubkey *pub;
	unsigned int n = 0;
	size_t len;
	struct wr w;

	ck_assert_int_eq(pubkey_parse(&pub, spki.p, spki.len), 0);
	ck_assert(memcmp(pubkey_info(pub), privkey_info(k),
	    sizeof(struct key_info)) == 0);
	for (size_t i = 0; (a = sig_alg_at(i)) != NULL; i++) {
		if (!sig_fits(a, privkey_info(k))) {
			ck_assert_int_eq(privkey_sign(k, a, msg, sizeof(msg),
			    sig, sizeof(sig), &len), ERR_UNSUP);
			continue;
		}
		ck_assert_int_eq(privkey_sign(k, a, msg, sizeof(msg), sig,
		    sizeof(sig), &len), 0);
		if (a->method != 0) {
			wr_init(&w, auth, sizeof(auth));
			ck_assert_int_eq(sig_auth_data(&w, a, a->method, sig,
			    len), 0);
			ck_assert_int_eq(sig_verify(&got, pub, a->method, auth,
			    w.len, &octets, 1), 0);
			ck_assert_ptr_eq(got, a);
		}
		n++;
		if (a->id == SIG_RSA_SHA1)
			continue;
		wr_init(&w, auth, sizeof(auth));
		ck_assert_int_eq(sig_auth_data(&w, a, 14, sig, len), 0);
		ck_assert_msg(sig_verify(&got, pub, 14, auth, w.len, &octets,
		    1) == 0, "%s", a->name);
		ck_assert_ptr_eq(got, a);
	}
	ck_assert_uint_gt(n, 0);
	pubkey_free(pub);
}

static void
good(enum tp_kind kind, struct tp_blob file, const char *password)
{
	struct secret pw;
	struct privkey *k;
	char why[300];

	secret_of(&pw, password);
	ck_assert_msg(privkey_load(&k, file.p, file.len, &pw, why,
	    sizeof(why)) == 0, "%s", why);
	ck_assert_str_eq(why, "");
	signs(k, tp_key_spki(tp_key(kind, 0)));
	privkey_free(k);
	secret_free(&pw);
	ck_assert_uint_eq(ERR_peek_error(), 0);
}

static const enum tp_kind kinds[] = { TP_RSA2048, TP_RSA3072, TP_P256,
	TP_P384, TP_P521, TP_ED25519, TP_ED448 };
#define N_KINDS ((int)(sizeof(kinds) / sizeof(kinds[0])))

START_TEST(every_form)
{
	enum tp_kind kind = kinds[_i];
	const struct tp_key *k = tp_key(kind, 0);
	struct tp_cert *c = tp_root("CN=root", tp_key(TP_P256, 0)),
	    *leaf = tp_leaf("CN=vpn", k, c, NULL);
	struct tp_blob both[2] = { tp_pem(leaf), tp_key_pem(k, NULL) };

	good(kind, tp_key_pem(k, NULL), NULL);
	good(kind, tp_key_pem(k, "secret"), "secret");
	good(kind, tp_key_der(k, NULL), NULL);
	good(kind, tp_key_der(k, "secret"), "secret");
	/* A password where none is needed does not hurt. */
	good(kind, tp_key_pem(k, NULL), "secret");
	good(kind, tp_p12(k, leaf, &c, 1, "secret"), "secret");
	good(kind, tp_p12(k, NULL, NULL, 0, "secret"), "secret");
	good(kind, tp_p12(k, leaf, NULL, 0, ""), NULL);
	/* Certificate and key in one file. */
	good(kind, tp_cat(both, 2), NULL);
	if (kind == TP_ED25519 || kind == TP_ED448)
		return; /* there is no old form */
	good(kind, tp_key_old_pem(k, NULL), NULL);
	good(kind, tp_key_old_pem(k, "secret"), "secret");
	good(kind, tp_key_old_der(k), NULL);
}
END_TEST

static void
bad(struct tp_blob file, const char *password, int want, const char *says)
{
	struct secret pw;
	struct privkey *k;
	char why[300] = "";
	int r;

	secret_of(&pw, password);
	r = privkey_load(&k, file.p, file.len, &pw, why, sizeof(why));
	ck_assert_msg(r == want, "%d, not %d: %s", r, want, why);
	ck_assert_ptr_null(k);
	ck_assert_msg(strstr(why, says) != NULL, "\"%s\" does not say \"%s\"",
	    why, says);
	secret_free(&pw);
	ck_assert_uint_eq(ERR_peek_error(), 0);
}

START_TEST(what_is_said)
{
	const struct tp_key *k = tp_key(TP_P256, 0);
	struct tp_cert *c = tp_root("CN=root", k);
	struct tp_blob pem = tp_key_pem(k, NULL), b;
	uint8_t *broken = malloc(pem.len);

	bad(tp_key_pem(k, "secret"), "wrong", ERR_AUTH, "does not open");
	bad(tp_key_pem(k, "secret"), NULL, ERR_AUTH, "name a password-file");
	bad(tp_key_der(k, "secret"), "wrong", ERR_AUTH, "does not open");
	bad(tp_key_der(k, "secret"), NULL, ERR_AUTH, "name a password-file");
	bad(tp_key_old_pem(k, "secret"), "wrong", ERR_AUTH, "does not open");
	bad(tp_key_old_pem(k, "secret"), NULL, ERR_AUTH, "password-file");
	bad(tp_p12(k, c, NULL, 0, "secret"), "wrong", ERR_AUTH,
	    "does not open the PKCS#12");
	bad(tp_p12(k, c, NULL, 0, "secret"), NULL, ERR_AUTH, "password-file");
	bad(tp_p12(NULL, c, NULL, 0, "secret"), "secret", ERR_SYNTAX,
	    "no private key");
	bad(tp_pem(c), NULL, ERR_SYNTAX, "certificates but no private key");
	bad(tp_der(c), NULL, ERR_SYNTAX, "no private key");
	bad(tp_key_pem(tp_key(TP_RSA1024, 0), NULL), NULL, ERR_LIMIT,
	    "RSA of 1024 bits is too short");
	bad(tp_key_pem(tp_key(TP_RSA2048_E3, 0), NULL), NULL, ERR_LIMIT,
	    "exponent below 65537");
	bad(tp_key_pem(tp_key(TP_K256, 0), NULL), NULL, ERR_UNSUP,
	    "not known");
	bad((struct tp_blob){ (const uint8_t *)"", 0 }, NULL, ERR_SYNTAX,
	    "no private key");
	bad((struct tp_blob){ (const uint8_t *)"hello", 5 }, NULL, ERR_SYNTAX,
	    "no private key");
	ck_assert_ptr_nonnull(broken);
	memcpy(broken, pem.p, pem.len);
	broken[60] = '!';
	b = (struct tp_blob){ broken, pem.len };
	bad(b, NULL, ERR_SYNTAX, "damaged");
	free(broken);
	broken = calloc(1, 256 * 1024 + 1);
	bad((struct tp_blob){ broken, 256 * 1024 + 1 }, NULL, ERR_LIMIT,
	    "larger than 256 KB");
	free(broken);
}
END_TEST

/* A file that is cut off or has a byte changed: refused, or a whole key. */
START_TEST(damaged_files)
{
	struct tp_blob f[] = { tp_key_der(tp_key(TP_RSA2048, 0), NULL),
		tp_key_der(tp_key(TP_P256, 0), "secret"),
		tp_p12(tp_key(TP_P256, 0), NULL, NULL, 0, "secret"),
		tp_key_old_pem(tp_key(TP_P384, 0), "secret") };
	struct tp_blob b = f[_i];
	uint8_t *p = malloc(b.len);
	struct secret pw;
	struct privkey *k;
	char why[300];

	ck_assert_ptr_nonnull(p);
	memcpy(p, b.p, b.len);
	secret_of(&pw, "secret");
	for (size_t i = 0; i < b.len; i += 11) {
		ck_assert_int_ne(privkey_load(&k, p, i, &pw, why,
		    sizeof(why)), 0);
		ck_assert_str_ne(why, "");
		p[i] ^= 0x20;
		if (privkey_load(&k, p, b.len, &pw, why, sizeof(why)) == 0)
			privkey_free(k);
		else
			ck_assert_str_ne(why, "");
		p[i] ^= 0x20;
	}
	secret_free(&pw);
	free(p);
}
END_TEST

/* Private numbers are in OpenSSL's locked memory. */
START_TEST(numbers_are_locked)
{
	struct tp_blob b = tp_key_pem(tp_key(TP_RSA2048, 0), NULL);
	size_t before = CRYPTO_secure_used(), with;
	struct privkey *k;
	char why[300];

	ck_assert_int_eq(privkey_load(&k, b.p, b.len, NULL, why, sizeof(why)),
	    0);
	with = CRYPTO_secure_used();
	/* d, p, q, dp, dq, qinv: 5 halves and one whole of 256 bytes. */
	ck_assert_uint_ge(with - before, 896);
	privkey_free(k);
	ck_assert_uint_lt(CRYPTO_secure_used(), with);
}
END_TEST

/* ---- nothing is loaded late ---------------------------------------------------- */

static int
lock_up(void)
{
	static const int calls[] = { SCMP_SYS(open), SCMP_SYS(openat),
		SCMP_SYS(socket), SCMP_SYS(stat), SCMP_SYS(newfstatat) };
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (seccomp_rule_add(f, SCMP_ACT_KILL_PROCESS, calls[i], 0))
			return (-1);
	return (seccomp_load(f));
}

/* Ends the process: 0, or the number of the step that went wrong. */
static void
work_jailed(struct privkey *const *k, const struct tp_blob *spki, size_t n)
{
	const struct sig_alg *a, *got;
	uint8_t sig[SIG_MAX], auth[SIG_AUTH_MAX];
	struct pubkey *pub;
	size_t len;
	struct wr w;

	if (lock_up() != 0)
		_exit(2);
	for (size_t i = 0; i < n; i++) {
		if (pubkey_parse(&pub, spki[i].p, spki[i].len))
			_exit(3);
		for (size_t j = 0; (a = sig_alg_at(j)) != NULL; j++) {
			if (!sig_fits(a, privkey_info(k[i])) ||
			    a->id == SIG_RSA_SHA1)
				continue;
			if (privkey_sign(k[i], a, msg, sizeof(msg), sig,
			    sizeof(sig), &len))
				_exit(4);
			wr_init(&w, auth, sizeof(auth));
			if (sig_auth_data(&w, a, 14, sig, len) ||
			    sig_verify(&got, pub, 14, auth, w.len, &octets, 1))
				_exit(5);
			auth[w.len - 1] ^= 1;
			if (sig_verify(&got, pub, 14, auth, w.len, &octets, 1)
			    != ERR_AUTH)
				_exit(6);
		}
		pubkey_free(pub);
	}
	_exit(0);
}

START_TEST(nothing_is_loaded_late)
{
	struct privkey *k[N_KINDS];
	struct tp_blob spki[N_KINDS], b;
	char why[300];
	int status;
	pid_t pid;

	for (int i = 0; i < N_KINDS; i++) {
		b = tp_key_pem(tp_key(kinds[i], 0), NULL);
		spki[i] = tp_key_spki(tp_key(kinds[i], 0));
		ck_assert_int_eq(privkey_load(&k[i], b.p, b.len, NULL, why,
		    sizeof(why)), 0);
	}
	ck_assert_int_ge(pid = fork(), 0);
	if (pid == 0)
		work_jailed(k, spki, N_KINDS);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "killed by signal %d (31: a call that "
	    "the jail forbids)", WTERMSIG(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
	for (int i = 0; i < N_KINDS; i++)
		privkey_free(k[i]);
}
END_TEST

/* ---- SoftHSM ------------------------------------------------------------------- */

static char dir[] = "/tmp/gh-softhsm.XXXXXX";
static const char *module;

static int
run(const char *const *argv)
{
	int status, nul;
	pid_t pid = fork();

	if (pid == 0) {
		nul = open("/dev/null", O_RDWR);
		dup2(nul, 1);
		dup2(nul, 2);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	return (pid > 0 && waitpid(pid, &status, 0) == pid &&
	    WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

/* check's own assertions are for tests only. */
static void
must(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static void
file_put(const char *name, const void *p, size_t len)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	must((f = fopen(path, "w")) != NULL, path);
	must(fwrite(p, 1, len, f) == len, path);
	must(fclose(f) == 0, path);
}

static void
import(enum tp_kind kind, const char *label, const char *id)
{
	struct tp_blob b = tp_key_pem(tp_key(kind, 0), NULL);
	char path[128];

	file_put("k.pem", b.p, b.len);
	snprintf(path, sizeof(path), "%s/k.pem", dir);
	must(run((const char *const[]){ "softhsm2-util", "--import", path,
	    "--token", "vpn", "--label", label, "--id", id, "--pin", "1234",
	    NULL }) == 0, label);
}

static void
init(const char *label, const char *pin)
{
	must(run((const char *const[]){ "softhsm2-util", "--init-token",
	    "--free", "--label", label, "--so-pin", "12345678", "--pin", pin,
	    NULL }) == 0, label);
}

static int
drop(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return (remove(path));
}

/* 0: no SoftHSM here. */
static int
token_make(void)
{
	static const char *const where[] = {
		"/usr/lib/softhsm/libsofthsm2.so",
		"/usr/lib64/softhsm/libsofthsm2.so" };
	char conf[256], path[128];

	for (size_t i = 0; i < 2 && module == NULL; i++)
		if (access(where[i], R_OK) == 0)
			module = where[i];
	if (module == NULL || run((const char *const[]){ "softhsm2-util",
	    "--version", NULL }) != 0 || mkdtemp(dir) == NULL)
		return (0);
	snprintf(path, sizeof(path), "%s/tokens", dir);
	must(mkdir(path, 0700) == 0, path);
	snprintf(conf, sizeof(conf), "directories.tokendir = %s\n"
	    "objectstore.backend = file\nlog.level = ERROR\n", path);
	file_put("softhsm2.conf", conf, strlen(conf));
	snprintf(path, sizeof(path), "%s/softhsm2.conf", dir);
	must(setenv("SOFTHSM2_CONF", path, 1) == 0, path);
	init("vpn", "1234");
	init("other", "5678");
	import(TP_RSA2048, "rsa", "01");
	import(TP_P256, "p256", "02");
	import(TP_P384, "p384", "03");
	import(TP_RSA1024, "small", "04");
	import(TP_P256, "twin", "05");
	import(TP_P384, "twin", "06");
	return (1);
}

START_TEST(token_keys)
{
	static const struct {
		const char *uri;
		enum tp_kind kind;
	} rows[] = {
		{ "pkcs11:token=vpn;object=rsa", TP_RSA2048 },
		{ "pkcs11:token=vpn;object=p256;type=private", TP_P256 },
		{ "pkcs11:token=vpn;object=p384", TP_P384 },
		{ "pkcs11:token=vpn;id=%02", TP_P256 },
		{ "pkcs11:token=vpn;object=twin;id=%06", TP_P384 },
	};
	struct privkey *k, *again;
	struct secret pin;
	char why[300];

	secret_of(&pin, "1234");
	ck_assert_msg(privkey_pkcs11(&k, module, rows[_i].uri, &pin, why,
	    sizeof(why)) == 0, "%s", why);
	ck_assert_str_eq(why, "");
	/* Two on one token; one goes, the other stays logged in. */
	ck_assert_int_eq(privkey_pkcs11(&again, module, rows[_i].uri, &pin,
	    why, sizeof(why)), 0);
	signs(again, tp_key_spki(tp_key(rows[_i].kind, 0)));
	privkey_free(again);
	signs(k, tp_key_spki(tp_key(rows[_i].kind, 0)));
	privkey_free(k);
	/* And once more after the module has ended. */
	ck_assert_int_eq(privkey_pkcs11(&k, module, rows[_i].uri, &pin, why,
	    sizeof(why)), 0);
	signs(k, tp_key_spki(tp_key(rows[_i].kind, 0)));
	privkey_free(k);
	secret_free(&pin);
}
END_TEST

START_TEST(token_says)
{
	static const struct {
		const char *mod, *uri, *pin;
		int want;
		const char *says;
	} rows[] = {
		{ NULL, "pkcs11:token=vpn;object=rsa", "0000", ERR_AUTH,
		    "PIN is wrong" },
		{ NULL, "pkcs11:token=vpn;object=rsa", NULL, ERR_AUTH,
		    "wants a PIN" },
		{ NULL, "pkcs11:token=nope;object=rsa", "1234", ERR_NOENT,
		    "no token fits the URI; there are: \"" },
		{ NULL, "pkcs11:object=rsa", "1234", ERR_NOENT,
		    "several tokens fit" },
		{ NULL, "pkcs11:token=vpn;object=nope", "1234", ERR_NOENT,
		    "no private key of this name; there are: \"" },
		{ NULL, "pkcs11:token=vpn;object=twin", "1234", ERR_NOENT,
		    "several keys fit" },
		{ NULL, "pkcs11:token=other", "5678", ERR_NOENT,
		    "holds no private key" },
		{ NULL, "pkcs11:token=vpn;object=small", "1234", ERR_LIMIT,
		    "RSA of 1024 bits is too short" },
		{ NULL, "token=vpn", "1234", ERR_SYNTAX, "no PKCS#11 URI" },
		{ NULL, "pkcs11:token=%zz", "1234", ERR_SYNTAX,
		    "no PKCS#11 URI" },
		{ "", "pkcs11:token=vpn", "1234", ERR_CONF, "name it" },
		{ "/no/such.so", "pkcs11:token=vpn", "1234", ERR_UNAVAIL,
		    "cannot be loaded" },
		{ "libc.so.6", "pkcs11:token=vpn", "1234", ERR_CONF,
		    "name it" },
	};
	struct privkey *k;
	struct secret pin;
	char why[300];
	int r;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		secret_of(&pin, rows[i].pin);
		r = privkey_pkcs11(&k, rows[i].mod != NULL ? rows[i].mod :
		    module, rows[i].uri, &pin, why, sizeof(why));
		ck_assert_msg(r == rows[i].want && strstr(why, rows[i].says) !=
		    NULL, "row %zu: %d \"%s\"", i, r, why);
		ck_assert_ptr_null(k);
		secret_free(&pin);
	}
}
END_TEST

/* A module that is none; a PIN and a module in the URI itself. */
START_TEST(token_uri_has_all)
{
	struct privkey *k;
	char why[300], uri[300];

	ck_assert_int_eq(privkey_pkcs11(&k, "/usr/lib/x86_64-linux-gnu/libm.so.6",
	    "pkcs11:token=vpn", NULL, why, sizeof(why)), ERR_UNAVAIL);
	snprintf(uri, sizeof(uri), "pkcs11:token=vpn;object=p256"
	    "?module-path=%s&pin-value=1234", module);
	ck_assert_msg(privkey_pkcs11(&k, "", uri, NULL, why, sizeof(why)) == 0,
	    "%s", why);
	privkey_free(k);
}
END_TEST

static void
setup(void)
{
	ck_assert_int_eq(privkey_init(), 0);
	crypto_start(AEAD_OPENSSL);
}

int
main(void)
{
	Suite *s = suite_create("crypto privkey");
	TCase *f = tcase_create("files"), *t = tcase_create("token");
	int status, hsm;

	(void)tp_key(TP_RSA2048, 0); /* once, before check forks */
	(void)tp_key(TP_RSA3072, 0);
	hsm = token_make();
	tcase_add_checked_fixture(f, setup, NULL);
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_set_timeout(f, 60);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(f, every_form, 0, N_KINDS);
	tcase_add_test(f, what_is_said);
	tcase_add_loop_test(f, damaged_files, 0, 4);
	tcase_add_test(f, numbers_are_locked);
	tcase_add_test(f, nothing_is_loaded_late);
	suite_add_tcase(s, f);
	if (hsm) {
		tcase_add_loop_test(t, token_keys, 0, 5);
		tcase_add_test(t, token_says);
		tcase_add_test(t, token_uri_has_all);
	} else {
		fprintf(stderr, "no SoftHSM: install softhsm2 "
		    "(regress/deps.sh test)\n");
	}
	suite_add_tcase(s, t);
	status = run_suite(s);
	if (!hsm || nftw(dir, drop, 8, FTW_DEPTH | FTW_PHYS) != 0)
		status = 1;
	tp_end();
	return (status);
}
