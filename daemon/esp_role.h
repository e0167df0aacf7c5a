#ifndef GH_DAEMON_ESP_ROLE_H
#define GH_DAEMON_ESP_ROLE_H

#include <sys/socket.h>

#include <stddef.h>
#include <stdint.h>

#include "daemon/esp/esp.h"
#include "privsep/base/addr.h"
#include "privsep/ipc/msg.h"

/*
 * One esp worker: what esp.c, esp_tun.c, esp_udp.c and esp_raw.c share. They
 * move bytes between descriptors and the engine (daemon/esp), and nothing
 * else.
 */
struct event;
struct event_base;
struct proc_child;
struct esp_role;

#define ESP_SOCKS_MAX 64
/* FD.index of an esp worker's socket: bit 0 says that it only sends, and
 * without the DF bit. */
#define ESP_SOCK_NODF 1

struct esp_sock {
	struct esp_role *er;
	int fd;
	struct addr local;
	uint8_t raw;    /* protocol 50 */
	uint8_t nodf;   /* sends without DF; never read */
	uint8_t no_gso; /* the kernel refused a train with EIO */
	uint8_t wild;   /* bound to every address of its family */
	struct event *ev;
};

/* Buffers of a batch, made once. */
struct esp_rx;
struct esp_tx;
struct esp_job;

struct esp_role {
	struct event_base *base;
	struct proc_child *pc;
	struct esp *esp;
	uint64_t *stats;       /* the engine's, where we count too */
	struct msg_conf_esp conf;
	uint8_t has_conf;
	uint8_t index, n_net, n_esp;
	int tun;
	struct event *tun_ev, *stats_ev, *job_ev;
	struct esp_sock socks[ESP_SOCKS_MAX];
	unsigned int n_socks;
	struct esp_rx *rx;
	struct esp_tx *tx;
	uint8_t *frame;        /* one frame of the TUN */
	uint64_t stray_s;      /* second and number of strays in it */
	unsigned int stray_n;
	struct esp_job *jobs;
	struct msg msg;        /* the one that is being sent */
};

uint64_t esp_now_ms(void);

/* ---- esp.c --------------------------------------------------------------- */
/* A datagram of someone else: IKE goes to net (`data` with its marker), ESP to
 * the worker of its SPI; what nobody takes is counted. */
void esp_stray_ike(struct esp_role *er, const struct addr *from,
    const struct addr *to, const uint8_t *p, size_t len);
void esp_stray_esp(struct esp_role *er, const struct addr *from,
    const struct addr *to, int natt, const uint8_t *p, size_t len);
/* A frame of the TUN whose destination we do not have. */
void esp_stray_inner(struct esp_role *er, const uint8_t *p, size_t len);
/* Tell what the engine has to say (events). */
void esp_tell(struct esp_role *er);

/* ---- esp_tun.c ----------------------------------------------------------- */
int esp_tun_start(struct esp_role *er) MUST_USE;
/* Write the engine's frames to the TUN. */
void esp_tun_flush(struct esp_role *er);
/* A frame goes into the engine; sends trains when they fill up. */
int esp_tun_take(struct esp_role *er, uint8_t *p, size_t len, uint64_t now)
    MUST_USE;

/* ---- esp_udp.c ----------------------------------------------------------- */
int esp_udp_start(struct esp_role *er) MUST_USE;
/* Send the engine's trains. */
void esp_udp_flush(struct esp_role *er);
/* One ESP packet goes into the engine; frames are written when they fill up.
 * ERR_NOENT as esp_in. */
int esp_udp_take(struct esp_role *er, const struct esp_dgram *d) MUST_USE;

/* ---- esp_raw.c ----------------------------------------------------------- */
/* What a raw socket gave: an IPv4 header and ESP, or only ESP. 0 and the
 * packet's place; ERR_SHORT. */
int esp_raw_strip(uint8_t family, const uint8_t **p, size_t *len,
    uint8_t *tos, struct addr *to) MUST_USE;

#endif
