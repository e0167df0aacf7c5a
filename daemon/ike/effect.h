#ifndef GH_IKE_EFFECT_H
#define GH_IKE_EFFECT_H

#include <stddef.h>
#include <stdint.h>

#include "privsep/base/addr.h"
#include "privsep/base/log.h"
#include "privsep/ipc/msg.h"

/*
 * What the engine wants done, in order. The caller (net, or a test) carries
 * the list out and then calls fx_reset(). FX_CHECKPOINT of a slot precedes
 * every FX_SEND of that slot in the list.
 */
enum fx_type {
	FX_CHECKPOINT, /* publish slot's frozen state (boards) */
	FX_MSG,        /* a message to another process */
	FX_SEND,       /* a datagram */
	FX_ARM,        /* call ike_timer(slot) at `at_ms`; replaces the last */
	FX_CLOSE,      /* the slot is free now: disarm its timer */
	FX_EVENT       /* a log line */
};
struct fx {
	enum fx_type type;
	uint32_t slot;      /* which IKE SA; UINT32_MAX: none */
	union {
		struct {
			enum role to;
			struct msg *m; /* in the arena; fx_reset clears it */
		} msg;
		struct {
			struct addr from, to; /* from: our side */
			uint8_t natt;         /* put the non-ESP marker before */
			const uint8_t *p;     /* in the arena */
			size_t len;
		} send;
		uint64_t at_ms;
		struct {
			enum log_level level;
			const char *line;     /* "sa=… event key=value" */
		} event;
	} u;
};
#define FX_MAX 64
#define FX_ARENA (192 * 1024)
struct fx_list {
	size_t n;
	struct fx v[FX_MAX];
	size_t used;
	uint64_t arena[FX_ARENA / 8];
};
void fx_init(struct fx_list *fx);
/* Clears the secrets of messages, empties the list. */
void fx_reset(struct fx_list *fx);
/* NULL when there is no room: the engine then drops the whole reaction (the
 * peer retransmits). */
void *fx_alloc(struct fx_list *fx, size_t len);
struct fx *fx_add(struct fx_list *fx, enum fx_type type, uint32_t slot);
/* A message of this type in the arena, zeroed, already in the list. */
struct msg *fx_msg(struct fx_list *fx, uint32_t slot, enum role to,
    enum msg_type type);

#endif
