#ifndef GH_ESP_SPD_H
#define GH_ESP_SPD_H

#include "daemon/esp/inner.h"
#include "privsep/base/addr.h"

/* Selectors of one side; of a list, any may match (RFC 7296 2.9). */
struct spd_list {
	const struct tsel *v;
	size_t n;
};

enum spd_dir { SPD_IN, SPD_OUT };

/*
 * RFC 4301 5.2 step 4 and 5.1: may this inner packet travel in an SA with
 * these selectors? ts_i is the client's side, ts_r is behind us. In: source in
 * ts_i, destination in ts_r; out: the other way round.
 */
int spd_match(struct spd_list ts_i, struct spd_list ts_r,
    const struct inner *in, enum spd_dir dir);
/* Is the bare address in one of the list? */
int spd_has_ip(struct spd_list ts, uint8_t family, const uint8_t *ip);

#endif
