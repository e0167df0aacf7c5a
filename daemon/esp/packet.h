#ifndef GH_ESP_PACKET_H
#define GH_ESP_PACKET_H

#include "daemon/esp/sadb.h"

#define ESP_HDR_LEN 8
#define ESP_IV_MAX 16
/* The most that ESP adds to an inner packet, padding included. */
#define ESP_OVERHEAD_MAX (ESP_HDR_LEN + ESP_IV_MAX + 17 + 32)

/* The length of the ESP packet that carries n inner bytes. */
static inline size_t
packet_len(const struct esp_sa *sa, size_t n)
{
	size_t text = (n + 2 + sa->align - 1) / sa->align * sa->align;

	return (ESP_HDR_LEN + (size_t)sa->iv_len + text + sa->icv_len);
}

/* Where the inner packet stands in the ESP packet. */
static inline size_t
packet_text_at(const struct esp_sa *sa)
{
	return (ESP_HDR_LEN + (size_t)sa->iv_len);
}

/* The largest inner packet for which packet_len() is at most `max`; 0: none. */
size_t packet_inner_max(const struct esp_sa *sa, size_t max);

/* Seal in place: n inner bytes stand at e + packet_text_at(). seq was never
 * used before. iv: unpredictable bytes for a CBC cipher, else not looked at. */
int packet_seal(const struct esp_sa *sa, uint8_t *e, size_t n, uint8_t next,
    uint64_t seq, const uint8_t *iv) MUST_USE;

struct packet_in {
	uint64_t seq;
	size_t text_len; /* what the cipher gives: inner packet and trailer */
	size_t len;      /* without the trailer */
	uint8_t next;
};
/* Everything that can be said before opening. ERR_SHORT, ERR_REPLAY. */
int packet_check(const struct esp_sa *sa, const uint8_t *e, size_t len,
    struct packet_in *pi) MUST_USE;
/* Open into `to` (pi->text_len bytes), mark the number as seen. ERR_AUTH, or
 * ERR_SYNTAX when the padding is wrong. */
int packet_open(struct esp_sa *sa, const uint8_t *e, struct packet_in *pi,
    uint8_t *to) MUST_USE;

#endif
