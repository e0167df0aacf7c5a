/*
 * Names of roles and reasons, from role.def and why.def. Any process.
 */
#include "privsep/ipc/msg.h"

static const struct {
	const char *name, *user;
} roles[] = {
#define ROLE(name, text, user) { text, user },
#include "privsep/ipc/role.def"
#undef ROLE
};

static const struct {
	const char *name, *person;
} whys[] = {
#define WHY(name, text, person) { text, person },
#include "privsep/ipc/why.def"
#undef WHY
};

const char *
role_name(enum role role)
{
	return (role < ROLE_MAX ? roles[role].name : "unknown");
}

const char *
role_user(enum role role)
{
	if (role >= ROLE_MAX)
		BUG("role_user of no role");
	return (roles[role].user);
}

const char *
why_name(unsigned int why)
{
	return (why < WHY_MAX ? whys[why].name : "unknown");
}

const char *
why_person(unsigned int why)
{
	return (why < WHY_MAX ? whys[why].person : "for an unknown reason");
}
