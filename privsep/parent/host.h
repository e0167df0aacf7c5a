#ifndef GH_PARENT_HOST_H
#define GH_PARENT_HOST_H

#include <sys/types.h>

#include <stddef.h>

#include "privsep/conf/conf.h"
#include "privsep/ipc/msg.h"

/*
 * What the parent needs of the machine before it gives up uid 0: users,
 * folders, forwarding, the admin socket. Every refusal says what is wrong and
 * the command that mends it.
 */
#define HOST_WHY 512

struct host_users {
	uid_t uid[ROLE_MAX];
	gid_t gid[ROLE_MAX];
};
/* The users of the parent and of every role with n[role] > 0. ERR_NOENT: one
 * is missing; ERR_POLICY: two roles share one, or one is uid 0. */
int host_users(struct host_users *u, const unsigned int n[ROLE_MAX],
    char why[HOST_WHY]) MUST_USE;
/* The run folder with its empty root (path into root), and the state folder,
 * which is db's alone. A folder that somebody else uses is refused, not
 * taken. */
int host_dirs(const struct conf *c, const struct host_users *u, char *root,
    size_t cap, char why[HOST_WHY]) MUST_USE;
/* The state folder is this gatehoused's while *fd is open. ERR_EXIST. */
int host_state_lock(const struct conf *c, int *fd, char why[HOST_WHY])
    MUST_USE;
/* Forwarding of each family that a pool has: on, or put on (forwarding =
 * set), or ERR_POLICY with the sysctl line. */
int host_forwarding(const struct conf *c, char why[HOST_WHY]) MUST_USE;
/* The admin socket, listening: root:_gatehouse 0660. */
int host_ctl_socket(const struct conf *c, const struct host_users *u, int *fd,
    char why[HOST_WHY]) MUST_USE;
/* Our own addresses when no listen line names them; at most cap. */
size_t host_addresses(struct addr *v, size_t cap);
/* Our own binary, for execveat. ERR_SYS. */
int host_self(int *fd, char why[HOST_WHY]) MUST_USE;

#endif
