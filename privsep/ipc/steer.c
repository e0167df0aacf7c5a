/*
 * The steering rule of IKE and ESP datagrams (DESIGN 6). Pure; net and esp. In:
 * a datagram that came to the wrong worker; out: whose it is.
 */
#include "privsep/ipc/steer.h"

#define IKE_HDR_LEN 28
#define IKE_FLAGS_AT 19
#define IKE_FLAG_I 0x08

static uint32_t
get32(const uint8_t *p)
{
	return ((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3]);
}

unsigned int
steer_ike_worker(const uint8_t *p, size_t len, unsigned int n_net)
{
	const uint8_t *ours;
	uint32_t hash;

	if (len < IKE_HDR_LEN || n_net < 2)
		return (0);
	ours = p[IKE_FLAGS_AT] & IKE_FLAG_I ? p + 8 : p;
	if ((get32(ours) | get32(ours + 4)) != 0)
		return ((get32(ours + 4) & STEER_INDEX_MASK) % n_net);
	hash = (get32(p) ^ get32(p + 4)) * STEER_HASH;
	return ((hash >> 16) % n_net);
}

unsigned int
steer_esp_worker(uint32_t spi)
{
	return (spi & STEER_INDEX_MASK);
}
