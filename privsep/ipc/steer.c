/*
 * Steering rules shared by net, esp and the parent. Pure. DESIGN 6.
 */
#include "privsep/ipc/steer.h"

#include "privsep/base/buf.h"

#define FLAGS_AT 19
#define FLAG_I 0x08

unsigned int
steer_ike_worker(const uint8_t *p, size_t len, unsigned int n_net)
{
	const uint8_t *ours;
	uint32_t hi, lo;
	struct rd r;

	if (len < 28 || n_net <= 1)
		return (0);
	ours = p[FLAGS_AT] & FLAG_I ? p + 8 : p;
	rd_init(&r, ours, 8);
	if (rd_u32(&r, &hi) || rd_u32(&r, &lo))
		return (0);
	if ((hi | lo) != 0)
		return (ours[7] % n_net);
	rd_init(&r, p, 8);
	if (rd_u32(&r, &hi) || rd_u32(&r, &lo))
		return (0);
	return ((hi ^ lo) % n_net);
}

unsigned int
steer_esp_worker(uint32_t spi)
{
	return (spi & 15);
}

unsigned int
steer_spi_net(uint32_t spi)
{
	return (spi >> 4 & 15);
}
