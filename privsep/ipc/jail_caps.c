/*
 * Capabilities, without libcap. Parent and roles, at start and in the jail.
 */
#include "privsep/ipc/jail_caps.h"

#include <sys/prctl.h>
#include <sys/syscall.h>

#include <errno.h>
#include <linux/capability.h>
#include <unistd.h>

#define BIT(c) (UINT64_C(1) << (c))
#define CAPS_MAX 64

int
jail_caps_set(uint64_t permitted, uint64_t effective, uint64_t inheritable)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = {
		{ (uint32_t)effective, (uint32_t)permitted,
		    (uint32_t)inheritable },
		{ (uint32_t)(effective >> 32), (uint32_t)(permitted >> 32),
		    (uint32_t)(inheritable >> 32) },
	};

	return (syscall(SYS_capset, &h, d) == 0 ? 0 : ERR_SYS);
}

int
jail_caps_get(uint64_t *permitted, uint64_t *effective)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &h, d) != 0)
		return (ERR_SYS);
	*permitted = d[0].permitted | (uint64_t)d[1].permitted << 32;
	*effective = d[0].effective | (uint64_t)d[1].effective << 32;
	return (0);
}

int
jail_caps_bound(uint64_t keep, uint64_t allowed)
{
	uint64_t permitted, effective;
	int n;

	if (jail_caps_get(&permitted, &effective))
		return (ERR_SYS);
	for (unsigned long c = 0; c < CAPS_MAX; c++) {
		n = prctl(PR_CAPBSET_READ, c, 0, 0, 0);
		if (n == -1 && errno == EINVAL)
			break; /* past the last that this kernel knows */
		if (n != 1 || (keep & BIT(c)) != 0)
			continue;
		if ((effective & BIT(CAP_SETPCAP)) != 0) {
			if (prctl(PR_CAPBSET_DROP, c, 0, 0, 0) != 0)
				return (ERR_SYS);
		} else if ((allowed & BIT(c)) == 0) {
			return (ERR_SYS);
		}
	}
	return (0);
}

int
jail_caps_ambient(void)
{
	static const unsigned long need[] = { CAP_SETUID, CAP_SETGID,
		CAP_SYS_CHROOT };
	uint64_t permitted, effective, inherit = 0;

	if (geteuid() == 0)
		return (0);
	for (unsigned int i = 0; i < 3; i++)
		inherit |= BIT(need[i]);
	if (jail_caps_get(&permitted, &effective) ||
	    jail_caps_set(permitted, effective, inherit))
		return (ERR_SYS);
	for (unsigned int i = 0; i < 3; i++) {
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, need[i], 0,
		    0) != 0)
			return (ERR_SYS);
	}
	return (0);
}
