/*
 * A failed login in words. In: a row of attempts; out: who, where it failed,
 * the compared values, what to change. gatehousectl.
 */
#include <string.h>
#include <time.h>

#include "daemon/cli/cli.h"

static const struct {
	enum why why;
	const char *mend;
} mends[] = {
	{ WHY_PROPOSAL, "offer one of the policy's algorithms on the client, "
	    "or here: policy { suite = compatible } (weak ones are marked)" },
	{ WHY_CHILD_PROPOSAL, "the same for ESP: the client's ESP proposals, "
	    "or here: policy { suite = compatible }" },
	{ WHY_PSK_MISMATCH, "compare the key on the client with the line of "
	    "this identity in the policy's psk-file" },
	{ WHY_ID_UNKNOWN, "add the identity to a psk-file or a policy's "
	    "client-id, or correct the client's own identity" },
	{ WHY_IDR_UNKNOWN, "set the client's server (remote) identity to a "
	    "policy's server-id" },
	{ WHY_METHOD, "choose on the client the method that the policy's "
	    "auth names" },
	{ WHY_AUTH_MISSING, "the client wants EAP: choose a shared key on it, "
	    "or a policy with auth = eap here" },
	{ WHY_TS, "the client's remote networks must meet the pool's routes" },
	{ WHY_CP_REQUIRED, "let the client ask for an address (strongSwan: "
	    "vips = 0.0.0.0, ::)" },
	{ WHY_POOL_EXHAUSTED, "widen the pool's ranges, or lower its "
	    "quarantine; see: gatehousectl show pools" },
	{ WHY_SESSIONS, "end one of them (gatehousectl kill), raise "
	    "sessions-per-user, or set evict = oldest" },
	{ WHY_SUITE, "the policy's suite forbids what the client negotiated" },
	{ WHY_NAT, "the policy says encapsulation = never, but there is a NAT "
	    "between" },
	{ WHY_TIMEOUT, "packets may be lost on the way (large IKE messages: "
	    "fragmentation), or the person gave up" },
};

static enum why
why_by_name(const char *name)
{
	unsigned int i;

	for (i = 0; i < WHY_MAX; i++)
		if (strcmp(why_name(i), name) == 0)
			return ((enum why)i);
	return (WHY_MAX);
}

void
cli_explain(FILE *to, const struct cli_row *a)
{
	time_t t = (time_t)(cli_u64(a, "at") / 1000);
	enum why why = why_by_name(cli_str(a, "why"));
	char when[32] = "-";
	struct tm tm;
	size_t i;

	if (localtime_r(&t, &tm) != NULL &&
	    strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm) == 0)
		when[0] = '\0';
	fprintf(to, "%s  %s", when, cli_str(a, "from"));
	if (cli_str(a, "user")[0] != '\0')
		fprintf(to, "  as \"%s\"", cli_str(a, "user"));
	if (cli_str(a, "client")[0] != '\0')
		fprintf(to, "  looks like %s", cli_str(a, "client"));
	fprintf(to, "  failed in %s: %s\n", cli_str(a, "stage"),
	    why < WHY_MAX ? why_person(why) : cli_str(a, "why"));
	if (cli_str(a, "detail")[0] != '\0')
		fprintf(to, "  compared  %s\n", cli_str(a, "detail"));
	for (i = 0; i < sizeof(mends) / sizeof(mends[0]); i++)
		if (mends[i].why == why)
			fprintf(to, "  mend      %s\n", mends[i].mend);
}
