/*
 * Verified fragments into the reassembly: number, total, next payload, length,
 * bytes. What comes out is what went in, and nothing exceeds its caps.
 */
#include "regress/fuzz/ike_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
one(struct ctx *x, const struct skf *f, uint8_t next, const uint8_t *p)
{
	const struct frags *fr;
	uint8_t first = 0;
	size_t len = 0, had = 0;

	if (ike_frag_want(x, f, next) != 0)
		return;
	fr = fsa->frags;
	if (fr != NULL && fr->msgid == x->h.msgid && fr->total == f->total)
		had = fr->plain;
	if (ike_frag_add(x, f, next, p, f->len, &first, &len) == 0) {
		MUST(len == had + f->len && len <= sizeof(fe->in));
		MUST(first != PL_NONE && fsa->frags == NULL);
		if (f->num == f->total)
			MUST(memcmp(fe->in + len - f->len, p, f->len) == 0);
	}
	MUST(fsa->frags == NULL || (fsa->frags->bytes <= FRAG_SA_BYTES &&
	    fsa->frags->have < fsa->frags->total));
	MUST(fe->frag_bytes == (fsa->frags ? fsa->frags->bytes : 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[8192];
	struct skf f = { 0, 0, NULL, 0 };
	uint8_t num, total, next, id;
	struct ctx x;
	uint16_t len;
	struct rd r;

	f_open();
	memset(&x, 0, sizeof(x));
	x.e = fe;
	x.sa = fsa;
	rd_init(&r, data, size);
	while (rd_u8(&r, &num) == 0 && rd_u8(&r, &total) == 0 &&
	    rd_u8(&r, &next) == 0 && rd_u8(&r, &id) == 0 &&
	    rd_u16(&r, &len) == 0) {
		f.num = num;
		f.total = total;
		f.len = len % sizeof(bytes);
		memset(bytes, num, f.len);
		x.h.msgid = id & 1;
		one(&x, &f, next, bytes);
	}
	ike_engine_free(fe);
	return (0);
}
