/*
 * Any bytes as a message: what decodes prints, and encodes to the same bytes.
 * Corpus: none is kept; the first two bytes are the type, so the fuzzer finds
 * every message by itself within seconds.
 */
#include <stdlib.h>
#include <string.h>

#include "privsep/ipc/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static uint8_t again[MSG_WIRE_MAX];
	static struct msg m;
	static int ready;
	char line[2048];
	struct txt t;
	struct wr w;

	if (!ready && secret_slab_init(64 * 1024))
		abort();
	ready = 1;
	if (len <= sizeof(again) && msg_decode(&m, p, len) == 0) {
		txt_init(&t, line, sizeof(line));
		msg_print(&t, &m);
		wr_init(&w, again, sizeof(again));
		if (msg_encode(&m, &w) || w.len != len ||
		    memcmp(again, p, len) != 0)
			abort();
		msg_clear(&m);
	}
	if (secret_used() != 0)
		abort();
	return (0);
}
