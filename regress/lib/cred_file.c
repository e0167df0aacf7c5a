/*
 * A client's certificates and its key from files, for ghclient. In: names of
 * PEM or DER files. Out: a credential that lives as long as the process.
 */
#include <stdio.h>

#include "privsep/crypto/cert.h"
#include "privsep/crypto/prf.h"
#include "regress/lib/init_int.h"

static int
file_read(const char *path, uint8_t *p, size_t cap, size_t *len, char *why,
    size_t why_cap)
{
	FILE *f = fopen(path, "r");

	if (f == NULL) {
		snprintf(why, why_cap, "%s: cannot be opened", path);
		return (ERR_NOENT);
	}
	*len = fread(p, 1, cap, f);
	fclose(f);
	return (0);
}

int
init_cred_load(struct init_cred *c, const char *chain, const char *key,
    const char *password, char *why, size_t cap)
{
	struct secret pass = { NULL, 0, 0 };
	static uint8_t buf[65536];
	struct cert_list *l;
	size_t n;
	int err;

	if ((err = file_read(chain, buf, sizeof(buf), &n, why, cap)) != 0)
		return (err);
	NEED((l = calloc(1, sizeof(*l))) != NULL);
	if ((err = cert_read(l, buf, n, NULL)) != 0) {
		snprintf(why, cap, "%s: no certificate", chain);
		cert_list_clear(l);
		free(l);
		return (err);
	}
	c->n_certs = 0;
	for (size_t i = 0; i < l->n && i < INIT_CERTS; i++) {
		c->certs[i].p = cert_der(l->v[i], &c->certs[i].len);
		c->n_certs++;
	}
	if ((err = file_read(key, buf, sizeof(buf), &n, why, cap)) != 0)
		return (err);
	if (password != NULL) {
		NEED(secret_new(&pass, strlen(password)) == 0);
		memcpy(pass.p, password, pass.len);
	}
	err = privkey_load(&c->key, buf, n, &pass, why, cap);
	secret_free(&pass);
	return (err);
}

int
init_cred_certreq(struct init_cred *c, const char *ca, char *why, size_t cap)
{
	static uint8_t buf[65536];
	struct cert_list *l;
	uint8_t *p;
	size_t n;
	int err;

	if ((err = file_read(ca, buf, sizeof(buf), &n, why, cap)) != 0)
		return (err);
	NEED((l = calloc(1, sizeof(*l))) != NULL);
	NEED((p = malloc(20)) != NULL);
	if ((err = cert_read(l, buf, n, NULL)) != 0) {
		snprintf(why, cap, "%s: no certificate", ca);
		free(p);
	} else {
		memcpy(p, pubkey_info(cert_key(l->v[0]))->spki_sha1, 20);
		c->certreq = (struct init_blob){ p, 20 };
	}
	cert_list_clear(l);
	free(l);
	return (err);
}

int
init_cred_replay(struct init_cred *c, const char *hex)
{
	size_t n = strlen(hex) / 2;
	unsigned int b;
	uint8_t *p;

	if (n == 0)
		return (ERR_SYNTAX);
	NEED((p = malloc(n)) != NULL);
	for (size_t i = 0; i < n; i++) {
		if (sscanf(hex + 2 * i, "%2x", &b) != 1) {
			free(p);
			return (ERR_SYNTAX);
		}
		p[i] = (uint8_t)b;
	}
	c->replay = (struct init_blob){ p, n };
	c->knobs |= CK_REPLAY;
	return (0);
}

void
init_cred_url(struct init_cred *c, const char *url)
{
	const struct piece der = { c->certs[0].p, c->certs[0].len };
	size_t len = strlen(url);
	uint8_t *p;

	NEED((p = malloc(20 + len + 1)) != NULL);
	NEED(hash_sha1(&der, 1, p) == 0);
	memcpy(p + 20, url, len);
	c->hash_url = (struct init_blob){ p, 20 + len };
}
