/* Distinguished names: DER to text, text to DER, patterns, hostile bytes. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "privsep/base/dn.h"

#define CN "\x55\x04\x03"

/* ---- DER by hand -------------------------------------------------------- */
/* One TLV around n bytes at p, in place. */
static size_t
wrap(uint8_t tag, uint8_t *p, size_t n)
{
	size_t head = n < 128 ? 2 : n < 256 ? 3 : 4;

	memmove(p + head, p, n);
	p[0] = tag;
	p[1] = (uint8_t)(head == 2 ? n : head == 3 ? 0x81 : 0x82);
	if (head == 3)
		p[2] = (uint8_t)n;
	if (head == 4) {
		p[2] = (uint8_t)(n >> 8);
		p[3] = (uint8_t)n;
	}
	return (n + head);
}

/* SEQUENCE { OID, tag value } */
static size_t
attr(uint8_t *out, const char *oid, size_t oid_len, uint8_t tag,
    const void *value, size_t len)
{
	size_t n;

	memcpy(out, oid, oid_len);
	n = wrap(0x06, out, oid_len);
	memcpy(out + n, value, len);
	n += wrap(tag, out + n, len);
	return (wrap(0x30, out, n));
}

static size_t
one(uint8_t *out, const char *oid, size_t oid_len, uint8_t tag,
    const void *value, size_t len)
{
	size_t n = attr(out, oid, oid_len, tag, value, len);

	n = wrap(0x31, out, n);
	return (wrap(0x30, out, n));
}

/* ---- text and back ------------------------------------------------------ */
static const struct {
	const char *in, *out; /* NULL: the same */
} texts[] = {
	/* 0 */ { "C=CH, O=Acme, CN=vpn", NULL },
	/* 1 */ { "c=CH,o=Acme ,  cn = vpn", "C=CH, O=Acme, CN=vpn" },
	/* 2 */ { "CN=a\\, b\\+c\\=d\\\"e\\\\f\\<g\\>h\\;i\\#j\\*k", NULL },
	/* 3 */ { "CN=\\ x \\ ", "CN=\\ x \\ " },
	/* 4 */ { "CN=\\  x", "CN=\\  x" },
	/* 5 */ { "CN=J\\c3\\a9r\\C3\\B4me", "CN=J\\c3\\a9r\\c3\\b4me" },
	/* 6 */ { "CN=a+OU=b, O=c", NULL },
	/* 7 a set is in the order of its encodings: the shorter first */
	{ "CN=long+OU=b", "OU=b+CN=long" },
	/* 8 */ { "DC=example, DC=corp, UID=bob, E=bob@corp.example", NULL },
	/* 9 */ { "emailAddress=a@b", "E=a@b" },
	/* 10 */ { "2.5.4.3=x", "CN=x" },
	/* 11 */ { "OID.1.2.3.4=x", "1.2.3.4=x" },
	/* 12 */ { "2.999.4294967295=x", NULL },
	/* 13 */ { "0.39.0=x, 1.39=y", NULL },
	/* 14 */ { "CN=", NULL },
	/* 15 */ { "CN=, O=", NULL },
	/* 16 no string: its DER */
	{ "2.5.4.45=#03020780", NULL },
	/* 17 */ { "serialNumber=12-a, C=de", NULL },
	/* 18 */ { "CN=OU #5", "CN=OU \\#5" },
	/* 19 */ { "CN=\\00\\7f\\0a", NULL },
	/* 20 */ { "CN=\\41", "CN=A" },
	/* 21 what is a string was one */
	{ "CN=#0c0161", "CN=a" },
	/* 22 no letters of a PrintableString */
	{ "C=\\*, serialNumber=a@b, E=\\c3\\a4", NULL },
};
#define N(a) (sizeof(a) / sizeof((a)[0]))

START_TEST(text_and_back)
{
	const char *want = texts[_i].out == NULL ? texts[_i].in :
	    texts[_i].out;
	uint8_t der[DN_DER_MAX], again[DN_DER_MAX];
	char text[DN_TXT_MAX];
	struct txt t;
	size_t len, n;

	ck_assert_int_eq(dn_parse(der, sizeof(der), &len, texts[_i].in), 0);
	txt_init(&t, text, sizeof(text));
	ck_assert_int_eq(dn_txt(&t, der, len), 0);
	ck_assert_str_eq(text, want);
	ck_assert_int_eq(dn_is_text(texts[_i].in), 1);
	ck_assert_int_eq(dn_is_text(text), 1);
	/* and once more: the same bytes */
	ck_assert_int_eq(dn_parse(again, sizeof(again), &n, text), 0);
	ck_assert_uint_eq(n, len);
	ck_assert_mem_eq(again, der, len);
	/* no room for the last byte */
	ck_assert_int_eq(dn_parse(again, len - 1, &n, text), ERR_SPACE);
	ck_assert_int_eq(dn_parse(again, len, &n, text), 0);
}
END_TEST

static const char *const no_names[] = { "", " ", "CN", "=x", "CN=x,", ",CN=x",
	"CN=x, O", "CN=x O=y", "CN=x;O=y", "CN=\"x\"", "CN=<x", "CN=x>",
	"XY=1", "CN=x\\", "CN=\\xy", "CN=\\4", "CN=\\4g", "CN=*", "*",
	"CN=x, *", "CN=#", "CN=#0", "CN=#0c", "CN=#0c01", "CN=#0c016161",
	"CN=#0c810161", "3.1=x", "1.40=x", "1=x", "1.=x", "1..2=x", "1.02=x",
	"1.2.4294967296=x", "OID.CN=x", "oid=x", "CN=\xc3\xa4", "CN=a\tb",
	"CN=a\nb", "CN+OU=x", "CN=a+, OU=b", "vpn.example.com", "a@b",
	("1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21.22.23.24.25."
	"26.27.28.29.30.31.32.33.34=x") };

START_TEST(no_name)
{
	uint8_t der[DN_DER_MAX];
	size_t len;

	ck_assert_int_eq(dn_parse(der, sizeof(der), &len, no_names[_i]),
	    ERR_SYNTAX);
	if (strchr(no_names[_i], '*') == NULL)
		ck_assert_int_eq(dn_is_text(no_names[_i]), 0);
}
END_TEST

START_TEST(limits)
{
	static char text[DN_TXT_MAX + 2];
	uint8_t der[2 * DN_DER_MAX];
	char out[DN_TXT_MAX + 2] = "";
	struct txt t;
	size_t len, n = 0;

	/* 32 attributes, and one more */
	for (int i = 0; i < 32; i++, n = strlen(text))
		strcpy(text + n, i == 0 ? "O=a" : ",O=a");
	ck_assert_int_eq(dn_parse(der, sizeof(der), &len, text), 0);
	txt_init(&t, out, sizeof(out));
	ck_assert_int_eq(dn_txt(&t, der, len), 0);
	strcpy(text + n, ",O=a");
	ck_assert_int_eq(dn_parse(der, sizeof(der), &n, text), ERR_SYNTAX);
	/* The 33rd in DER: the sets are all of one size. */
	memcpy(der + len, der + len - 12, 12);
	ck_assert_uint_eq(der[1], 0x82);
	len += 12;
	der[2] = (uint8_t)((len - 4) >> 8);
	der[3] = (uint8_t)(len - 4);
	txt_init(&t, out, sizeof(out));
	txt_str(&t, "before");
	ck_assert_int_eq(dn_txt(&t, der, len), ERR_LIMIT);
	ck_assert_str_eq(out, "before");
	/* the longest text, and one more */
	memset(text, 'x', DN_TXT_MAX);
	memcpy(text, "CN=", 3);
	text[DN_TXT_MAX] = '\0';
	ck_assert_int_eq(dn_parse(der, sizeof(der), &len, text), 0);
	txt_init(&t, out, sizeof(out));
	ck_assert_int_eq(dn_txt(&t, der, len), 0);
	ck_assert_str_eq(out, text);
	strcat(text, "x");
	ck_assert_int_eq(dn_parse(der, sizeof(der), &len, text), ERR_SYNTAX);
	ck_assert_int_eq(dn_is_text(text), 0);
}
END_TEST

/* ---- DER and its strings ------------------------------------------------ */
static const struct {
	uint8_t tag;
	const char *value;
	size_t len;
	const char *text; /* NULL: refused */
} strings[] = {
	/* 0 */ { 0x0c, "\xc3\xa4", 2, "CN=\\c3\\a4" },
	/* 1 */ { 0x13, "abc", 3, "CN=abc" },
	/* 2 Teletex as Latin-1 */ { 0x14, "\xe4", 1, "CN=\\c3\\a4" },
	/* 3 */ { 0x16, "a@b", 3, "CN=a@b" },
	/* 4 */ { 0x1e, "\x00\x61\x00\xe4\x20\xac", 6,
	    "CN=a\\c3\\a4\\e2\\82\\ac" },
	/* 5 */ { 0x1e, "\xd8\x3d\xde\x00", 4, "CN=\\f0\\9f\\98\\80" },
	/* 6 half a pair */ { 0x1e, "\xd8\x3d\x00\x61", 4,
	    "CN=\\ed\\a0\\bda" },
	/* 7 */ { 0x1e, "\xd8\x3d", 2, "CN=\\ed\\a0\\bd" },
	/* 8 odd */ { 0x1e, "\x00\x61\x00", 3, NULL },
	/* 9 */ { 0x1c, "\x00\x01\xf6\x00", 4, "CN=\\f0\\9f\\98\\80" },
	/* 10 */ { 0x1c, "\x00\x11\x00\x00", 4, NULL },
	/* 11 */ { 0x1c, "\x00\x00\x00", 3, NULL },
	/* 12 */ { 0x0c, "", 0, "CN=" },
	/* 13 a zero byte hides nothing */
	{ 0x13, "a\0b", 3, "CN=a\\00b" },
	/* 14 */ { 0x0c, "a, O=Evil", 9, "CN=a\\, O\\=Evil" },
	/* 15 */ { 0x0c, "a+O=b", 5, "CN=a\\+O\\=b" },
	/* 16 */ { 0x0c, " a  b ", 6, "CN=\\ a  b\\ " },
	/* 17 */ { 0x0c, " ", 1, "CN=\\ " },
	/* 18 */ { 0x02, "\x05", 1, "CN=#020105" },
	/* 19 */ { 0x1a, "v*", 2, "CN=v\\*" },
	/* 20 */ { 0x1f, "x", 1, NULL },
};

START_TEST(string_types)
{
	uint8_t der[64], again[64];
	char text[100], text2[100];
	struct txt t;
	size_t len, n;
	int e;

	len = one(der, CN, 3, strings[_i].tag, strings[_i].value,
	    strings[_i].len);
	txt_init(&t, text, sizeof(text));
	e = dn_txt(&t, der, len);
	if (strings[_i].text == NULL) {
		ck_assert_int_eq(e, ERR_SYNTAX);
		ck_assert_str_eq(text, "");
		return;
	}
	ck_assert_int_eq(e, 0);
	ck_assert_str_eq(text, strings[_i].text);
	ck_assert_int_eq(dn_parse(again, sizeof(again), &n, text), 0);
	txt_init(&t, text2, sizeof(text2));
	ck_assert_int_eq(dn_txt(&t, again, n), 0);
	ck_assert_str_eq(text2, text);
}
END_TEST

/* Truncated or lengthened anywhere, or with any one byte else: never beyond
 * the buffer (ASan), and what is accepted reads back. */
START_TEST(every_byte)
{
	uint8_t der[DN_DER_MAX], *cut, back[4 * DN_DER_MAX];
	char text[DN_TXT_MAX + 1];
	struct txt t;
	size_t len, n;

	ck_assert_int_eq(dn_parse(der, sizeof(der), &len, "C=CH, O=Acme, "
	    "CN=a+UID=b, 1.2.300.4=c, 2.5.4.45=#03020780"), 0);
	for (size_t i = 0; i < len; i++) {
		cut = malloc(i + 1);
		memcpy(cut, der, i);
		txt_init(&t, text, sizeof(text));
		ck_assert_int_eq(dn_txt(&t, cut, i), ERR_SYNTAX);
		ck_assert_str_eq(text, "");
		free(cut);
	}
	der[len] = 0;
	txt_init(&t, text, sizeof(text));
	ck_assert_int_eq(dn_txt(&t, der, len + 1), ERR_SYNTAX);
	for (size_t i = 0; i < len; i++) {
		for (int b = 0; b < 256; b++) {
			uint8_t was = der[i];

			der[i] = (uint8_t)b;
			txt_init(&t, text, sizeof(text));
			if (dn_txt(&t, der, len) == 0 && text[0] != '\0')
				ck_assert_int_eq(dn_parse(back, sizeof(back),
				    &n, text), 0);
			der[i] = was;
		}
	}
}
END_TEST

static const struct {
	const char *der;
	size_t len;
	int err;
} bad_der[] = {
#define B(s, e) { s, sizeof(s) - 1, e }
	/* 0 an empty name is one */ B("\x30\x00", 0),
	/* 1 */ B("", ERR_SYNTAX),
	/* 2 an empty set */ B("\x30\x02\x31\x00", ERR_SYNTAX),
	/* 3 */ B("\x31\x00", ERR_SYNTAX),
	/* 4 a length in too many octets */
	B("\x30\x81\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01" "a",
	    ERR_SYNTAX),
	/* 5 an indefinite length */
	B("\x30\x80\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01" "a\0\0",
	    ERR_SYNTAX),
	/* 6 a type of no bytes */
	B("\x30\x09\x31\x07\x30\x05\x06\x00\x0c\x01" "a", ERR_SYNTAX),
	/* 7 a number that begins with zeros */
	B("\x30\x0b\x31\x09\x30\x07\x06\x02\x80\x01\x0c\x01" "a", ERR_SYNTAX),
	/* 8 a number that does not end */
	B("\x30\x0b\x31\x09\x30\x07\x06\x02\x55\x84\x0c\x01" "a", ERR_SYNTAX),
	/* 9 something behind the value */
	B("\x30\x0e\x31\x0c\x30\x0a\x06\x03\x55\x04\x03\x0c\x01" "a\x05\x00",
	    ERR_SYNTAX),
	/* 10 a number over 32 bits */
	B("\x30\x10\x31\x0e\x30\x0c\x06\x07\x2a\x90\x80\x80\x80\x80\x00\x0c"
	    "\x01" "a", ERR_LIMIT),
	/* 11 the length says 4 GB */
	B("\x30\x84\xff\xff\xff\xff\x31", ERR_SYNTAX),
	/* 12 nine octets of length */
	B("\x30\x89\x01\x01\x01\x01\x01\x01\x01\x01\x01", ERR_SYNTAX),
};

START_TEST(malformed)
{
	char text[100];
	struct txt t;

	txt_init(&t, text, sizeof(text));
	ck_assert_int_eq(dn_txt(&t, (const uint8_t *)bad_der[_i].der,
	    bad_der[_i].len), bad_der[_i].err);
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(too_long)
{
	static uint8_t der[70000], value[65000];
	char text[100];
	struct txt t;
	size_t len;

	memset(value, 'x', sizeof(value));
	txt_init(&t, text, sizeof(text));
	len = one(der, CN, 3, 0x0c, value, DN_TXT_MAX);
	ck_assert_int_eq(dn_txt(&t, der, len), ERR_LIMIT);
	len = one(der, CN, 3, 0x1e, value, 65000);
	ck_assert_int_eq(dn_txt(&t, der, len), ERR_LIMIT);
	len = one(der, CN, 3, 0x02, value, 65000);
	ck_assert_int_eq(dn_txt(&t, der, len), ERR_LIMIT);
	ck_assert_str_eq(text, "");
	/* What the caller has no room for is cut as ever. */
	len = one(der, CN, 3, 0x0c, value, 500);
	ck_assert_int_eq(dn_txt(&t, der, len), 0);
	ck_assert_uint_eq(strlen(text), 99);
	ck_assert_int_eq(text[98], '~');
}
END_TEST

/* ---- patterns ----------------------------------------------------------- */
static const struct {
	const char *pattern, *dn;
	int match;
} matches[] = {
	/* 0 */ { "C=CH, O=Acme, CN=*", "C=CH, O=Acme, CN=alice", 1 },
	/* 1 */ { "C=CH, O=Acme, CN=*", "C=CH, O=Acme", 0 },
	/* 2 */ { "C=CH, O=Acme, CN=*", "C=CH, O=Acme, OU=x, CN=alice", 0 },
	/* 3 */ { "C=CH, O=Acme, *", "C=CH, O=Acme, OU=x, CN=alice", 1 },
	/* 4 */ { "C=CH, O=Acme, *", "C=CH, O=Acme", 1 },
	/* 5 */ { "C=CH, O=Acme, *", "C=CH", 0 },
	/* 6 the order counts */ { "O=Acme, C=CH", "C=CH, O=Acme", 0 },
	/* 7 the type too */ { "CN=alice", "OU=alice", 0 },
	/* 8 */ { "cn=ALICE", "CN=alice", 1 },
	/* 9 blanks in runs and at the ends */
	{ "CN=Alice  B", "CN=\\  alice b \\ ", 1 },
	/* 10 */ { "CN=AliceB", "CN=Alice B", 0 },
	/* 11 */ { "CN=*.corp.example", "CN=host.corp.example", 1 },
	/* 12 */ { "CN=*.corp.example", "CN=corp.example", 0 },
	/* 13 */ { "CN=a*b*c", "CN=a--b--b-c", 1 },
	/* 14 */ { "CN=a*b*c", "CN=a--c", 0 },
	/* 15 a star stays in its attribute */
	{ "CN=*", "CN=a, O=b", 0 },
	/* 16 */ { "CN=*, O=b", "CN=a, O=b", 1 },
	/* 17 an escaped star is one */ { "CN=\\*", "CN=a", 0 },
	/* 18 */ { "CN=\\*", "CN=\\*", 1 },
	/* 19 */ { "CN=*", "CN=", 1 },
	/* 20 a value that looks like more attributes */
	{ "O=Acme, CN=*", "O=Acme\\, CN\\=x", 0 },
	/* 21 */ { "O=*", "O=Acme\\, CN\\=x", 1 },
	/* 22 sets have no order, and are no sequence */
	{ "OU=b+CN=a", "CN=a+OU=b", 1 },
	/* 23 */ { "OU=b, CN=a", "CN=a+OU=b", 0 },
	/* 24 */ { "CN=*", "CN=a+OU=b", 0 },
	/* 25 */ { "CN=*+OU=*", "CN=a+OU=b", 1 },
	/* 26 */ { "*", "CN=a", 1 },
	/* 27 no pattern, no name */ { "CN=a, *, O=b", "CN=a, C=CH, O=b", 0 },
	/* 28 */ { "CN=a", "alice", 0 },
	/* 29 */ { "alice", "CN=a", 0 },
	/* 30 a star in the name is no star */ { "CN=a", "CN=*", 0 },
	/* 31 */ { "2.5.4.3=a", "CN=a", 1 },
	/* 32 DER is compared as it is */ { "CN=#020161", "CN=#020161", 1 },
	/* 33 */ { "CN=#020161", "CN=#020141", 0 },
	/* 34 */ { "CN=*", "CN=#020141", 0 },
	/* 35 */ { "CN=\\c3\\a4*", "CN=\\c3\\a4b", 1 },
	/* 36 a zero byte is no end */ { "CN=alice", "CN=alice\\00.evil", 0 },
	/* 37 */ { "CN=a+*", "CN=a+OU=b", 0 },
	/* 38 */ { "CN=**a**", "CN=bab", 1 },
	/* 39 */ { "CN=Dr. *", "CN=Dr.", 0 },
};

START_TEST(patterns)
{
	ck_assert_int_eq(dn_match(matches[_i].pattern, matches[_i].dn),
	    matches[_i].match);
}
END_TEST

START_TEST(same_and_fold)
{
	static const char *const same[][3] = { /* a, b, both folded */
		{ "C=CH, CN=Alice  B", "C=ch, CN=\\ alice b",
		    "C=ch, CN=alice b" },
		{ "CN=\\41\\2c", "CN=a\\,", NULL },
		{ "E=A@B", "E=a@b", "E=a@b" },
		{ "CN=\\  \\ ", "CN=", "CN=" },
		{ "OU=B+CN=a+CN=A, O=x", "CN=A+CN=a+OU=b, O=X",
		    "CN=a+CN=a+OU=b, O=x" },
		{ "2.5.4.45=#0302078A", "2.5.4.45=#0302078a", NULL },
	};
	char a[100];

	for (size_t i = 0; i < N(same); i++) {
		ck_assert_int_eq(dn_same(same[i][0], same[i][1]), 1);
		for (int k = 0; k < 2 && same[i][2] != NULL; k++) {
			strcpy(a, same[i][k]);
			dn_fold(a);
			ck_assert_str_eq(a, same[i][2]);
		}
	}
	ck_assert_int_eq(dn_same("CN=*", "CN=a"), 0);
	ck_assert_int_eq(dn_same("CN=a", "CN=a, *"), 0);
	ck_assert_int_eq(dn_same("CN=a", "CN=a, O=b"), 0);
	strcpy(a, "No Name");
	dn_fold(a);
	ck_assert_str_eq(a, "No Name");
	/* It never grows. */
	strcpy(a, "CN=A,O=B,OU=C");
	dn_fold(a);
	ck_assert_str_eq(a, "CN=A,O=B,OU=C");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("base dn");
	TCase *text = tcase_create("text"), *der = tcase_create("der"),
	    *match = tcase_create("match");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(text, text_and_back, 0, N(texts));
	tcase_add_loop_test(text, no_name, 0, N(no_names));
	tcase_add_test(text, limits);
	tcase_add_loop_test(der, string_types, 0, N(strings));
	tcase_add_loop_test(der, malformed, 0, N(bad_der));
	tcase_add_test(der, every_byte);
	tcase_add_test(der, too_long);
	tcase_add_loop_test(match, patterns, 0, N(matches));
	tcase_add_test(match, same_and_fold);
	suite_add_tcase(s, text);
	suite_add_tcase(s, der);
	suite_add_tcase(s, match);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (failed != 0);
}
