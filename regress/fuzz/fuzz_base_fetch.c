/* URLs of strangers' certificates, and /etc/hosts: what is taken is http, has a
 * host and a port, and no byte that a second reader could see otherwise. */
#include <stdlib.h>
#include <string.h>

#include "daemon/fetch_url.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct addr v[FETCH_ADDRS_MAX];
	struct fetch_hosts *h;
	struct fetch_url u;
	const char *why;
	char *s = malloc(size + 1);

	if (s == NULL)
		return (0);
	memcpy(s, data, size);
	s[size] = '\0';
	if (fetch_url_parse(&u, s, &why) == 0) {
		if (u.host[0] == '\0' || u.port == 0 ||
		    strncasecmp(s, "http://", 7) != 0 ||
		    strpbrk(s, " \r\n\t\\\"") != NULL ||
		    memchr(s + 7, '@', strcspn(s + 7, "/?#")) != NULL)
			abort();
	} else if (why == NULL) {
		abort();
	}
	if (fetch_hosts_parse(&h, s, size) != 0 ||
	    fetch_hosts_find(h, u.host, v, FETCH_ADDRS_MAX) > FETCH_ADDRS_MAX)
		abort();
	fetch_hosts_free(h);
	free(s);
	return (0);
}
