#ifndef GH_IPC_CHAN_H
#define GH_IPC_CHAN_H

#include <stddef.h>

#include "privsep/ipc/msg.h"

/*
 * One end of a SOCK_SEQPACKET pipe between two processes, on a libevent base.
 * Sending never blocks: what does not fit in the socket waits in a bounded
 * queue. Whatever arrives is checked against msg.def (roles, bounds, trailing
 * bytes) before the handler sees it.
 */
struct event_base;
struct chan;

enum chan_end {
	CHAN_CLOSED, /* the other process is gone */
	CHAN_BAD,    /* it sent something that is not a message it may send */
	CHAN_FULL    /* our queue to it is over its bound */
};

/* m is owned by the chan and valid until return; the handler may take its
 * secrets with secret_move. fd: a descriptor that rode along, or -1; the
 * handler owns it. Only FD carries one, and only the parent sends it: any
 * other is closed, or never let in. The handler may free the chan. Return 0,
 * or ERR_* to treat the sender as hostile. */
typedef int chan_msg_fn(void *arg, struct chan *c, struct msg *m, int fd);
/* Called once, from the loop, never from inside chan_send; the owner then
 * calls chan_free. Nothing is sent or received any more. */
typedef void chan_end_fn(void *arg, struct chan *c, enum chan_end why);

struct chan_conf {
	struct event_base *base;
	enum role self, peer;   /* who we are, who is at the other end */
	unsigned int peer_index;
	size_t queue_max;       /* messages waiting; 0: 4096 */
	chan_msg_fn *on_msg;
	chan_end_fn *on_end;
	void *arg;
};

/* Takes fd (made non-blocking) also on error. */
int chan_new(struct chan **out, const struct chan_conf *conf, int fd) MUST_USE;
void chan_free(struct chan *c); /* NULL is fine; queued messages are wiped */
/* Encode and send or queue. The message's secrets are wiped by the caller
 * (msg_clear). ERR_LIMIT when the queue is full (on_end follows),
 * ERR_CLOSED. A message we may not send is BUG(). */
int chan_send(struct chan *c, const struct msg *m) MUST_USE;
/* The same with a descriptor, which is closed here once it is sent. */
int chan_send_fd(struct chan *c, const struct msg *m, int fd) MUST_USE;
/* Drain the queue synchronously (shutdown, start-up), at most ms. */
int chan_flush(struct chan *c, int ms) MUST_USE;
/* Read and dispatch one message synchronously: for start-up, before the loop
 * and before the jail is shut. 0, ERR_AGAIN after ms, ERR_CLOSED, or what was
 * wrong with it; on_end is not called: the caller frees the chan. */
int chan_recv_one(struct chan *c, int ms) MUST_USE;
enum role chan_peer(const struct chan *c);
unsigned int chan_peer_index(const struct chan *c);
size_t chan_queued(const struct chan *c);

#endif
