/*
 * One queue of the TUN: frames in and out. Runs in esp. In: frames that the
 * kernel routed to a client, for the engine to seal; out: what the engine
 * opened and coalesced. Nothing ever waits for more packets: the queue is
 * drained, then sent.
 */
#include <sys/uio.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

#include "daemon/esp_role.h"
#include "privsep/base/log.h"

#define READS 16
/* vnet header and the longest packet; 6 bytes of air before, so that the IP
 * header is aligned. */
#define AIR 6
#define FRAME_MAX (10 + 65536)

int
esp_tun_take(struct esp_role *er, uint8_t *p, size_t len, uint64_t now)
{
	int r = esp_out(er->esp, p, len, now);

	if (r == ERR_SPACE) {
		esp_udp_flush(er);
		r = esp_out(er->esp, p, len, now);
	}
	return (r);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct esp_role *er = arg;
	uint8_t *p = er->frame + AIR;
	uint64_t now = esp_now_ms();
	ssize_t n;
	int i;

	(void)what;
	for (i = 0; i < READS; i++) {
		n = read(fd, p, FRAME_MAX);
		if (n == -1 && errno == EBADFD) {
			/* It would be readable for ever. */
			log_crit("esp.tun.gone");
			event_del(er->tun_ev);
		}
		if (n <= 0)
			break;
		er->stats[ESP_STAT_TUN_FRAMES]++;
		if (esp_tun_take(er, p, (size_t)n, now) == ERR_NOENT)
			esp_stray_inner(er, p, (size_t)n);
	}
	esp_udp_flush(er);
	esp_tun_flush(er); /* packet-too-big messages */
	esp_tell(er);
}

void
esp_tun_flush(struct esp_role *er)
{
	struct esp_frame v[ESP_FRAMES_MAX];
	size_t n = esp_frames(er->esp, v, ESP_FRAMES_MAX), i;

	for (i = 0; i < n; i++)
		if (write(er->tun, v[i].p, v[i].len) == -1)
			er->stats[ESP_STAT_TUN_ERROR]++;
	esp_frames_done(er->esp);
}

int
esp_tun_start(struct esp_role *er)
{
	er->frame = malloc(AIR + FRAME_MAX);
	if (er->frame == NULL)
		return (ERR_NOMEM);
	er->tun_ev = event_new(er->base, er->tun, EV_READ | EV_PERSIST,
	    on_readable, er);
	if (er->tun_ev == NULL || event_add(er->tun_ev, NULL) == -1)
		return (ERR_NOMEM);
	return (0);
}
