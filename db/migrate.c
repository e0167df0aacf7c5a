/*
 * Numbered migrations. In: an open database and its version; out: the newest
 * one. Each migration and its number are one transaction, so that a crash
 * leaves a whole version. Runs in db, at start.
 */
#include <stddef.h>
#include <stdio.h>

#include "db/sql.h"

static const struct {
	int number;
	const char *text;
} migrations[] = {
#define MIGRATION(n, text) { n, text },
#include "db/schema.def"
#undef MIGRATION
};
#define N_MIGRATIONS ((int)(sizeof(migrations) / sizeof(migrations[0])))

int
migrate_newest(void)
{
	return (migrations[N_MIGRATIONS - 1].number);
}

static int
migrate_one(const struct migrate_conf *mc, int i)
{
	char set[64];

	snprintf(set, sizeof(set), "PRAGMA user_version=%d;COMMIT;",
	    migrations[i].number);
	if (mc->exec(mc->db, "BEGIN IMMEDIATE;") != 0)
		return (ERR_SYS);
	if (mc->exec(mc->db, migrations[i].text) != 0 ||
	    mc->exec(mc->db, set) != 0)
		return (ERR_SYS);
	return (0);
}

int
migrate_run(const struct migrate_conf *mc, int *from, int *to)
{
	int i, rc;

	if (mc->version(mc->db, from) != 0)
		return (ERR_SYS);
	*to = *from;
	/* A newer gatehouse wrote it: we would not understand its rows. */
	if (*from > migrate_newest())
		return (ERR_VERSION);
	for (i = 0; i < N_MIGRATIONS; i++) {
		if (migrations[i].number <= *from ||
		    (mc->upto != 0 && migrations[i].number > mc->upto))
			continue;
		if ((rc = migrate_one(mc, i)) != 0)
			return (rc);
		*to = migrations[i].number;
	}
	return (0);
}
