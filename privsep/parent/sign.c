/*
 * The sign process: private keys, and nothing else. In, from the parent, its
 * only pipe: CONF_KEY with a file's descriptor or a PKCS#11 URI, then jobs;
 * out: KEY_READY for each key, a signature for each job. What is signed is
 * what the parent built (RFC 7296 2.15); which key and how, the parent says.
 * It never gets another key once it runs: for others it is started anew.
 */
#include "privsep/parent/sign.h"

#include <sys/stat.h>

#include <bsd/sys/queue.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "privsep/base/log.h"
#include "privsep/crypto/sig.h"
#include "privsep/ipc/proc.h"

#define FILE_MAX ((size_t)256 * 1024) /* of a key */
#define KEYS_MAX 64
#define TEXT_MAX 301

struct key {
	STAILQ_ENTRY(key) next;
	uint32_t gen;
	uint16_t cert;
	char name[64], uri[501], module[256], token_dir[256];
	struct secret password; /* until it is loaded */
	struct privkey *priv;   /* NULL: text says why */
	char text[TEXT_MAX];
};
STAILQ_HEAD(keys, key);

struct sign {
	struct event_base *base;
	struct proc_child *pc;
	struct keys keys;
	size_t n;
	int computing; /* crypto_init was called */
	int lost;      /* a token is gone: only a new process logs in again */
	int stopping;
};

/* ---- keys, before the jail ---------------------------------------------------- */

static struct key *
key_find(const struct sign *s, uint32_t gen, uint16_t cert)
{
	struct key *k;

	STAILQ_FOREACH(k, &s->keys, next)
		if (k->gen == gen && k->cert == cert)
			return (k);
	return (NULL);
}

static int
key_add(struct sign *s, struct msg_conf_key *m)
{
	struct key *k;

	if (s->n == KEYS_MAX)
		return (ERR_LIMIT);
	if (key_find(s, m->gen, m->cert) != NULL)
		return (ERR_EXIST);
	if ((k = calloc(1, sizeof(*k))) == NULL)
		return (ERR_NOMEM);
	k->gen = m->gen;
	k->cert = m->cert;
	memcpy(k->name, m->name, sizeof(k->name));
	memcpy(k->uri, m->uri, sizeof(k->uri));
	memcpy(k->module, m->module, sizeof(k->module));
	memcpy(k->token_dir, m->token_dir, sizeof(k->token_dir));
	secret_move(&k->password, &m->password);
	memcpy(k->text, "its file did not come", 22);
	STAILQ_INSERT_TAIL(&s->keys, k, next);
	s->n++;
	return (0);
}

/* Once it is a key it does without. */
static void
forget_password(struct key *k)
{
	secret_free(&k->password);
}

/* 0 and *len, or -1. */
static int
read_all(int fd, uint8_t *p, size_t cap, size_t *len)
{
	ssize_t n;

	*len = 0;
	while (*len < cap && (n = read(fd, p + *len, cap - *len)) > 0)
		*len += (size_t)n;
	return (n < 0 ? -1 : 0);
}

static void
key_read(struct key *k, int fd)
{
	uint8_t *p = malloc(FILE_MAX + 1);
	size_t len;

	if (p == NULL)
		return;
	if (read_all(fd, p, FILE_MAX + 1, &len) != 0)
		snprintf(k->text, sizeof(k->text), "its file cannot be read");
	else if (privkey_load(&k->priv, p, len, &k->password, k->text,
	    sizeof(k->text)))
		log_warn("sign.key certificate=%s why=\"%s\"", k->name,
		    k->text);
	wipe(p, FILE_MAX + 1);
	free(p);
	forget_password(k);
}

/* The file belongs to the CONF_KEY that came just before. */
static int
on_file(struct sign *s, const struct msg_fd *m, int fd)
{
	struct key *k = STAILQ_LAST(&s->keys, key, next);
	int r = 0;

	if (fd == -1 || m->kind != FD_KEY || k == NULL ||
	    k->cert != m->object || k->uri[0] != '\0' || k->priv != NULL)
		r = ERR_SYNTAX;
	else
		key_read(k, fd);
	if (fd != -1)
		close(fd);
	return (r);
}

/* crypto_init() wants key memory, which is there from the first message on. */
static int
compute(struct sign *s)
{
	if (s->computing)
		return (0);
	s->computing = 1;
	return (crypto_init());
}

static int
on_conf(void *arg, struct msg *m, int fd)
{
	struct sign *s = arg;
	int r;

	if ((r = compute(s)) != 0) {
		if (fd != -1)
			close(fd);
		return (r);
	}
	if (m->type == MSG_FD)
		return (on_file(s, &m->u.fd, fd));
	if (fd != -1)
		close(fd);
	if (m->type == MSG_CONF_KEY)
		return (key_add(s, &m->u.conf_key));
	return (0);
}

/* ---- keys in tokens -------------------------------------------------------------- */

/* The folder that stays open: the first key's; one is enough for a token
 * software, and a second would widen the jail. */
static const char *
token_dir(const struct sign *s)
{
	const struct key *k;

	STAILQ_FOREACH(k, &s->keys, next)
		if (k->uri[0] != '\0' && k->token_dir[0] != '\0')
			return (k->token_dir);
	return (NULL);
}

static int
has_tokens(const struct sign *s)
{
	const struct key *k;

	STAILQ_FOREACH(k, &s->keys, next)
		if (k->uri[0] != '\0')
			return (1);
	return (0);
}

/* We have no environment: a configuration of SoftHSM that lies with its
 * tokens is the one that counts. */
static void
softhsm_conf(const char *dir)
{
	char path[300];
	struct stat st;

	if (snprintf(path, sizeof(path), "%s/softhsm2.conf", dir) < 0 ||
	    stat(path, &st) != 0)
		return;
	if (setenv("SOFTHSM2_CONF", path, 1) != 0)
		log_warn("sign.token error=\"no memory\"");
}

static void
token_load(struct key *k, const char *dir)
{
	if (dir == NULL || strcmp(k->token_dir, dir) != 0)
		snprintf(k->text, sizeof(k->text), "%s", dir == NULL ?
		    "which folder is its token in? name it: token-dir = "
		    "/var/lib/softhsm/tokens, for example" : "all keys in "
		    "tokens must have the same token-dir");
	else if (privkey_pkcs11(&k->priv, k->module, k->uri, &k->password,
	    k->text, sizeof(k->text)))
		log_warn("sign.key certificate=%s why=\"%s\"", k->name,
		    k->text);
	else if (k->text[0] != '\0')
		log_warn("sign.key certificate=%s note=\"%s\"", k->name,
		    k->text);
	forget_password(k);
}

/*
 * Somebody else's code is loaded when there is nothing of the parent left in
 * this process, and it sees the files that _gh_sign may read; then the jail
 * shuts all but the token's folder. The limit, honestly: a module that was
 * made to do harm has had the time from its loading to the jail.
 */
static int
tokens_load(struct sign *s)
{
	const char *dir = token_dir(s);
	struct key *k;
	int r;

	if (!has_tokens(s))
		return (0);
	if (dir != NULL) {
		if ((r = proc_child_become(s->pc, dir)) != 0)
			return (r);
		softhsm_conf(dir);
	}
	STAILQ_FOREACH(k, &s->keys, next)
		if (k->uri[0] != '\0')
			token_load(k, dir);
	return (0);
}

/* ---- work ------------------------------------------------------------------------- */

static int
tell_keys(struct sign *s)
{
	struct key *k;
	struct msg m;
	int r = 0;

	STAILQ_FOREACH(k, &s->keys, next) {
		msg_init(&m, MSG_KEY_READY);
		m.u.key_ready.gen = k->gen;
		m.u.key_ready.cert = k->cert;
		m.u.key_ready.verdict = k->priv != NULL ? MSG_YES :
		    MSG_REFUSED;
		if (k->priv != NULL)
			memcpy(m.u.key_ready.spki,
			    privkey_info(k->priv)->spki_sha256,
			    sizeof(m.u.key_ready.spki));
		else
			memcpy(m.u.key_ready.text, k->text, sizeof(k->text));
		if (r == 0)
			r = proc_child_send_parent(s->pc, &m);
	}
	return (r);
}

static int
job(struct sign *s, const struct msg_sign_job *j)
{
	const struct key *k = key_find(s, j->gen, j->cert);
	const struct sig_alg *alg = sig_alg((enum sig_id)j->sig);
	struct msg m;
	size_t len = 0;
	int r;

	msg_init(&m, MSG_SIGN_DONE);
	m.u.sign_done.job = j->job;
	m.u.sign_done.verdict = MSG_REFUSED;
	if (k != NULL && k->priv != NULL && alg != NULL) {
		r = privkey_sign(k->priv, alg, j->octets.p, j->octets.len,
		    m.u.sign_done.signature.p,
		    sizeof(m.u.sign_done.signature.p), &len);
		if (r == 0) {
			m.u.sign_done.verdict = MSG_YES;
			m.u.sign_done.signature.len = (uint16_t)len;
		} else if (r != ERR_UNSUP) {
			m.u.sign_done.verdict = MSG_INTERNAL;
			log_warn_rate(1, "sign.failed certificate=%s alg=%s "
			    "error=\"%s\"", k->name, alg->name, err_text(r));
			s->lost |= r == ERR_UNAVAIL;
		}
	}
	return (proc_child_send_parent(s->pc, &m));
}

static int
on_parent(void *arg, struct msg *m, int fd)
{
	struct sign *s = arg;

	if (fd != -1)
		close(fd);
	if (m->type == MSG_SIGN_JOB)
		return (job(s, &m->u.sign_job));
	return (0);
}

/* Nobody else has a pipe to us. */
static int
on_peer(void *arg, enum role role, unsigned int index, struct msg *m, int fd)
{
	(void)arg;
	(void)role;
	(void)index;
	(void)m;
	if (fd != -1)
		close(fd);
	return (ERR_POLICY);
}

static void
on_shutdown(void *arg)
{
	struct sign *s = arg;

	s->stopping = 1;
	event_base_loopbreak(s->base);
}

/* ---- the process --------------------------------------------------------------------- */

static int
run(struct sign *s)
{
	struct proc_child_conf pcc = { .base = s->base, .role = ROLE_SIGN,
		.on_conf = on_conf, .on_parent = on_parent,
		.on_peer = on_peer, .on_shutdown = on_shutdown, .arg = s };
	int locked = privkey_init(), r;

	if ((r = proc_child_start(&s->pc, &pcc)) != 0 ||
	    (r = compute(s)) != 0)
		return (r);
	if (locked != 0)
		log_warn("sign.memlock what=\"private keys are in memory that "
		    "may be swapped out\"");
	if ((r = tokens_load(s)) != 0 || (r = proc_child_jail(s->pc)) != 0 ||
	    (r = proc_child_ready(s->pc)) != 0 || (r = tell_keys(s)) != 0)
		return (r);
	while (!s->stopping && !s->lost)
		if (event_base_loop(s->base, EVLOOP_ONCE) < 0)
			return (ERR_SYS);
	/* The PIN is forgotten by now: who starts us again gives it again. */
	if (s->lost)
		log_warn("sign.token what=\"a token does not answer: begun "
		    "anew\"");
	proc_child_flush(s->pc, 500);
	return (s->lost ? ERR_UNAVAIL : 0);
}

int
sign_main(void)
{
	struct sign s = { .stopping = 0 };
	struct key *k;
	int r;

	STAILQ_INIT(&s.keys);
	if ((s.base = event_base_new()) == NULL)
		return (1);
	r = run(&s);
	while ((k = STAILQ_FIRST(&s.keys)) != NULL) {
		STAILQ_REMOVE_HEAD(&s.keys, next);
		privkey_free(k->priv);
		secret_free(&k->password);
		free(k);
	}
	proc_child_free(s.pc);
	event_base_free(s.base);
	return (r == 0 ? 0 : 1);
}
