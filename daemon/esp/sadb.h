#ifndef GH_ESP_SADB_H
#define GH_ESP_SADB_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/esp/inner.h"
#include "daemon/esp/replay.h"
#include "daemon/esp/spd.h"
#include "privsep/base/addr.h"
#include "privsep/crypto/aead.h"
#include "privsep/crypto/suite.h"

#define ESP_SID_LEN 16
/* RFC 4303 2.1: "the range of 1 to 255 is reserved"; 0 is never sent. */
#define ESP_SPI_MIN 256
#define ESP_TS_MAX 16

/* What an SA pair is made of; borrowed until esp_sa_add returns. In the
 * initiator's role, ts_i and ts_r change places. */
struct esp_sa_conf {
	uint8_t sid[ESP_SID_LEN];
	uint32_t child, spi_in, spi_out;
	uint16_t encr, encr_bits, integ;
	uint8_t esn, encap, tfc;
	const uint8_t *key_in, *key_out;
	size_t key_in_len, key_out_len;
	const struct tsel *ts_i, *ts_r;
	size_t n_ts_i, n_ts_r;
	struct addr peer, local;
};

struct esp_count {
	uint64_t bytes, packets;
	uint64_t last_ms; /* 0: never */
};

struct esp_sa;
/* One inner destination that leads to an SA. */
struct esp_route {
	struct esp_route *next; /* of its bucket, newest first */
	struct esp_sa *sa;
	uint8_t family;
	uint8_t range;          /* in the list of ranges, not in a bucket */
	uint8_t ip[16];
};

/* An SA pair; owned by the sadb. Both directions are hot, so they share no
 * line with what is only read to set up. */
struct esp_sa {
	struct esp_sa *next;     /* of its SPI bucket */
	uint32_t spi_in, spi_out;
	struct aead *open, *seal;
	uint8_t iv_len, icv_len, align;
	uint8_t esn, encap, tfc;
	uint8_t sock[2];         /* the role's: which socket, without DF and
	                          * with; 255: not known */
	uint8_t dirty;           /* counted something since the last report */
	struct replay replay;
	uint64_t seq;            /* the last one that was taken for sending */
	struct spd_list ts_i, ts_r;
	struct addr peer, local;
	struct addr moved;       /* the peer we told net about last */
	uint64_t moved_ms;
	uint16_t pmtu;           /* of the outer path; 0: no limit known */
	uint64_t pmtu_ms;        /* when it was learnt */
	struct esp_count in, out;
	uint64_t drops;
	uint8_t expire;          /* 1: soft told, 2: hard told */

	uint8_t sid[ESP_SID_LEN];
	uint32_t child;
	const struct encr_alg *encr;
	const struct integ_alg *integ;
	struct esp_sa *next_dirty;
	size_t n_routes;
	struct esp_route *routes; /* in the same allocation, as are the ts */
};

struct sadb {
	struct esp_sa **by_spi;
	struct esp_route **by_dst;
	struct esp_route *ranges;
	size_t mask;              /* buckets - 1, of both tables */
	size_t n, n_routes;
	size_t rest_at;           /* the bucket that sadb_rest looked at last */
	uint64_t seed;
};

int sadb_init(struct sadb *db, uint64_t seed) MUST_USE;
void sadb_clear(struct sadb *db);
/* ERR_RANGE (SPI, selectors), ERR_EXIST, ERR_UNSUP, ERR_NOMEM, ERR_CRYPTO. */
int sadb_add(struct sadb *db, const struct esp_sa_conf *c,
    struct esp_sa **out) MUST_USE;
void sadb_del(struct sadb *db, struct esp_sa *sa);
struct esp_sa *sadb_in(const struct sadb *db, uint32_t spi_in);
/* The SA for an outbound packet: the newest whose selectors take it, but its
 * predecessor in the session until the client was heard on it. NULL with *known
 * 1: somebody has the address, but no selector takes the packet. */
struct esp_sa *sadb_out(const struct sadb *db, const struct inner *in,
    int *known);
/* Does anybody here have this inner address? */
int sadb_has(const struct sadb *db, uint8_t family, const uint8_t *ip);
/* Called now and then: of directions without a packet for a minute only the
 * keys are kept, not what the cipher made of them. A slice of the table. */
void sadb_rest(struct sadb *db, uint64_t now_ms);
/* Every SA: *cursor is 0 at first. NULL at the end. The sadb may not change
 * in between. */
struct esp_sa *sadb_next(const struct sadb *db, size_t *cursor,
    const struct esp_sa *prev);

#endif
