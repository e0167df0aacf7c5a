/* Identities: text to body to text, and what patterns match. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "privsep/conf/conf.h"

/* A body in hex: type, then data; the three reserved bytes are put in. */
static const struct {
	const char *text;
	uint8_t type;
	const char *data;
	size_t len;
	const char *back; /* NULL: the same text */
} rows[] = {
	/* 0 */ { "vpn.example.com", 2, "vpn.example.com", 15, NULL },
	/* 1 */ { "alice@example.com", 3, "alice@example.com", 17, NULL },
	/* 2 */ { "192.0.2.1", 1, "\xc0\x00\x02\x01", 4, NULL },
	/* 3 */ { "::1", 5, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01", 16, NULL },
	/* 4 */ { "keyid:@printer-7", 11, "printer-7", 9, NULL },
	/* 5 */ { "keyid:616c", 11, "al", 2, "keyid:@al" },
	/* 6 */ { "keyid:00ff", 11, "\x00\xff", 2, NULL },
	/* 7 */ { "type-9:3000", 9, "\x30\x00", 2, NULL },
	/* 8 */ { "a b", 2, "a b", 3, "a\\x20b" },
	/* 9 */ { "a\\x3db", 2, "a=b", 3, NULL },
	/* 10 */ { "alice", 2, "alice", 5, NULL },
	/* 11 an FQDN must not pass for a mail address … */
	{ "type-2:614062", 2, "a@b", 3, NULL },
	/* 12 … nor for an address … */
	{ "type-2:3a3a31", 2, "::1", 3, NULL },
	/* 13 … nor a mail address for a key id … */
	{ "type-3:6b657969643a4061", 3, "keyid:@a", 8, NULL },
	/* 14 … nor for a name without '@' */
	{ "type-3:61", 3, "a", 1, NULL },
	/* 15 */ { "192.0.2.1.example", 2, "192.0.2.1.example", 17, NULL },
	/* 16 an address of the wrong size */
	{ "type-1:c00002", 1, "\xc0\x00\x02", 3, NULL },
	/* 17 a name, as RFC 5280 wants C and all others */
	{ "C=CH, CN=a", 9, "\x30\x19\x31\x0b\x30\x09\x06\x03\x55\x04\x06\x13"
	    "\x02" "CH\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01" "a", 27,
	    NULL },
	/* 18 … written another way */
	{ "type-9:300c310a300806035504030c0161", 9, "\x30\x0c\x31\x0a\x30\x08"
	    "\x06\x03\x55\x04\x03\x0c\x01" "a", 14, "CN=a" },
	/* 19 … with string types of a client's own choice */
	{ "type-9:300c310a30080603550403130161", 9, "\x30\x0c\x31\x0a\x30\x08"
	    "\x06\x03\x55\x04\x03\x13\x01" "a", 14, "CN=a" },
	/* 20 … and no name: a byte too many */
	{ "type-9:300c310a30080603550403130161ff", 9, "\x30\x0c\x31\x0a\x30"
	    "\x08\x06\x03\x55\x04\x03\x13\x01" "a\xff", 15, NULL },
	/* 21 a general name stays in hex */
	{ "type-10:820161", 10, "\x82\x01" "a", 3, NULL },
	/* 22 an FQDN must not pass for a name */
	{ "CN\\x3da", 2, "CN=a", 4, NULL },
};

START_TEST(there_and_back)
{
	uint8_t body[64], want[64] = { rows[_i].type };
	const char *back = rows[_i].back;
	char text[256];
	struct txt t;
	size_t len;

	memcpy(want + 4, rows[_i].data, rows[_i].len);
	ck_assert_int_eq(conf_id_body(rows[_i].text, body, sizeof(body),
	    &len), 0);
	ck_assert_uint_eq(len, rows[_i].len + 4);
	ck_assert_mem_eq(body, want, len);
	txt_init(&t, text, sizeof(text));
	conf_id_txt(&t, body, len);
	ck_assert_str_eq(text, back == NULL ? rows[_i].text : back);
}
END_TEST

static const char *const refused[] = { "", "keyid:", "keyid:@", "keyid:1",
	"keyid:zz", "type-9:", "a\\b", "a\\x2", "\xc3\xa4", "a\tb",
	"a=b", "a=b@c", "CN=a, O", "CN=*", "CN=\\x41", "XY=a" };

START_TEST(no_identity)
{
	uint8_t body[64];
	size_t len;

	ck_assert_int_eq(conf_id_body(refused[_i], body, sizeof(body), &len),
	    ERR_SYNTAX);
}
END_TEST

START_TEST(no_room)
{
	uint8_t body[8];
	size_t len;

	ck_assert_int_eq(conf_id_body("abcd", body, 8, &len), 0);
	ck_assert_int_eq(conf_id_body("abcde", body, 8, &len), ERR_SPACE);
	ck_assert_int_eq(conf_id_body("::1", body, 8, &len), ERR_SPACE);
}
END_TEST

/* Any bytes at all: the text reads back as these bytes, so no two bodies have
 * one text. */
START_TEST(one_text_per_body)
{
	uint8_t body[24], back[64];
	char text[256];
	unsigned int seed = 7;
	struct txt t;
	size_t len, n;

	for (int round = 0; round < 20000; round++) {
		len = 5 + (size_t)(rand_r(&seed) % 18);
		memset(body, 0, 4);
		body[0] = (uint8_t)(1 + rand_r(&seed) % 12);
		for (size_t i = 4; i < len; i++)
			body[i] = (uint8_t)(rand_r(&seed) % 3 != 0 ?
			    "a@.:-1\\x*\" "[rand_r(&seed) % 11] :
			    rand_r(&seed));
		txt_init(&t, text, sizeof(text));
		conf_id_txt(&t, body, len);
		ck_assert_int_eq(conf_id_body(text, back, sizeof(back), &n), 0);
		ck_assert_int_eq(conf_id_match(text, text), 1);
		if (body[0] == 9 && strchr(text, '=') != NULL)
			continue;
		ck_assert_uint_eq(n, len);
		ck_assert_mem_eq(back, body, len);
	}
}
END_TEST

START_TEST(odd_bodies)
{
	static const uint8_t shortest[3], empty[4] = { 2 };
	static const uint8_t reserved[5] = { 2, 1, 2, 3, 'a' };
	static uint8_t huge[2000] = { 2 };
	char text[300];
	struct txt t;

	txt_init(&t, text, sizeof(text));
	conf_id_txt(&t, shortest, sizeof(shortest));
	ck_assert_str_eq(text, "type-0:000000");
	txt_init(&t, text, sizeof(text));
	conf_id_txt(&t, empty, sizeof(empty));
	ck_assert_str_eq(text, "type-2:");
	/* RFC 7296 3.5: RESERVED is ignored on receipt. */
	txt_init(&t, text, sizeof(text));
	conf_id_txt(&t, reserved, sizeof(reserved));
	ck_assert_str_eq(text, "a");
	txt_init(&t, text, sizeof(text));
	conf_id_txt(&t, huge, sizeof(huge));
	ck_assert_int_eq(text[t.len - 1], '~');
}
END_TEST

static const struct {
	const char *pattern, *identity;
	int match;
} match_rows[] = {
	/* 0 */ { "*", "anything@all", 1 },
	/* 1 */ { "alice", "alice", 1 },
	/* 2 */ { "alice", "alicex", 0 },
	/* 3 */ { "*@printers.example", "laser@printers.example", 1 },
	/* 4 */ { "*@printers.example", "laser@PRINTERS.example", 1 },
	/* 5 */ { "Laser@printers.example", "laser@printers.example", 0 },
	/* 6 */ { "VPN.example.com", "vpn.EXAMPLE.com", 1 },
	/* 7 */ { "*.example.com", "a.b.example.com", 1 },
	/* 8 */ { "*.example.com", "example.com", 0 },
	/* 9 a star is no way over an '@' */
	{ "*.example.com", "x@a.example.com", 0 },
	/* 10 */ { "*@printers.example", "x@y@printers.example", 0 },
	/* 11 a key id is no mail address */
	{ "*@printers.example", "keyid:@printers.example", 0 },
	/* 12 */ { "*@printers.example", "type-2:4070", 0 },
	/* 13 */ { "keyid:@printer-*", "keyid:@printer-7", 1 },
	/* 14 */ { "keyid:@Printer-*", "keyid:@printer-7", 0 },
	/* 15 */ { "keyid:*", "keyid:00ff", 1 },
	/* 16 */ { "a*b*c", "aXbYbZc", 1 },
	/* 17 */ { "a*b*c", "aXbYbZ", 0 },
	/* 18 */ { "a**", "a", 1 },
	/* 19 */ { "", "a", 0 },
	/* 20 */ { "10.1.*", "10.1.2.3", 1 },
	/* 21 */ { "type-9:30*", "type-9:3000", 1 },
	/* 22 */ { "type-9:30*", "type-10:3000", 0 },
	/* 23 */ { "*@*.example", "a@b.example", 1 },
	/* 24 */ { "a*@x", "abab@x", 1 },
	/* 25 */ { "keyid:*", "vpn.example.com", 0 },
	/* 26 */ { "C=CH, O=Acme, CN=*", "C=CH, O=ACME, CN=alice", 1 },
	/* 27 */ { "C=CH, *", "C=CH, O=ACME, CN=alice", 1 },
	/* 28 a name is matched by names' patterns only */
	{ "*.example", "CN=a.example", 0 },
	/* 29 */ { "*lice", "CN=alice", 0 },
	/* 30 */ { "CN=*", "alice", 0 },
	/* 31 */ { "CN=*", "keyid:@CN", 0 },
	/* 32 */ { "*", "CN=alice", 1 },
	/* 33 */ { "*@x", "E=a@x", 0 },
	/* 34 */ { "E=*@x", "E=a@X", 1 },
	/* 35 a name's own stars are none */ { "CN=a", "CN=\\*", 0 },
};

START_TEST(fold)
{
	static const char *const folds[][2] = {
		{ "VPN.Example.COM", "vpn.example.com" },
		{ "Alice@Example.COM", "Alice@example.com" },
		{ "keyid:@ABC", "keyid:@ABC" },
		{ "type-9:AB", "type-9:AB" },
		{ "", "" },
		{ "C=CH, CN=Alice  B", "C=ch, CN=alice b" },
	};
	char b[64];

	for (size_t i = 0; i < sizeof(folds) / sizeof(folds[0]); i++) {
		strcpy(b, folds[i][0]);
		conf_id_fold(b);
		ck_assert_str_eq(b, folds[i][1]);
	}
}
END_TEST

START_TEST(match)
{
	ck_assert_int_eq(conf_id_match(match_rows[_i].pattern,
	    match_rows[_i].identity), match_rows[_i].match);
}
END_TEST

#define N(a) ((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	Suite *s = suite_create("conf id");
	TCase *tc = tcase_create("text and body");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(tc, there_and_back, 0, N(rows));
	tcase_add_loop_test(tc, no_identity, 0, N(refused));
	tcase_add_test(tc, no_room);
	tcase_add_test(tc, one_text_per_body);
	tcase_add_test(tc, odd_bodies);
	suite_add_tcase(s, tc);
	tc = tcase_create("patterns");
	tcase_add_test(tc, fold);
	tcase_add_loop_test(tc, match, 0, N(match_rows));
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (failed != 0);
}
