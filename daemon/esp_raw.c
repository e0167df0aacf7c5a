/*
 * Plain ESP, protocol 50: what differs from ESP in UDP. Runs in esp. In: a
 * datagram of a raw socket; out: the ESP packet in it. raw(7): IPv4 sockets
 * give the IP header too, IPv6 sockets (RFC 3542 3) never do. Sending needs
 * nothing special: the kernel writes the header.
 */
#include <string.h>

#include "daemon/esp_role.h"

int
esp_raw_strip(uint8_t family, const uint8_t **p, size_t *len, uint8_t *tos,
    struct addr *to)
{
	size_t hl;

	if (family == 6)
		return (0);
	if (*len < 20)
		return (ERR_SHORT);
	hl = (size_t)((*p)[0] & 15) * 4;
	if (hl < 20 || hl > *len)
		return (ERR_SHORT);
	*tos = (*p)[1];
	memcpy(to->ip, *p + 16, 4);
	*p += hl;
	*len -= hl;
	return (0);
}
