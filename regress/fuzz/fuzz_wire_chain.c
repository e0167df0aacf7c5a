/*
 * A decrypted payload chain: the first byte is SK's Next Payload. Legality,
 * typed parsers; SA, TS, CP and Notify that are built again are the same.
 */
#include "regress/fuzz/wire_all.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct chain c;
	size_t used = 0;
	int err;

	if (size == 0)
		return (0);
	err = wire_chain_parse(&c, data[0], data + 1, size - 1);
	for (size_t i = 0; i < c.n; i++) {
		MUST(wire_chain_get(&c, c.v[i].type, 0) != NULL);
		used += c.v[i].len + 4;
	}
	/* A chain that parses covers the bytes exactly. */
	MUST((err != 0 && err != ERR_CRITICAL) || used == size - 1);
	wire_all(&c);
	return (0);
}
