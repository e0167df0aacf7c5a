#ifndef GH_PARENT_RTNL_H
#define GH_PARENT_RTNL_H

#include <stddef.h>
#include <stdint.h>

#include "privsep/base/addr.h"

/* The few things that we ask of rtnetlink. One socket, opened at the start;
 * every call waits for the kernel's acknowledgement, which comes at once. */
struct rtnl;

/* ERR_SYS. */
int rtnl_open(struct rtnl **out) MUST_USE;
void rtnl_close(struct rtnl *r);

/* Set MTU and queue length, make no link-local address, and up it goes. */
int rtnl_link_up(struct rtnl *r, int ifindex, uint32_t mtu,
    uint32_t txqueuelen) MUST_USE;
/* Up again, as it was. */
int rtnl_link_again(struct rtnl *r, int ifindex) MUST_USE;
/* ERR_EXIST: there is one already, of whatever device. */
int rtnl_addr_add(struct rtnl *r, int ifindex, const struct addr *a,
    uint8_t plen) MUST_USE;
int rtnl_route_add(struct rtnl *r, int ifindex, const struct addr *a,
    uint8_t plen) MUST_USE;
/* ERR_NOENT when there is none. */
int rtnl_route_del(struct rtnl *r, int ifindex, const struct addr *a,
    uint8_t plen) MUST_USE;
/* The errno of the last failure. */
int rtnl_errno(const struct rtnl *r);

#endif
