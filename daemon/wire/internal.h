#ifndef GH_WIRE_INTERNAL_H
#define GH_WIRE_INTERNAL_H

#include <stddef.h>

/* Shared by the files of this library. `known`, or when that is NULL `what`
 * and the number in buf. */
const char *wire_name(const char *known, const char *what, unsigned int value,
    char *buf, size_t cap);

#endif
