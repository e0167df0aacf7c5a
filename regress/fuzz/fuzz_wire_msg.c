/* A datagram: header, chain, every typed parser, print. */
#include "regress/fuzz/wire_all.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct chain c;
	struct ike_hdr h, h2;
	char line[300];
	struct txt t;
	struct wr w;
	uint8_t hdr[IKE_HDR_LEN];
	int err;

	txt_init(&t, line, sizeof(line));
	wire_print(&t, data, size);
	MUST(strlen(line) == t.len && t.len < sizeof(line));
	for (size_t i = 0; i < t.len; i++)
		MUST(line[i] >= 0x20 && line[i] < 0x7f);
	memset(&h, 0, sizeof(h));
	memset(&h2, 0, sizeof(h2));
	if (wire_hdr_parse(&h, data, size) != 0)
		return (0);
	wr_init(&w, hdr, sizeof(hdr));
	MUST(wire_hdr_build(&w, &h) == 0 && memcmp(hdr, data, w.len) == 0);
	MUST(wire_hdr_check(&h, size) != 0 || h.length == size);
	err = wire_chain_parse(&c, h.next, data + IKE_HDR_LEN,
	    size - IKE_HDR_LEN);
	MUST(c.n <= CHAIN_MAX && (err != ERR_CRITICAL || c.unknown_critical));
	wire_all(&c);
	return (0);
}
