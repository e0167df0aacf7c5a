#ifndef GH_PARENT_TUN_WATCH_H
#define GH_PARENT_TUN_WATCH_H

#include "privsep/base/addr.h"

/* Notices about links, from the kernel. */
struct mnl_socket;
enum tun_state { TUN_FINE, TUN_WAS_DOWN, TUN_GONE };

/* Without blocking; close it with mnl_socket_close(). ERR_SYS. */
int tun_watch_open(struct mnl_socket **out) MUST_USE;
/* Everything that has come; the worst of what it says about this device. */
enum tun_state tun_watch_read(struct mnl_socket *nl, int ifindex);

#endif
