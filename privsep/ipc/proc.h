#ifndef GH_IPC_PROC_H
#define GH_IPC_PROC_H

#include <sys/types.h>

#include "privsep/ipc/chan.h"
#include "privsep/ipc/jail.h"

/*
 * The parent's side: start every role by fork and exec of our own binary (by
 * the descriptor opened at start), give it fd 3 as its pipe to the parent,
 * hand out the mesh, reap, restart with back-off.
 */
struct proc;
struct procs;
#define PROC_PKI_DIR "pki"

struct procs_conf {
	struct event_base *base;
	int self_fd;               /* our own binary, O_PATH|O_CLOEXEC */
	unsigned int n[ROLE_MAX];  /* how many of each; 0: none */
	uid_t uid[ROLE_MAX];       /* whom each role becomes: its own user */
	gid_t gid[ROLE_MAX];
	const char *root;          /* empty, root-owned folder: their chroot */
	const char *state_dir;     /* db's chroot; its files are "/name"; pki's
	                            * is PROC_PKI_DIR in it */
	unsigned int silent_ms;    /* killed after so long without a
	                            * HEARTBEAT; 0: 60 s */
	/* A message from a role. */
	int (*on_msg)(void *arg, enum role role, unsigned int index,
	    struct msg *m, int fd);
	/* The role was started: send it its part of the config and its
	 * descriptors (the mesh's pipes follow by themselves), then CONF_DONE
	 * is sent by proc. */
	int (*on_start)(void *arg, enum role role, unsigned int index);
	/* READY came. */
	void (*on_ready)(void *arg, enum role role, unsigned int index);
	/* It ended: its status as wait(2) tells, and how often in a row. */
	void (*on_exit)(void *arg, enum role role, unsigned int index,
	    int status, unsigned int crashes);
	/* While stopping, once `role` is gone: does its owner still expect
	 * messages of the roles that are left? NULL: never. */
	int (*busy)(void *arg, enum role role);
	void *arg;
};

/* Starts every role in the order db, esp, net, ctl. All pipes exist before
 * the first role runs. ERR_SYS. */
int procs_start(struct procs **out, const struct procs_conf *conf) MUST_USE;
/* Ordered stop: SHUTDOWN to ctl, net, esp, db; SIGKILL after ms. Runs the
 * loop itself so that messages are still handled: call it when the loop has
 * returned, never from inside a callback. */
void procs_stop(struct procs *ps, int ms);
void procs_free(struct procs *ps);
/* ERR_CLOSED while that role is down: the caller's state waits. */
int procs_send(struct procs *ps, enum role role, unsigned int index,
    const struct msg *m) MUST_USE;
int procs_send_fd(struct procs *ps, enum role role, unsigned int index,
    const struct msg *m, int fd) MUST_USE;
/* Send to every running worker of a role. */
void procs_cast(struct procs *ps, enum role role, const struct msg *m);
/* Every worker of a role ends politely and starts again at once, with its part
 * of the configuration as on_start gives it then. One that does not end within
 * 2 s is killed. */
void procs_restart(struct procs *ps, enum role role);
pid_t procs_pid(const struct procs *ps, enum role role, unsigned int index);
int procs_up(const struct procs *ps, enum role role, unsigned int index);
unsigned int procs_restarts(const struct procs *ps, enum role role);

/*
 * A role's side. role_main() of each role calls proc_child_start() with fd 3,
 * which reads CONF_START … CONF_DONE and FD messages, hands each to on_conf,
 * then returns; the role then sets up, jails itself and calls
 * proc_child_ready(). Pipes that come later (a peer was restarted) are given
 * to on_pipe from the loop. LOG goes to the parent by itself.
 */
struct proc_child;

/*
 * First thing in main() when argv[1] is "--role": what procs_start gave this
 * process: role, number, uid, gid, root and state folder. Kept for
 * proc_child_start and proc_child_jail. ERR_SYNTAX.
 */
int proc_child_args(int argc, char **argv, enum role *role) MUST_USE;

struct proc_child_conf {
	struct event_base *base;
	enum role role;
	/* Every CONF_* and FD message before CONF_DONE but FD_PIPE; owns fd. */
	int (*on_conf)(void *arg, struct msg *m, int fd);
	/* Everything else from the parent, once running. */
	int (*on_parent)(void *arg, struct msg *m, int fd);
	/* A message of any other role. */
	int (*on_peer)(void *arg, enum role role, unsigned int index,
	    struct msg *m, int fd);
	/* The pipe to a peer is (again) there, or gone (up 0). Not called for
	 * pipes that were there before CONF_DONE. */
	void (*on_pipe)(void *arg, enum role role, unsigned int index, int up);
	/* SHUTDOWN came or the parent is gone: finish, then exit (leave the
	 * loop). When the parent is gone the process ends after 1 s anyway. */
	void (*on_shutdown)(void *arg);
	void *arg;
};
int proc_child_start(struct proc_child **out,
    const struct proc_child_conf *conf) MUST_USE;
/* The role's own number and the size of the crowd (from CONF_START). */
const struct msg_conf_start *proc_child_start_conf(const struct proc_child *);
/* Enter the jail of this role (the paths and ids from proc_child_args). The
 * db's root is then its state folder. */
int proc_child_jail(struct proc_child *pc) MUST_USE;
/* sign with keys in a token, first: become its user, outside of any chroot but
 * with nothing of the parent's left, to load modules; proc_child_jail then
 * shuts the rest but for reading token_dir (which must outlive it). */
int proc_child_become(struct proc_child *pc, const char *token_dir) MUST_USE;
int proc_child_ready(struct proc_child *pc) MUST_USE;
int proc_child_send(struct proc_child *pc, enum role role, unsigned int index,
    const struct msg *m) MUST_USE;
int proc_child_send_parent(struct proc_child *pc, const struct msg *m)
    MUST_USE;
/* net: unused responder nonces left, told with every HEARTBEAT (which this
 * library sends once a second by itself). */
void proc_child_tickets(struct proc_child *pc, uint32_t left);
/* Is the pipe to that peer there? */
int proc_child_up(const struct proc_child *pc, enum role role,
    unsigned int index);
/* How many messages wait for that peer: who sends much asks before. */
size_t proc_child_queued(const struct proc_child *pc, enum role role,
    unsigned int index);
void proc_child_free(struct proc_child *pc);
/* To flush what is queued before exit. */
void proc_child_flush(struct proc_child *pc, int ms);

#endif
