#ifndef GH_ESP_MSS_H
#define GH_ESP_MSS_H

#include "daemon/esp/inner.h"

/* Lower the MSS option of a TCP SYN to what fits in mtu. partial: the checksum
 * field holds only the pseudo-header's sum. 1 when something was changed. */
int mss_clamp(uint8_t *p, const struct inner *in, size_t mtu, int partial);

#endif
