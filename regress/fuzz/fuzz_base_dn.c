/* A name: DER to text to DER to text: the same; and text with its patterns. */
#include <stdlib.h>
#include <string.h>

#include "privsep/base/dn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
der_round(const uint8_t *data, size_t size)
{
	static uint8_t der[8 * DN_DER_MAX];
	char a[DN_TXT_MAX + 1], b[DN_TXT_MAX + 1];
	struct txt t;
	size_t len;

	txt_init(&t, a, sizeof(a));
	if (dn_txt(&t, data, size) != 0 || a[0] == '\0') {
		if (a[0] != '\0')
			abort();
		return;
	}
	for (size_t i = 0; a[i] != '\0'; i++)
		if (a[i] < 0x20 || a[i] > 0x7e)
			abort();
	if (dn_parse(der, sizeof(der), &len, a) != 0 || !dn_is_text(a))
		abort();
	txt_init(&t, b, sizeof(b));
	if (dn_txt(&t, der, len) != 0 || !dn_same(a, b) || !dn_match(a, b))
		abort();
	strcpy(b, a);
	dn_fold(b);
	if (!dn_same(a, b))
		abort();
	strcpy(a, b);
	dn_fold(a);
	if (strcmp(a, b) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[2 * DN_TXT_MAX], *half;
	uint8_t der[DN_DER_MAX];
	size_t len, n = size < sizeof(text) - 1 ? size : sizeof(text) - 1;
	struct txt t;

	der_round(data, size);
	/* As text: a pattern and a name in two lines. */
	memcpy(text, data, n);
	text[n] = '\0';
	half = strchr(text, '\n');
	if (half != NULL)
		*half++ = '\0';
	if (dn_is_text(text) && half != NULL)
		dn_match(text, half);
	if (dn_parse(der, sizeof(der), &len, text) == 0) {
		txt_init(&t, text, sizeof(text));
		if (dn_txt(&t, der, len) == ERR_SYNTAX)
			abort();
		der_round(der, len);
	}
	return (0);
}
