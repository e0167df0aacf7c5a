/* segment(coalesce(x)) == x, for every train of packets x. */
#include "regress/fuzz/esp_gro.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	unsigned int merged;

	if (gg_round(data, len, &merged) != 0)
		abort();
	return (0);
}
