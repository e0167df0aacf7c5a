/*
 * The sign process, as root: started by a parent that then jails itself, with
 * keys of files and with a key in a SoftHSM token; it signs, refuses what does
 * not fit, and does the same after it was killed and started from inside of
 * the parent's filter. What the jail for tokens leaves open, and what not.
 * Exit 77 when not root.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "privsep/base/log.h"
#include "privsep/crypto/sig.h"
#include "privsep/ipc/proc.h"
#include "privsep/parent/sign.h"
#include "regress/pki/testpki.h"
#include "regress/priv/wait.h"

#define ID_BASE 64500
#define WAIT_S 20
#define GEN 7

static char top[] = "/tmp/gh-sign.XXXXXX";
static char root_dir[64], token_dir[64];
static const char *module;
static const uint8_t octets[] = "RealMessage2 | NonceIData | MACedIDForR";

/* What CONF_KEY says, and what must be answered. */
struct row {
	const char *file, *password; /* file NULL: the token's */
	enum tp_kind kind;           /* TP_KIND_MAX: it is no key */
	enum sig_id sig;
	const char *says;            /* of KEY_READY when it is refused */
};
static const struct row file_rows[] = {
	{ "p256.pem", NULL, TP_P256, SIG_ECDSA_P256_SHA256, NULL },
	{ "rsa.p8", "open sesame", TP_RSA2048, SIG_RSA_PSS_SHA256, NULL },
	{ "ed.p12", "open sesame", TP_ED25519, SIG_ED25519, NULL },
	{ "rsa.p8", "sesame", TP_KIND_MAX, SIG_RSA_SHA256,
	    "password does not open" },
	{ "rsa.p8", NULL, TP_KIND_MAX, SIG_RSA_SHA256, "password-file" },
	{ "none.pem", NULL, TP_KIND_MAX, SIG_RSA_SHA256, "no private key" },
};
static const struct row token_rows[] = {
	{ "p256.pem", NULL, TP_P256, SIG_ECDSA_P256_SHA256, NULL },
	{ NULL, "1234", TP_P384, SIG_ECDSA_P384_SHA384, NULL },
};
static const struct row wrong_pin_rows[] = {
	{ "p256.pem", NULL, TP_P256, SIG_ECDSA_P256_SHA256, NULL },
	{ NULL, "0000", TP_KIND_MAX, SIG_ECDSA_P384_SHA384, "PIN is wrong" },
};

struct test {
	struct event_base *base;
	struct procs *ps;
	const struct row *rows;
	size_t n;
	const char *dir; /* token-dir, or "" */
	unsigned int ready, exits, keys, done, bad;
	struct msg_sign_done last;
};

static void
check(struct test *t, int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "FAIL %s\n", what);
	t->bad++;
}

static void
sink(void *arg, enum log_level level, const char *line)
{
	(void)arg;
	(void)level;
	fprintf(stderr, "  %s\n", line);
}

/* ---- the parent's side ---------------------------------------------------------- */

static void
key_ready(struct test *t, const struct msg_key_ready *m)
{
	const struct row *r = &t->rows[m->cert];
	struct pubkey *pub;
	struct tp_blob b;

	t->keys++;
	check(t, m->gen == GEN && m->cert < t->n, "key of the set");
	if (r->says != NULL) {
		check(t, m->verdict == MSG_REFUSED &&
		    strstr(m->text, r->says) != NULL, m->text);
		return;
	}
	b = tp_key_spki(tp_key(r->kind, 0));
	check(t, m->verdict == MSG_YES, m->text);
	if (pubkey_parse(&pub, b.p, b.len)) {
		check(t, 0, "pubkey_parse");
		return;
	}
	check(t, memcmp(m->spki, pubkey_info(pub)->spki_sha256, 32) == 0,
	    "spki of the key");
	pubkey_free(pub);
}

static int
on_msg(void *arg, enum role role, unsigned int index, struct msg *m, int fd)
{
	struct test *t = arg;

	(void)index;
	if (fd != -1 || role != ROLE_SIGN)
		return (ERR_POLICY);
	if (m->type == MSG_KEY_READY)
		key_ready(t, &m->u.key_ready);
	if (m->type == MSG_SIGN_DONE) {
		t->last = m->u.sign_done;
		t->done++;
	}
	return (0);
}

static int
send_key(struct test *t, uint16_t cert)
{
	const struct row *r = &t->rows[cert];
	char path[128];
	struct msg m;
	int fd, err;

	msg_init(&m, MSG_CONF_KEY);
	m.u.conf_key.gen = GEN;
	m.u.conf_key.cert = cert;
	snprintf(m.u.conf_key.name, sizeof(m.u.conf_key.name), "row%u", cert);
	if (r->password != NULL) {
		if (secret_new(&m.u.conf_key.password, strlen(r->password)))
			return (ERR_NOMEM);
		memcpy(m.u.conf_key.password.p, r->password,
		    strlen(r->password));
	}
	if (r->file == NULL) {
		snprintf(m.u.conf_key.uri, sizeof(m.u.conf_key.uri),
		    "pkcs11:token=vpn;object=server");
		snprintf(m.u.conf_key.module, sizeof(m.u.conf_key.module),
		    "%s", module);
		snprintf(m.u.conf_key.token_dir,
		    sizeof(m.u.conf_key.token_dir), "%s", t->dir);
	}
	err = procs_send(t->ps, ROLE_SIGN, 0, &m);
	msg_clear(&m);
	if (err != 0 || r->file == NULL)
		return (err);
	snprintf(path, sizeof(path), "%s/%s", top, r->file);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return (ERR_SYS);
	msg_init(&m, MSG_FD);
	m.u.fd.kind = FD_KEY;
	m.u.fd.role = ROLE_SIGN;
	m.u.fd.object = cert;
	return (procs_send_fd(t->ps, ROLE_SIGN, 0, &m, fd));
}

static int
on_start(void *arg, enum role role, unsigned int index)
{
	struct test *t = arg;
	struct msg m;
	int r;

	msg_init(&m, MSG_CONF_START);
	m.u.conf_start.index = (uint8_t)index;
	m.u.conf_start.log_level = LOG_L_INFO;
	r = procs_send(t->ps, role, index, &m);
	for (uint16_t i = 0; i < t->n && r == 0; i++)
		r = send_key(t, i);
	return (r);
}

static void
on_ready(void *arg, enum role role, unsigned int index)
{
	struct test *t = arg;

	(void)role;
	(void)index;
	t->ready++;
}

static void
on_exit_(void *arg, enum role role, unsigned int index, int status,
    unsigned int crashes)
{
	struct test *t = arg;

	(void)role;
	(void)index;
	(void)crashes;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		check(t, 0, "killed by its filter");
	t->exits++;
}

static int
wait_for(struct test *t, const unsigned int *n, unsigned int want,
    const char *what)
{
	if (wait_count(t->base, WAIT_S, n, want, what) == 0)
		return (0);
	t->bad++;
	return (1);
}

/* ---- what is asked ---------------------------------------------------------------- */

static void
ask(struct test *t, uint32_t gen, uint16_t cert, uint8_t sig, uint8_t want)
{
	static uint64_t job;
	unsigned int done = t->done;
	struct msg m;

	msg_init(&m, MSG_SIGN_JOB);
	m.u.sign_job.job = ++job;
	m.u.sign_job.gen = gen;
	m.u.sign_job.cert = cert;
	m.u.sign_job.sig = sig;
	m.u.sign_job.octets.len = sizeof(octets);
	memcpy(m.u.sign_job.octets.p, octets, sizeof(octets));
	check(t, procs_send(t->ps, ROLE_SIGN, 0, &m) == 0, "ask");
	if (wait_for(t, &t->done, done + 1, "SIGN_DONE"))
		return;
	check(t, t->last.job == job, "the job's number");
	if (t->last.verdict != want)
		fprintf(stderr, "FAIL cert %u sig %u: verdict %u, not %u\n",
		    cert, sig, t->last.verdict, want);
	check(t, t->last.verdict == want, "verdict");
	check(t, (want == MSG_YES) == (t->last.signature.len > 0),
	    "a signature with a yes only");
}

static void
verifies(struct test *t, const struct row *r)
{
	const struct piece all = { octets, sizeof(octets) };
	struct tp_blob b = tp_key_spki(tp_key(r->kind, 0));
	const struct sig_alg *got;
	uint8_t auth[SIG_AUTH_MAX];
	struct pubkey *pub;
	struct wr w;

	wr_init(&w, auth, sizeof(auth));
	if (sig_auth_data(&w, sig_alg(r->sig), 14, t->last.signature.p,
	    t->last.signature.len) || pubkey_parse(&pub, b.p, b.len)) {
		check(t, 0, "AUTH data");
		return;
	}
	check(t, sig_verify(&got, pub, 14, auth, w.len, &all, 1) == 0,
	    "the signature verifies");
	pubkey_free(pub);
}

static void
ask_all(struct test *t)
{
	for (uint16_t i = 0; i < t->n; i++) {
		const struct row *r = &t->rows[i];

		ask(t, GEN, i, (uint8_t)r->sig, r->says == NULL ? MSG_YES :
		    MSG_REFUSED);
		if (r->says == NULL)
			verifies(t, r);
	}
	ask(t, GEN + 1, 0, SIG_ECDSA_P256_SHA256, MSG_REFUSED);
	ask(t, GEN, 60000, SIG_ECDSA_P256_SHA256, MSG_REFUSED);
	ask(t, GEN, 0, SIG_RSA_SHA256, MSG_REFUSED);
	ask(t, GEN, 0, 0, MSG_REFUSED);
	ask(t, GEN, 0, 255, MSG_REFUSED);
}

/* Nothing of the parent is left in it. */
static void
is_jailed(struct test *t)
{
	char path[64], buf[4096] = "", want[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status",
	    (int)procs_pid(t->ps, ROLE_SIGN, 0));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	check(t, fd != -1 && read(fd, buf, sizeof(buf) - 1) > 0, path);
	close(fd);
	snprintf(want, sizeof(want), "Uid:\t%u\t%u\t%u\t%u\n",
	    ID_BASE + ROLE_SIGN, ID_BASE + ROLE_SIGN, ID_BASE + ROLE_SIGN,
	    ID_BASE + ROLE_SIGN);
	check(t, strstr(buf, want) != NULL, "its own user");
	check(t, strstr(buf, "CapPrm:\t0000000000000000\n") != NULL &&
	    strstr(buf, "CapBnd:\t0000000000000000\n") != NULL, "no capability");
	check(t, strstr(buf, "NoNewPrivs:\t1\n") != NULL &&
	    strstr(buf, "Seccomp:\t2\n") != NULL, "filtered");
}

static int
jail_self(const struct procs_conf *conf)
{
	struct jail_conf jc = { .role = ROLE_PARENT, .nofile = 256,
		.role_uids = conf->uid, .n_role_uids = ROLE_MAX };
	char why[128] = "";

	if (jail_drop_parent(conf->uid[ROLE_PARENT], conf->gid[ROLE_PARENT],
	    why, sizeof(why)) || jail_enter(&jc, why, sizeof(why))) {
		fprintf(stderr, "FAIL jail of the parent: %s\n", why);
		return (1);
	}
	return (0);
}

static void
play(struct test *t)
{
	unsigned int ready = t->ready, exits = t->exits, keys = t->keys;

	is_jailed(t);
	ask_all(t);
	check(t, kill(procs_pid(t->ps, ROLE_SIGN, 0), SIGKILL) == 0, "kill");
	if (wait_for(t, &t->exits, exits + 1, "exit") ||
	    wait_for(t, &t->ready, ready + 1, "ready again") ||
	    wait_for(t, &t->keys, keys + (unsigned int)t->n, "keys again"))
		return;
	ask_all(t);
}

/* The token's files are gone: a job fails inside, the process begins anew, and
 * says of the key that there is none. The one of a file signs on. */
static void
lose_token(struct test *t, int go)
{
	static const struct row gone[] = {
		{ "p256.pem", NULL, TP_P256, SIG_ECDSA_P256_SHA256, NULL },
		{ NULL, "1234", TP_KIND_MAX, SIG_ECDSA_P384_SHA384,
		    "no token is there" },
	};
	unsigned int ready = t->ready, keys = t->keys;
	char c = 0;

	check(t, write(go, &c, 1) == 1 && read(go, &c, 1) == 1 && c == 1,
	    "the token's objects are removed");
	t->rows = gone;
	ask(t, GEN, 1, SIG_ECDSA_P384_SHA384, MSG_INTERNAL);
	if (wait_for(t, &t->ready, ready + 1, "ready after the loss") ||
	    wait_for(t, &t->keys, keys + 2, "keys after the loss"))
		return;
	ask(t, GEN, 0, SIG_ECDSA_P256_SHA256, MSG_YES);
	ask(t, GEN, 1, SIG_ECDSA_P384_SHA384, MSG_REFUSED);
}

static int
run_rows(const struct row *rows, size_t n, const char *dir, int go)
{
	struct test t = { .base = event_base_new(), .rows = rows, .n = n,
		.dir = dir };
	struct procs_conf conf = { .base = t.base, .root = root_dir,
		.on_msg = on_msg, .on_start = on_start, .on_ready = on_ready,
		.on_exit = on_exit_, .arg = &t };
	char why[128];
	time_t before;

	log_init("parent", LOG_L_INFO, sink, &t);
	conf.self_fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	for (unsigned int i = 0; i < ROLE_MAX; i++)
		conf.uid[i] = conf.gid[i] = ID_BASE + i;
	conf.n[ROLE_SIGN] = 1;
	if (secret_slab_init(65536) || crypto_init() ||
	    jail_limits(why, sizeof(why)) || procs_start(&t.ps, &conf)) {
		fprintf(stderr, "FAIL start\n");
		return (1);
	}
	if (wait_for(&t, &t.ready, 1, "ready") == 0 &&
	    wait_for(&t, &t.keys, (unsigned int)n, "keys") == 0 &&
	    jail_self(&conf) == 0)
		play(&t);
	check(&t, t.ready == 2 && t.exits == 1, "one restart");
	if (go != -1)
		lose_token(&t, go);
	before = time(NULL);
	procs_stop(t.ps, 10000);
	check(&t, procs_pid(t.ps, ROLE_SIGN, 0) == 0 &&
	    time(NULL) - before < 8, "it ends when it is told to");
	procs_free(t.ps);
	event_base_free(t.base);
	return (t.bad == 0 ? 0 : 1);
}

/* ---- the token's jail, alone -------------------------------------------------------- */

static int
denied(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd == -1)
		return (errno == EACCES || errno == EROFS);
	close(fd);
	fprintf(stderr, "FAIL %s can be opened\n", path);
	return (0);
}

/* Everybody may read /etc/passwd; this user may write its token's folder. The
 * jail takes both. */
static int
run_jail(void)
{
	struct jail_conf jc = { .role = ROLE_SIGN, .uid = ID_BASE + ROLE_SIGN,
		.gid = ID_BASE + ROLE_SIGN, .root = root_dir,
		.token_dir = token_dir, .nofile = 64 };
	char why[200], inside[128], fresh[128];
	int fd;

	snprintf(inside, sizeof(inside), "%s/softhsm2.conf", token_dir);
	snprintf(fresh, sizeof(fresh), "%s/fresh", token_dir);
	if (jail_become(&jc, why, sizeof(why)) || geteuid() == 0 ||
	    (fd = open("/etc/passwd", O_RDONLY)) == -1 || close(fd) != 0 ||
	    jail_shut(&jc, why, sizeof(why))) {
		fprintf(stderr, "FAIL the jail of a token: %s\n", why);
		return (1);
	}
	if (strstr(why, "Landlock") != NULL) {
		fprintf(stderr, "  skip: %s\n", why);
		return (0);
	}
	if ((fd = open(inside, O_RDONLY)) == -1) {
		fprintf(stderr, "FAIL %s: %s\n", inside, strerror(errno));
		return (1);
	}
	close(fd);
	return (denied("/etc/passwd", O_RDONLY) && denied(inside, O_RDWR) &&
	    denied(fresh, O_WRONLY | O_CREAT) && denied("/proc/self/maps",
	    O_RDONLY) && denied(top, O_RDONLY | O_DIRECTORY) ? 0 : 1);
}

/* ---- files ------------------------------------------------------------------------------ */

static void
must(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static void
put(const char *dir, const char *name, struct tp_blob b)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	must((f = fopen(path, "w")) != NULL && fwrite(b.p, 1, b.len, f) ==
	    b.len && fclose(f) == 0 && chown(path, 0, ID_BASE +
	    ROLE_PARENT) == 0 && chmod(path, 0640) == 0, path);
}

static void
files_make(void)
{
	must(mkdtemp(top) != NULL && chmod(top, 0755) == 0, top);
	snprintf(root_dir, sizeof(root_dir), "%s/root", top);
	snprintf(token_dir, sizeof(token_dir), "%s/hsm", top);
	must(mkdir(root_dir, 0555) == 0 && mkdir(token_dir, 0700) == 0, "mkdir");
	put(top, "p256.pem", tp_key_pem(tp_key(TP_P256, 0), NULL));
	put(top, "rsa.p8", tp_key_der(tp_key(TP_RSA2048, 0), "open sesame"));
	put(top, "ed.p12", tp_p12(tp_key(TP_ED25519, 0), NULL, NULL, 0,
	    "open sesame"));
	put(top, "none.pem", (struct tp_blob){ (const uint8_t *)"hello", 5 });
}

static int
give(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return (chown(path, ID_BASE + ROLE_SIGN, ID_BASE + ROLE_SIGN));
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
	char conf[256], cmd[512];

	module = "/usr/lib/softhsm/libsofthsm2.so";
	snprintf(conf, sizeof(conf), "directories.tokendir = %s\n"
	    "objectstore.backend = file\nlog.level = ERROR\n", token_dir);
	put(token_dir, "softhsm2.conf", (struct tp_blob){
	    (const uint8_t *)conf, strlen(conf) });
	put(top, "k.pem", tp_key_pem(tp_key(TP_P384, 0), NULL));
	snprintf(cmd, sizeof(cmd), "export SOFTHSM2_CONF=%s/softhsm2.conf; "
	    "{ softhsm2-util --init-token --free --label vpn --so-pin 12345678 "
	    "--pin 1234 && softhsm2-util --import %s/k.pem --token vpn "
	    "--label server --id 01 --pin 1234; } >/dev/null 2>&1", token_dir,
	    top);
	if (access(module, R_OK) != 0 || system(cmd) != 0)
		return (0);
	must(nftw(token_dir, give, 8, FTW_PHYS) == 0, token_dir);
	return (1);
}

static int
drop_object(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return (strstr(path, ".object") != NULL ? remove(path) : 0);
}

/* Who waits to remove the token's objects, since the test gives up root. */
static int
remover(void)
{
	int sv[2];
	char c;

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == 0,
	    "socketpair");
	if (fork() != 0) {
		close(sv[1]);
		return (sv[0]);
	}
	close(sv[0]);
	if (read(sv[1], &c, 1) == 1) {
		c = nftw(token_dir, drop_object, 8, FTW_PHYS) == 0;
		must(write(sv[1], &c, 1) == 1, "write");
	}
	_exit(0);
}

/* In a process of its own, which gives up root. */
static int
apart(const struct row *rows, size_t n, const char *dir)
{
	int status = 1, go = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (rows == NULL)
			_exit(run_jail());
		if (rows == token_rows)
			go = remover();
		exit(run_rows(rows, n, dir, go));
	}
	if (pid == -1 || waitpid(pid, &status, 0) != pid)
		perror("fork");
	return (status != 0);
}

#define APART(rows, dir) apart(rows, sizeof(rows) / sizeof((rows)[0]), dir)

int
main(int argc, char **argv)
{
	enum role role;
	int bad = 0;

	if (argc > 1)
		return (proc_child_args(argc, argv, &role) == 0 &&
		    role == ROLE_SIGN ? sign_main() : 2);
	if (geteuid() != 0) {
		fprintf(stderr, "skip: needs root to chroot and setuid\n");
		return (77);
	}
	(void)tp_key(TP_RSA2048, 0);
	files_make();
	bad |= APART(file_rows, "");
	if (token_make()) {
		bad |= APART(wrong_pin_rows, token_dir);
		bad |= APART(token_rows, token_dir);
		bad |= apart(NULL, 0, NULL);
	} else {
		fprintf(stderr, "no SoftHSM: install softhsm2 "
		    "(regress/deps.sh test)\n");
		bad = 1;
	}
	must(nftw(top, drop, 8, FTW_DEPTH | FTW_PHYS) == 0, top);
	tp_end();
	printf("%s\n", bad == 0 ? "ok" : "FAILED");
	return (bad == 0 ? 0 : 1);
}
