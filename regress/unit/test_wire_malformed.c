/*
 * Malformed and odd inputs, one numbered row each. The number is the check's
 * in the project's responder conformance list; 0: ours alone. "ok" rows show
 * what must not be refused.
 */
#include <check.h>

#include "regress/unit/wire_util.h"

static uint8_t buf[65536];
static struct chain c;

struct row {
	int check;
	const char *what, *hex;
	int want;
};

static struct payload
payload(const char *hex)
{
	struct payload p = { .body = buf };

	p.len = unhex(hex, buf, sizeof(buf));
	return (p);
}

#define ROW(tab) (&(tab)[_i])
#define EXPECT(got, r)                                                  \
	ck_assert_msg((got) == (r)->want, "row %d, check %d, %s: %s, want %s", \
	    _i, (r)->check, (r)->what, err_text(got), err_text((r)->want))

/* ---- header: 28 bytes; Length is in the last four ---- */
#define SPIS "*16 01 21 20 22 08 00000000 "
static const struct row hdrs[] = {
	{ 16, "no bytes", "", ERR_SHORT },
	{ 16, "one byte", "ff", ERR_SHORT },
	{ 16, "27 bytes", "*27 01", ERR_SHORT },
	{ 15, "Length 0", SPIS "00000000", ERR_SYNTAX },
	{ 15, "Length 27", SPIS "0000001b", ERR_SYNTAX },
	{ 13, "Length behind the datagram", SPIS "0000001d", ERR_SYNTAX },
	{ 13, "Length 2^32-1", SPIS "ffffffff", ERR_SYNTAX },
	{ 14, "Length before the datagram's end", SPIS "0000001c 00",
	    ERR_SYNTAX },
	{ 17, "ok: any exchange type parses", "*16 01 21 20 ff ff *4 ff "
	    "0000001c", 0 },
	{ 1, "ok", SPIS "0000001c", 0 },
};

START_TEST(header)
{
	const struct row *r = ROW(hdrs);
	struct ike_hdr h;
	size_t len = unhex(r->hex, buf, sizeof(buf));
	int err = wire_hdr_parse(&h, buf, len);

	EXPECT(err != 0 ? err : wire_hdr_check(&h, len), r);
}
END_TEST

/* ---- chain: byte 0 is the first payload's type ---- */
static const struct row chains[] = {
	{ 164, "ok: empty", "00", 0 },
	{ 34, "bytes and no payload", "00 00000004", ERR_SYNTAX },
	{ 34, "a payload and no bytes", "29", ERR_SYNTAX },
	{ 34, "ends early", "29 00000004 00", ERR_SYNTAX },
	{ 34, "ends late", "29 29000004", ERR_SYNTAX },
	{ 32, "length 0", "29 00000000", ERR_SYNTAX },
	{ 32, "length 3", "29 00000003", ERR_SYNTAX },
	{ 33, "length overruns by one", "29 00000005", ERR_SYNTAX },
	{ 33, "length 65535", "29 0000ffff 00", ERR_SYNTAX },
	{ 33, "half a generic header", "29 0000", ERR_SYNTAX },
	{ 26, "ok: unknown 1, 32, 49, 255", "01 20000004 31000004 ff000004 "
	    "00000004", 0 },
	{ 27, "unknown critical 1", "01 00800004", ERR_CRITICAL },
	{ 27, "unknown critical 200 between", "28 c8000004 29800004 "
	    "00000004", ERR_CRITICAL },
	{ 27, "unknown critical, and syntax", "c8 29800004 00000003",
	    ERR_SYNTAX },
	{ 28, "ok: critical on a known payload", "29 00800004", 0 },
	{ 29, "ok: RESERVED bits", "29 2b7f0004 007f0004", 0 },
	{ 31, "ok: any order", "28 22000004 21000004 00000004", 0 },
	{ 39, "a payload behind SK", "2e 29000004 00000004", ERR_SYNTAX },
	{ 39, "a payload behind SKF", "35 29000004 00000004", ERR_SYNTAX },
	{ 38, "ok: SK ends the chain", "29 2e000004 21000006 0000", 0 },
	{ 180, "ok: unknown payloads, then SKF", "c8 c8000004 35000004 "
	    "21000006 0000", 0 },
	{ 195, "ok: empty Vendor ID", "2b 00000004", 0 },
};

START_TEST(chain)
{
	const struct row *r = ROW(chains);
	size_t len = unhex(r->hex, buf, sizeof(buf));

	memset(&c, 0xff, sizeof(c));
	EXPECT(wire_chain_parse(&c, buf[0], buf + 1, len - 1), r);
	ck_assert_uint_le(c.n, CHAIN_MAX);
	if (r->want == ERR_CRITICAL)
		ck_assert(c.unknown_critical == 1 ||
		    c.unknown_critical == 200);
}
END_TEST

/* 36: the array holds CHAIN_MAX and not one more; CVE-2026-12413's class. */
START_TEST(chain_limit)
{
	static struct build b;
	int want;

	for (size_t n = CHAIN_MAX - 1; n <= CHAIN_MAX + 1; n++) {
		build_init(&b);
		for (size_t i = 0; i < n; i++)
			ck_assert_int_eq(wire_put_bytes(&b.c, 200, "x", 1), 0);
		want = n > CHAIN_MAX ? ERR_LIMIT : 0;
		ck_assert_int_eq(build_parse(&b, &c), want);
		ck_assert_uint_eq(c.n, n > CHAIN_MAX ? CHAIN_MAX : n);
	}
	build_init(&b);
	for (size_t i = 0; i < CHAIN_MAX; i++)
		ck_assert_int_eq(wire_put_bytes(&b.c, 200, "x", 1), 0);
	ck_assert_int_eq(wire_put_bytes(&b.c, PL_SKF, "\0\1\0\1", 4), 0);
	ck_assert_int_eq(build_parse(&b, &c), ERR_LIMIT);
}
END_TEST

/* ---- legality: the payload types of a message, in hex ---- */
static const struct {
	int check;
	enum legal_place place;
	const char *types;
	int want;
	uint8_t which;
} legals[] = {
	{ 1, LEGAL_INIT_REQ, "212228", 0, 0 },
	{ 31, LEGAL_INIT_REQ, "292b2822292921 2b", 0, 0 },
	{ 26, LEGAL_INIT_REQ, "01202122c828ff", 0, 0 },
	{ 35, LEGAL_INIT_REQ, "21212228", ERR_SYNTAX, PL_SA },
	{ 35, LEGAL_INIT_REQ, "21222822", ERR_SYNTAX, PL_KE },
	{ 35, LEGAL_INIT_REQ, "21282228", ERR_SYNTAX, PL_NONCE },
	{ 37, LEGAL_INIT_REQ, "2228", ERR_SYNTAX, PL_SA },
	{ 37, LEGAL_INIT_REQ, "2128", ERR_SYNTAX, PL_KE },
	{ 37, LEGAL_INIT_REQ, "2122", ERR_SYNTAX, PL_NONCE },
	{ 37, LEGAL_INIT_REQ, "", ERR_SYNTAX, PL_SA },
	{ 38, LEGAL_INIT_REQ, "2122282e", ERR_SYNTAX, PL_SK },
	{ 0, LEGAL_INIT_REQ, "21222827", ERR_SYNTAX, PL_AUTH },
	{ 0, LEGAL_INIT_RESP, "29", 0, 0 },
	{ 0, LEGAL_INIT_RESP, "2122282626", 0, 0 },
	{ 2, LEGAL_AUTH_REQ, "23252525262427292f212c2d", 0, 0 },
	{ 119, LEGAL_AUTH_REQ, "232f212c2d", 0, 0 },
	{ 120, LEGAL_AUTH_REQ, "30", 0, 0 },
	{ 122, LEGAL_AUTH_REQ, "27", 0, 0 },
	{ 35, LEGAL_AUTH_REQ, "2323", ERR_SYNTAX, PL_IDI },
	{ 35, LEGAL_AUTH_REQ, "232727", ERR_SYNTAX, PL_AUTH },
	{ 35, LEGAL_AUTH_REQ, "232c2c", ERR_SYNTAX, PL_TSI },
	{ 35, LEGAL_AUTH_REQ, "232d2d", ERR_SYNTAX, PL_TSR },
	{ 40, LEGAL_AUTH_REQ, "232e", ERR_SYNTAX, PL_SK },
	{ 40, LEGAL_AUTH_REQ, "2335", ERR_SYNTAX, PL_SKF },
	{ 0, LEGAL_AUTH_REQ, "232a", ERR_SYNTAX, PL_DELETE },
	{ 0, LEGAL_AUTH_RESP, "242527212c2d2f29", 0, 0 },
	{ 0, LEGAL_AUTH_RESP, "23", ERR_SYNTAX, PL_IDI },
	{ 147, LEGAL_CHILD_REQ, "29212822 2c2d", 0, 0 },
	{ 152, LEGAL_CHILD_REQ, "212822", 0, 0 },
	{ 37, LEGAL_CHILD_REQ, "212c2d", ERR_SYNTAX, PL_NONCE },
	{ 37, LEGAL_CHILD_REQ, "282c2d", ERR_SYNTAX, PL_SA },
	{ 0, LEGAL_CHILD_REQ, "212823", ERR_SYNTAX, PL_IDI },
	{ 0, LEGAL_CHILD_RESP, "29", 0, 0 },
	{ 164, LEGAL_INFO_REQ, "", 0, 0 },
	{ 162, LEGAL_INFO_REQ, "2a2a29", 0, 0 },
	{ 0, LEGAL_INFO_REQ, "21", ERR_SYNTAX, PL_SA },
	{ 0, LEGAL_INFO_RESP, "2a29", 0, 0 },
};

START_TEST(legal)
{
	uint8_t types[32], which = 0;
	int err;

	c.n = (uint16_t)unhex(legals[_i].types, types, sizeof(types));
	for (size_t i = 0; i < c.n; i++)
		c.v[i] = (struct payload){ .type = types[i], .body = types };
	err = wire_chain_legal(&c, legals[_i].place, &which);
	ck_assert_msg(err == legals[_i].want && which == legals[_i].which,
	    "row %d, check %d: %s, payload %u", _i, legals[_i].check,
	    err_text(err), which);
}
END_TEST

/* ---- SA ---- */
/* proposal header: last 0 len num proto spisize transforms */
#define ENCR256 "000c 01 00 0014 800e0100 "
#define LAST_KE "0000 0008 04 00 001f "
static const struct row sas[] = {
	{ 41, "ok", "00000020 01010002 03 00" ENCR256 "0000 000c 04 00 001f "
	    "800e0080", 0 },
	{ 41, "ok: two transforms", "0000001c 01010002 0300" ENCR256
	    LAST_KE, 0 },
	{ 30, "ok: RESERVED everywhere", "00ff001c 01010002 03ff 000c 01 ff "
	    "0014 800e0100 00ff 0008 04 ff 001f", 0 },
	{ 37, "no proposal", "", ERR_SYNTAX },
	{ 55, "count says one, two are there", "0000001c 01010001 0300"
	    ENCR256 LAST_KE, ERR_SYNTAX },
	{ 55, "count says three, two are there", "0000001c 01010003 0300"
	    ENCR256 LAST_KE, ERR_SYNTAX },
	{ 55, "count says 255, none is there", "00000008 010100ff",
	    ERR_SYNTAX },
	{ 55, "ok: count 0, none is there", "00000008 01010000", 0 },
	{ 56, "ok to parse: SPI of 8 bytes", "00000018 01010801 *8 11 "
	    LAST_KE, 0 },
	{ 56, "SPI size behind the end", "00000008 0101ff00", ERR_SYNTAX },
	{ 56, "SPI takes the transforms", "00000010 01010901 *8 11",
	    ERR_SYNTAX },
	{ 57, "ok to parse: proto ESP", "00000010 01030001" LAST_KE, 0 },
	{ 58, "proposal length 0", "00000000 01010001" LAST_KE, ERR_SYNTAX },
	{ 58, "proposal length 7", "00000007 01010000", ERR_SYNTAX },
	{ 58, "proposal length overruns", "00000011 01010001" LAST_KE,
	    ERR_SYNTAX },
	{ 58, "proposal length falls short", "0000000f 01010001" LAST_KE,
	    ERR_SYNTAX },
	{ 58, "Last Substruc 2 on the last", "02000010 01010001" LAST_KE,
	    ERR_SYNTAX },
	{ 58, "Last Substruc 0, and one more", "00000010 01010001" LAST_KE
	    "00000010 02010001" LAST_KE, ERR_SYNTAX },
	{ 58, "Last Substruc 1", "01000010 01010001" LAST_KE, ERR_SYNTAX },
	{ 58, "Last Substruc 3 on a proposal", "03000010 01010001" LAST_KE
	    "00000010 02010001" LAST_KE, ERR_SYNTAX },
	{ 43, "ok: two proposals", "02000010 01010001" LAST_KE
	    "00000010 02010001" LAST_KE, 0 },
	{ 59, "ok to parse: number 7, then 0", "02000010 07010001" LAST_KE
	    "00000010 00010001" LAST_KE, 0 },
	{ 58, "transform Last 3 on the last", "00000010 01010001 "
	    "0300 0008 04 00 001f", ERR_SYNTAX },
	{ 58, "transform Last 0, and one more", "00000018 01010002 "
	    "0000 0008 04 00 001f" LAST_KE, ERR_SYNTAX },
	{ 58, "transform Last 2", "00000018 01010002 "
	    "0200 0008 04 00 001f" LAST_KE, ERR_SYNTAX },
	{ 58, "transform length 7", "0000000f 01010001 0000 0007 04 00 00",
	    ERR_SYNTAX },
	{ 58, "transform length 0", "00000010 01010001 0000 0000 04 00 001f",
	    ERR_SYNTAX },
	{ 58, "transform length overruns", "00000010 01010001 0000 0009 04 00 "
	    "001f", ERR_SYNTAX },
	{ 50, "half an attribute", "00000012 01010001 0000 000a 01 00 0014 "
	    "800e", ERR_SYNTAX },
	{ 50, "TLV overruns", "00000014 01010001 0000 000c 01 00 0014 "
	    "000e0001", ERR_SYNTAX },
	{ 50, "TLV length 65535", "00000016 01010001 0000 000e 01 00 0014 "
	    "000effff 0100", ERR_SYNTAX },
	{ 48, "ok to parse: transform type 99", "00000010 01010001 "
	    "0000 0008 63 00 001f", 0 },
	{ 60, "ok to parse: no KE", "00000014 01010001 0000 000c 01 00 0014 "
	    "800e0100", 0 },
};

START_TEST(sa)
{
	const struct row *r = ROW(sas);
	size_t len = unhex(r->hex, buf, sizeof(buf));

	EXPECT(wire_sa_check(buf, len), r);
}
END_TEST

/* One transform's attributes: what is never to be chosen says bad_attr. */
static const struct {
	int check;
	const char *attrs;
	uint8_t has_bits, bad_attr;
	uint16_t bits;
} attrs[] = {
	{ 51, "", 0, 0, 0 },
	{ 45, "800e0100", 1, 0, 256 },
	{ 53, "800e0000", 1, 0, 0 },
	{ 53, "800e007f", 1, 0, 127 },
	{ 53, "800effff", 1, 0, 65535 },
	{ 54, "800e0100 800e0100", 1, 1, 256 },
	{ 54, "800e0100 800e0080", 1, 1, 256 },
	{ 50, "800f0100", 0, 1, 0 },
	{ 50, "ffff0000", 0, 1, 0 },
	{ 50, "800e0080 80010001", 1, 1, 128 },
	{ 50, "000e0002 0100", 0, 1, 0 },
	{ 50, "000e0000", 0, 1, 0 },
	{ 50, "00630004 01020304 800e0100", 1, 1, 256 },
};

START_TEST(attr)
{
	uint8_t a[32];
	size_t len = unhex(attrs[_i].attrs, a, sizeof(a));
	struct transform t;
	struct wr w;
	struct rd r;

	wr_init(&w, buf, sizeof(buf));
	ck_assert_int_eq(wr_u16(&w, 0) || wr_u16(&w, (uint16_t)(8 + len)) ||
	    wr_u16(&w, 0x0100) || wr_u16(&w, 20) || wr_copy(&w, a, len), 0);
	rd_init(&r, buf, w.len);
	ck_assert_int_eq(wire_transform_next(&r, &t), 0);
	ck_assert_msg(t.has_bits == attrs[_i].has_bits &&
	    t.bad_attr == attrs[_i].bad_attr && t.bits == attrs[_i].bits,
	    "row %d, check %d: has_bits %u bad_attr %u bits %u", _i,
	    attrs[_i].check, t.has_bits, t.bad_attr, t.bits);
}
END_TEST

/* 64: 255 proposals are walked, 256 refused, both in bounded time. */
START_TEST(sa_many)
{
	static struct proposal_out p[256];
	static struct build b;
	struct rd r;
	struct proposal q;
	size_t n = 0;

	memset(p, 0, sizeof(p));
	build_init(&b);
	ck_assert_int_eq(wire_put_sa(&b.c, p, 256), ERR_RANGE);
	build_init(&b);
	ck_assert_int_eq(wire_put_sa(&b.c, p, 255), 0);
	ck_assert_int_eq(wire_sa_check(b.buf + 5, b.w.len - 5), 0);
	rd_init(&r, b.buf + 5, b.w.len - 5);
	while (wire_proposal_next(&r, &q) == 0)
		n++;
	ck_assert_uint_eq(n, 255);
	memmove(b.buf + 13, b.buf + 5, b.w.len - 5);
	ck_assert_int_eq(wire_sa_check(b.buf + 5, b.w.len + 3), ERR_LIMIT);
}
END_TEST

/* ---- the other bodies ---- */
static const struct row kes[] = {
	{ 68, "empty", "", ERR_SYNTAX },
	{ 68, "three bytes", "001f00", ERR_SYNTAX },
	{ 68, "no data", "001f0000", ERR_SYNTAX },
	{ 30, "ok: RESERVED", "001fffff 01", 0 },
	{ 72, "ok to parse: group 1025", "04010000 01", 0 },
	{ 72, "ok to parse: group 0", "00000000 01", 0 },
};
static const struct row idrows[] = {
	{ 108, "empty", "", ERR_SYNTAX },
	{ 108, "no data", "02000000", ERR_SYNTAX },
	{ 108, "type 0", "00000000 61", ERR_UNSUP },
	{ 108, "type 4", "04000000 61", ERR_UNSUP },
	{ 108, "type 255", "ff000000 61", ERR_UNSUP },
	{ 108, "IPv4 of 3", "01000000 c00002", ERR_SYNTAX },
	{ 108, "IPv4 of 5", "01000000 c000020101", ERR_SYNTAX },
	{ 108, "IPv6 of 4", "05000000 c0000201", ERR_SYNTAX },
	{ 108, "FQDN with a NUL", "02000000 610062", ERR_SYNTAX },
	{ 108, "address with a newline", "03000000 61400a62", ERR_SYNTAX },
	{ 108, "DN, not a SEQUENCE", "09000000 3100", ERR_SYNTAX },
	{ 108, "DN, length short", "09000000 3003 0000", ERR_SYNTAX },
	{ 108, "DN, bytes behind it", "09000000 3000 00", ERR_SYNTAX },
	{ 108, "DN, indefinite length", "09000000 3080 0000", ERR_SYNTAX },
	{ 108, "DN, length of four octets", "09000000 3084 00000000",
	    ERR_SYNTAX },
	{ 108, "DN, long form of a short length", "09000000 308101 00",
	    ERR_SYNTAX },
	{ 108, "DN, only a tag", "09000000 30", ERR_SYNTAX },
	{ 108, "ok: DN of 128", "09000000 308180 *128 00", 0 },
	{ 108, "ok: an ID of 60000", "0b000000 *60000 61", 0 },
	{ 30, "ok: RESERVED", "02ffffff 61", 0 },
};
static const struct row auths[] = {
	{ 104, "empty body", "", ERR_SYNTAX },
	{ 104, "three bytes", "020000", ERR_SYNTAX },
	{ 104, "ok to parse: no data", "02000000", 0 },
	{ 103, "ok to parse: method 255", "ff000000 00", 0 },
	{ 30, "ok: RESERVED", "02ffffff 00", 0 },
};
static const struct row certs[] = {
	{ 110, "empty body", "", ERR_SYNTAX },
	{ 110, "ok to parse: encoding 255", "ff 00", 0 },
	{ 112, "ok: CERTREQ without a CA", "04", 0 },
};
static const struct row notifies[] = {
	{ 191, "empty", "", ERR_SYNTAX },
	{ 191, "three bytes", "000040", ERR_SYNTAX },
	{ 150, "SPI size behind the end", "03ff4009", ERR_SYNTAX },
	{ 150, "SPI size one too much", "03044009 010203", ERR_SYNTAX },
	{ 150, "ok to parse: protocol 255", "ff044009 01020304", 0 },
	{ 191, "ok: unknown type", "0000ffff", 0 },
	{ 79, "ok to parse: empty COOKIE", "00004006", 0 },
};
static const struct row deletes[] = {
	{ 160, "empty", "", ERR_SYNTAX },
	{ 160, "one SPI said, none there", "03040001", ERR_SYNTAX },
	{ 160, "one SPI said, two there", "03040001 *8 01", ERR_SYNTAX },
	{ 160, "none said, one there", "03040000 *4 01", ERR_SYNTAX },
	{ 160, "SPI size 8 for ESP", "03080001 *8 01", ERR_SYNTAX },
	{ 160, "SPI size 0 for ESP", "0300ffff", ERR_SYNTAX },
	{ 160, "65520 said, 65519 there", "0501fff0 *65519 01", ERR_SYNTAX },
	{ 161, "SPI size 8 for IKE", "01080001 *8 01", ERR_SYNTAX },
	{ 161, "ok: IKE", "01000000", 0 },
	{ 160, "ok: duplicate SPIs", "03040002 *8 01", 0 },
	{ 160, "ok: 16000 SPIs", "03043e80 *64000 01", 0 },
	{ 163, "ok to parse: AH", "02040001 *4 01", 0 },
	{ 163, "ok to parse: protocol 255", "ff030001 *3 01", 0 },
};
static const struct row skfs[] = {
	{ 171, "empty", "", ERR_SYNTAX },
	{ 171, "three bytes", "000100", ERR_SYNTAX },
	{ 171, "number 0", "00000001 00", ERR_SYNTAX },
	{ 171, "total 0", "00010000 00", ERR_SYNTAX },
	{ 171, "both 0", "00000000 00", ERR_SYNTAX },
	{ 171, "number 3 of 2", "00030002 00", ERR_SYNTAX },
	{ 171, "ok: 1 of 1", "00010001 00", 0 },
	{ 177, "ok to parse: 1 of 65535", "0001ffff 00", 0 },
	{ 178, "ok to parse: nothing inside", "00010001", 0 },
};
static const struct row eaps[] = {
	{ 121, "empty", "", ERR_SYNTAX },
	{ 121, "length short of the payload", "02010005 01 00", ERR_SYNTAX },
	{ 121, "length behind the payload", "02010006 01", ERR_SYNTAX },
	{ 121, "length 0", "02010000", ERR_SYNTAX },
	{ 121, "response without a type", "02010004", ERR_SYNTAX },
	{ 121, "success with data", "03010005 00", ERR_SYNTAX },
	{ 120, "code 0", "00010005 01", ERR_SYNTAX },
	{ 120, "code 5", "05010005 01", ERR_SYNTAX },
	{ 120, "ok: response", "02010005 01", 0 },
	{ 122, "ok to parse: success", "03010004", 0 },
};
static const struct row cps[] = {
	{ 132, "empty", "", ERR_SYNTAX },
	{ 132, "three bytes", "010000", ERR_SYNTAX },
	{ 132, "half an attribute header", "01000000 0001", ERR_SYNTAX },
	{ 132, "attribute overruns", "01000000 00010004 0a0000",
	    ERR_SYNTAX },
	{ 132, "second attribute overruns", "01000000 00010000 0003ffff",
	    ERR_SYNTAX },
	{ 130, "ok: no attributes", "01000000", 0 },
	{ 30, "ok: RESERVED and R bits", "01ffffff 80010004 0a000001", 0 },
	{ 132, "ok: unknown attribute", "01000000 5ba00000", 0 },
	{ 135, "ok to parse: type 255", "ff000000", 0 },
};
/* type 7, proto, length 16, ports, two addresses */
#define TS4 "07 00 0010 0000 ffff 0a000001 0a0000ff "
#define TS6 "08 00 0028 0000 ffff *15 00 01 *15 00 02 "
static const struct row tss[] = {
	{ 139, "empty", "", ERR_SYNTAX },
	{ 139, "count 0", "00000000", ERR_SYNTAX },
	{ 139, "count 0, one there", "00000000" TS4, ERR_SYNTAX },
	{ 139, "count 255, one there", "ff000000" TS4, ERR_SYNTAX },
	{ 139, "count 1, two there", "01000000" TS4 TS6, ERR_SYNTAX },
	{ 139, "ok: IPv4 and IPv6", "02000000" TS4 TS6, 0 },
	{ 30, "ok: RESERVED", "01ffffff" TS4, 0 },
	{ 139, "first address behind the last", "01000000 07 00 0010 0000 "
	    "ffff 0a0000ff 0a000001", ERR_SYNTAX },
	{ 139, "start port behind the end", "01000000 07 06 0010 0002 0001 "
	    "0a000001 0a000001", ERR_SYNTAX },
	{ 139, "65535 to 1 is not OPAQUE", "01000000 07 06 0010 ffff 0001 "
	    "0a000001 0a000001", ERR_SYNTAX },
	{ 139, "1 to 0 is not OPAQUE", "01000000 07 06 0010 0001 0000 "
	    "0a000001 0a000001", ERR_SYNTAX },
	{ 139, "ok: OPAQUE", "01000000 07 06 0010 ffff 0000 0a000001 "
	    "0a000001", 0 },
	{ 139, "length 0", "01000000 07 00 0000", ERR_SYNTAX },
	{ 139, "length 8", "01000000 07 00 0008 0000 ffff", ERR_SYNTAX },
	{ 139, "IPv4 of IPv6's length", "01000000 07 00 0028 0000 ffff "
	    "*32 00", ERR_SYNTAX },
	{ 139, "IPv6 of IPv4's length", "01000000 08 00 0010 0000 ffff "
	    "*8 00", ERR_SYNTAX },
	{ 139, "length overruns", "01000000 07 00 0011 0000 ffff *8 00",
	    ERR_SYNTAX },
	{ 139, "unknown type, length 3", "01000000 09 00 0003", ERR_SYNTAX },
	{ 139, "ok: unknown types are skipped", "03000000 09 00 0004 ff 00 "
	    "0007 010203" TS4, 0 },
	{ 139, "three where two fit", "03000000" TS4 TS4 TS4, ERR_LIMIT },
};

#define BODY_TEST(name, tab, call)                    \
	START_TEST(name)                              \
	{                                             \
		const struct row *r = ROW(tab);       \
		struct payload p = payload(r->hex);   \
		union out o;                          \
                                                      \
		memset(&o, 0, sizeof(o));             \
		EXPECT(call, r);                      \
	}                                             \
	END_TEST
union out {
	struct ke ke;
	struct ike_id id;
	struct ike_auth auth;
	struct ike_cert cert;
	struct notify notify;
	struct del del;
	struct skf skf;
	struct { uint8_t code, id; } eap;
	struct { uint8_t type; struct rd r; } cp;
	struct { struct tsel v[2]; size_t n, skipped; } ts;
};
BODY_TEST(ke, kes, wire_ke_parse(&o.ke, &p))
BODY_TEST(id, idrows, wire_id_parse(&o.id, p.body, p.len))
BODY_TEST(auth, auths, wire_auth_parse(&o.auth, &p))
BODY_TEST(cert, certs, wire_cert_parse(&o.cert, &p))
BODY_TEST(notify, notifies, wire_notify_parse(&o.notify, &p))
BODY_TEST(delete, deletes, wire_delete_parse(&o.del, &p))
BODY_TEST(skf, skfs, wire_skf_parse(&o.skf, &p))
BODY_TEST(eap, eaps, wire_eap_check(&p, &o.eap.code, &o.eap.id))
BODY_TEST(cp, cps, wire_cp_parse(&o.cp.type, &o.cp.r, &p))
BODY_TEST(ts, tss, wire_ts_parse(o.ts.v, 2, &o.ts.n, &o.ts.skipped, &p))

/* What the parsers say about the odd but legal ones. */
START_TEST(details)
{
	struct payload p = payload("03000000 09 00 0004 ff 00 0007 010203" TS4);
	struct tsel v[2];
	size_t n, skipped;
	struct cfg_at a;
	uint8_t type;
	struct rd r;

	ck_assert_int_eq(wire_ts_parse(v, 2, &n, &skipped, &p), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(skipped, 2);
	p = payload("01ffffff 80010004 0a000001");
	ck_assert_int_eq(wire_cp_parse(&type, &r, &p), 0);
	ck_assert_int_eq(wire_cp_next(&r, &a), 0);
	ck_assert_uint_eq(a.type, CA_INTERNAL_IP4_ADDRESS);
	ck_assert_uint_eq(a.len, 4);
}
END_TEST

#define ADD(t, test, tab) \
	tcase_add_loop_test(t, test, 0, (int)(sizeof(tab) / sizeof((tab)[0])))

int
main(void)
{
	Suite *s = suite_create("wire_malformed");
	TCase *t = tcase_create("malformed");
	SRunner *sr;
	int bad;

	ADD(t, header, hdrs);
	ADD(t, chain, chains);
	tcase_add_test(t, chain_limit);
	ADD(t, legal, legals);
	ADD(t, sa, sas);
	ADD(t, attr, attrs);
	tcase_add_test(t, sa_many);
	ADD(t, ke, kes);
	ADD(t, id, idrows);
	ADD(t, auth, auths);
	ADD(t, cert, certs);
	ADD(t, notify, notifies);
	ADD(t, delete, deletes);
	ADD(t, skf, skfs);
	ADD(t, eap, eaps);
	ADD(t, cp, cps);
	ADD(t, ts, tss);
	tcase_add_test(t, details);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	bad = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (bad != 0);
}
