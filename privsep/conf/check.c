/*
 * What can only be checked when the whole file was read: references, what a
 * policy needs, what a headend needs. Pools: check_pool.c. Parent only.
 */
#include "privsep/conf/parse.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct pos
pos_of(const struct parser *p, enum block_id block, size_t obj,
    const char *keyword)
{
	const struct mark *m = mark_find(p, block, obj, keyword);

	if (m == NULL)
		m = mark_find(p, block, obj, NULL);
	return (m == NULL ? (struct pos){ 0, 0 } : m->val);
}

/* ---- files -------------------------------------------------------------- */
/* The likely file: the folder's entry with the nearest name. */
static void
guess_file(const char *path, const char *name, char *hint, size_t cap)
{
	const char *slash = strrchr(path, '/'), *base = strrchr(name, '/');
	char dir[2 * CONF_PATH_MAX + 2] = ".";
	struct dirent *e;
	struct guess g;
	DIR *d;

	hint[0] = '\0';
	if (slash != NULL)
		snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path + 1),
		    path);
	d = opendir(dir);
	if (d == NULL)
		return;
	guess_init(&g, base == NULL ? name : base + 1);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			guess_offer(&g, e->d_name);
	closedir(d);
	guess_text(&g, hint, cap);
}

int
file_check(struct parser *p, struct pos at, const char *name, int secret,
    char *path, size_t cap)
{
	char hint[300];
	struct stat st;

	path[0] = '\0';
	if (p->dir == NULL)
		return (0);
	if (name[0] == '/' || strcmp(p->dir, ".") == 0)
		snprintf(path, cap, "%s", name);
	else
		snprintf(path, cap, "%s/%s", p->dir, name);
	if (stat(path, &st) != 0) {
		int e = errno;

		guess_file(path, name, hint, sizeof(hint));
		conf_err(p, at, "file \"%s\": %s%s", path, strerror(e),
		    hint);
		return (ERR_CONF);
	}
	if (!S_ISREG(st.st_mode)) {
		conf_err(p, at, "\"%s\" is no regular file", path);
		return (ERR_CONF);
	}
	if (secret && (st.st_mode & (S_IROTH | S_IWOTH)) != 0) {
		conf_err(p, at, "\"%s\" holds secrets, and everybody may %s "
		    "it; mend with: chmod 0640 %s", name,
		    (st.st_mode & S_IROTH) != 0 ? "read" : "write", path);
		return (ERR_CONF);
	}
	return (0);
}

/* ---- references --------------------------------------------------------- */
static void
check_pool_name(struct parser *p, size_t i)
{
	struct conf_policy *pol = &p->c->policies[i];
	char hint[300];
	struct guess g;

	if (pol->pool_name[0] == '\0')
		return;
	guess_init(&g, pol->pool_name);
	for (size_t k = 0; k < p->c->n_pools; k++) {
		if (strcmp(p->c->pools[k].name, pol->pool_name) == 0) {
			pol->pool = (uint16_t)k;
			return;
		}
		guess_offer(&g, p->c->pools[k].name);
	}
	conf_err(p, pos_of(p, BLOCK_POLICY, i, "pool"), "no pool is called "
	    "\"%s\"%s", pol->pool_name, guess_text(&g, hint, sizeof(hint)));
}

static void
check_aaa_name(struct parser *p, size_t i)
{
	const struct conf_policy *pol = &p->c->policies[i];
	char hint[300];
	struct guess g;

	if (pol->aaa[0] == '\0' || strcmp(pol->aaa, "local") == 0)
		return;
	guess_init(&g, pol->aaa);
	guess_offer(&g, "local");
	for (size_t k = 0; k < p->c->n_aaas; k++) {
		if (strcmp(p->c->aaas[k].name, pol->aaa) == 0)
			return;
		guess_offer(&g, p->c->aaas[k].name);
	}
	conf_err(p, pos_of(p, BLOCK_POLICY, i, "aaa"), "no aaa is called "
	    "\"%s\"%s", pol->aaa, guess_text(&g, hint, sizeof(hint)));
}

/* ---- policies ----------------------------------------------------------- */
static void
check_auth(struct parser *p, size_t i)
{
	const struct conf_policy *pol = &p->c->policies[i];

	if ((pol->auth & CONF_AUTH_EAP) != 0)
		conf_err(p, pos_of(p, BLOCK_POLICY, i, "auth"), "policy "
		    "\"%s\" needs EAP, which this build does not have yet; it "
		    "has auth = psk and auth = certificate", pol->name);
	if (pol->auth == CONF_AUTH_PSK && pol->psk_file[0] == '\0' &&
	    mark_find(p, BLOCK_POLICY, i, "psk-file") == NULL)
		conf_err(p, pos_of(p, BLOCK_POLICY, i, "auth"), "policy "
		    "\"%s\" has auth = psk and no psk-file; add: psk-file = "
		    "%s.psk", pol->name, pol->name);
	if (pol->psk_file[0] != '\0' && pol->auth != 0 &&
	    (pol->auth & CONF_AUTH_PSK) == 0)
		conf_err(p, pos_of(p, BLOCK_POLICY, i, "psk-file"), "policy "
		    "\"%s\" has a psk-file; that goes with auth = psk only",
		    pol->name);
	if ((pol->auth & CONF_AUTH_PSK) != 0 && pol->psk_file[0] != '\0')
		psk_read(p, i);
}

static void
check_policy(struct parser *p, size_t i)
{
	struct conf_policy *pol = &p->c->policies[i];

	if (pol->server_id[0] == '\0' &&
	    mark_find(p, BLOCK_POLICY, i, "server-id") == NULL) {
		if (p->c->identity[0] == '\0' &&
		    mark_find(p, BLOCK_HEADEND, 0, "identity") == NULL)
			conf_err(p, pos_of(p, BLOCK_POLICY, i, "server-id"),
			    "policy \"%s\" has no server-id, and headend no "
			    "identity; add: headend { identity = "
			    "vpn.example.com }", pol->name);
		memcpy(pol->server_id, p->c->identity,
		    sizeof(pol->server_id));
	}
	check_auth(p, i);
	check_pool_name(p, i);
	check_aaa_name(p, i);
	if (pol->suite == SUITE_COMPATIBLE || pol->suite == SUITE_LEGACY)
		conf_warn(p, pos_of(p, BLOCK_POLICY, i, "suite"), "policy "
		    "\"%s\" accepts weak algorithms (suite = %s); every "
		    "session that uses them is marked", pol->name,
		    suite_name(pol->suite));
	if (pol->sessions_per_user == 0 &&
	    mark_find(p, BLOCK_POLICY, i, "evict") != NULL)
		conf_warn(p, pos_of(p, BLOCK_POLICY, i, "evict"), "policy "
		    "\"%s\": evict does nothing without sessions-per-user",
		    pol->name);
}

/* ---- headend ------------------------------------------------------------ */
static void
check_headend(struct parser *p)
{
	struct conf *c = p->c;
	int n;

	if (c->control_socket[0] == '\0') {
		n = snprintf(c->control_socket, sizeof(c->control_socket),
		    "%s/ctl.sock", c->run_dir);
		if (n < 0 || (size_t)n >= sizeof(c->control_socket))
			BUG("run-dir is bounded by the table");
	}
	if (c->n_pools == 0)
		conf_err(p, (struct pos){ 0, 0 }, "no pool, so that no client "
		    "can get an address; add: pool \"staff\" { ipv4 = "
		    "10.77.0.0/16 }");
	if (c->n_policies == 0)
		conf_err(p, (struct pos){ 0, 0 }, "no policy, so that no "
		    "client may log in; add: policy \"staff\" { auth = psk  "
		    "psk-file = staff.psk  pool = staff }");
	for (size_t i = 0; i < c->n_aaas; i++) {
		if (c->aaas[i].n_radius == 0)
			conf_err(p, pos_of(p, BLOCK_AAA, i, NULL), "aaa "
			    "\"%s\" has no radius block", c->aaas[i].name);
		if (strcmp(c->aaas[i].name, "local") == 0)
			conf_err(p, pos_of(p, BLOCK_AAA, i, NULL), "aaa "
			    "\"local\": this name means our own users");
	}
}

void
check_all(struct parser *p)
{
	check_headend(p);
	check_pools(p);
	for (size_t i = 0; i < p->c->n_policies; i++)
		check_policy(p, i);
	check_certs(p);
	check_shadows(p);
}
