/*
 * CRLs on disk, for the next start. In: the process's own folder, which is its
 * root; out: the same. Runs in pki.
 *
 * A file is called by the SHA-256 of its URL and holds the CRL's DER, the
 * certificate of its issuer, and the URL, so that the list of a running session
 * is refreshed although nobody logs in. What is read is believed no more than
 * what comes from a URL: it is parsed by the same code, and waits for an issuer
 * that signed it, and whom an anchor stands behind.
 */
#include "daemon/pki_revoke.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "privsep/base/log.h"

#define NAME_LEN (2 * HASH_LEN + 4) /* hex and ".crl" */
#define FILES_MAX 4096              /* looked at in the folder */
#define URL_CAP 1001

static void
name_of(char name[NAME_LEN + 1], const uint8_t hash[HASH_LEN])
{
	struct txt t;

	txt_init(&t, name, NAME_LEN + 1);
	txt_hex(&t, hash, HASH_LEN);
	txt_str(&t, ".crl");
}

static int
hex_of(uint8_t hash[HASH_LEN], const char *name)
{
	static const char digits[] = "0123456789abcdef";
	const char *a, *b;

	if (strlen(name) != NAME_LEN || strcmp(name + 2 * HASH_LEN, ".crl") != 0)
		return (ERR_SYNTAX);
	for (size_t i = 0; i < HASH_LEN; i++) {
		a = strchr(digits, name[2 * i]);
		b = strchr(digits, name[2 * i + 1]);
		if (a == NULL || b == NULL)
			return (ERR_SYNTAX);
		hash[i] = (uint8_t)((a - digits) << 4 | (b - digits));
	}
	return (0);
}

static int
read_all(int fd, uint8_t **out, size_t *len, uint64_t *mtime)
{
	struct stat st;
	uint8_t *p;
	size_t n = 0;
	ssize_t got;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
	    (uint64_t)st.st_size > CRL_MAX)
		return (ERR_SYNTAX);
	*mtime = (uint64_t)st.st_mtime;
	*len = (size_t)st.st_size;
	if ((p = malloc(*len)) == NULL)
		return (ERR_NOMEM);
	while (n < *len && (got = read(fd, p + n, *len - n)) > 0)
		n += (size_t)got;
	if (n < *len) {
		free(p);
		return (ERR_SHORT);
	}
	*out = p;
	return (0);
}

/* How much of it is one DER object: what its outermost header says. 0: none
 * begins there. */
static size_t
der_len(const uint8_t *p, size_t len)
{
	size_t n, v = 0;

	if (len < 2 || p[0] != 0x30)
		return (0);
	if (p[1] < 0x80)
		return ((size_t)p[1] + 2 <= len ? (size_t)p[1] + 2 : 0);
	n = p[1] & 0x7f;
	if (n == 0 || n > 4 || len < 2 + n)
		return (0);
	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[2 + i];
	return (v <= len - 2 - n ? v + 2 + n : 0);
}

/* What follows the DER is the URL that the file is called by, or nothing. */
static int
url_of(char url[URL_CAP], const uint8_t *p, size_t len,
    const uint8_t hash[HASH_LEN])
{
	uint8_t h[HASH_LEN];

	url[0] = '\0';
	if (len == 0)
		return (0);
	if (len >= URL_CAP)
		return (ERR_LIMIT);
	revoke_hash(h, p, len, "", 0);
	if (memcmp(h, hash, HASH_LEN) != 0 || memchr(p, '\0', len) != NULL)
		return (ERR_SYNTAX);
	memcpy(url, p, len);
	url[len] = '\0';
	return (0);
}

/* One file of the folder. ERR_*: it is of no use. */
static int
take_file(struct pki *k, const char *name)
{
	char url[URL_CAP];
	struct revoke *r = revoke_of(k);
	uint8_t hash[HASH_LEN], issuer[HASH_LEN], *p = NULL;
	struct cert *was = NULL;
	struct crl_slot *s;
	struct crl *crl;
	uint64_t mtime;
	size_t len, der, end = 0;
	int fd, err;

	if ((err = hex_of(hash, name)) != 0)
		return (err);
	if ((fd = openat(r->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC)) < 0)
		return (ERR_SYS);
	err = read_all(fd, &p, &len, &mtime);
	close(fd);
	der = err == 0 ? der_len(p, len) : 0;
	if (err == 0) {
		end = der + der_len(p + der, len - der);
		err = der > 0 ? url_of(url, p + end, len - end, hash) :
		    ERR_SYNTAX;
	}
	if (err == 0 && end > der)
		err = cert_parse(&was, p + der, end - der);
	if (err == 0)
		err = crl_parse(&crl, p, der);
	free(p);
	if (err == 0) {
		crl_issuer_hash(crl, issuer);
		err = crl_slot_put(k, hash, url[0] != '\0' ? url : NULL, crl,
		    NULL);
	}
	if (err == 0 && (s = crl_slot_of(r, hash, issuer)) != NULL) {
		s->used_s = mtime;
		cert_free(s->was);
		s->was = was;
		was = NULL;
	}
	cert_free(was);
	return (err);
}

void
crl_disk_init(struct pki *k)
{
	struct revoke *r = revoke_of(k);
	struct dirent *e;
	size_t seen = 0, kept = 0;
	char *dot;
	DIR *d;
	int fd, err;

	/* After chroot and chdir this is the root folder. */
	r->dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = r->dir >= 0 ? openat(r->dir, ".", O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC) : -1;
	if (fd < 0 || (d = fdopendir(fd)) == NULL) {
		log_warn("crl.cache error=\"the folder cannot be read\"");
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(d)) != NULL && seen++ < FILES_MAX) {
		dot = strrchr(e->d_name, '.');
		if (dot == NULL || e->d_name[0] == '.')
			continue;
		if (strcmp(dot, ".new") == 0) { /* we ended while writing */
			(void)unlinkat(r->dir, e->d_name, 0);
			continue;
		}
		if (strcmp(dot, ".crl") != 0)
			continue;
		if (r->n_urls >= CRL_SLOTS_MAX || r->bytes >= CRL_BYTES_MAX)
			err = ERR_LIMIT;
		else
			err = take_file(k, e->d_name);
		if (err == 0) {
			kept++;
			continue;
		}
		log_warn_rate(5, "crl.cache.removed error=\"%s\"",
		    err_text(err));
		(void)unlinkat(r->dir, e->d_name, 0);
	}
	closedir(d);
	log_info("crl.cache read=%zu", kept);
}

static int
write_all(int fd, const void *v, size_t len)
{
	const uint8_t *p = v;
	ssize_t put;

	for (; len > 0; p += put, len -= (size_t)put)
		if ((put = write(fd, p, len)) <= 0)
			return (ERR_SYS);
	return (0);
}

void
crl_disk_write(struct pki *k, const struct crl_slot *s)
{
	struct revoke *r = revoke_of(k);
	char name[NAME_LEN + 1], temp[NAME_LEN + 1];
	const char *url = s->url != NULL ? s->url : "";
	const uint8_t *p, *by = NULL;
	size_t len, by_len = 0;
	int fd, err;

	if (s->from_file || r->dir < 0)
		return;
	if (s->signer != NULL)
		by = cert_der(s->signer, &by_len);
	name_of(name, s->url_hash);
	memcpy(temp, name, sizeof(temp));
	memcpy(temp + 2 * HASH_LEN, ".new", 4);
	p = crl_der(s->crl, &len);
	fd = openat(r->dir, temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	err = fd < 0 || write_all(fd, p, len) ||
	    write_all(fd, by, by_len) || write_all(fd, url, strlen(url));
	if (fd >= 0)
		close(fd);
	/* Not synchronous: what a crash spoils is seen when it is read. */
	if (err || renameat(r->dir, temp, r->dir, name) != 0) {
		log_warn_rate(1, "crl.cache error=\"cannot be written\"");
		(void)unlinkat(r->dir, temp, 0);
	}
}

void
crl_disk_remove(struct pki *k, const struct crl_slot *s)
{
	struct revoke *r = revoke_of(k);
	char name[NAME_LEN + 1];

	if (s->from_file || r->dir < 0)
		return;
	name_of(name, s->url_hash);
	(void)unlinkat(r->dir, name, 0);
}
