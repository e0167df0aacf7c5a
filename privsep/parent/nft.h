#ifndef GH_PARENT_NFT_H
#define GH_PARENT_NFT_H

#include "privsep/conf/conf.h"
#include "privsep/parent/host.h"

/*
 * The nft table "gatehouse": with isolate, nothing that comes from the TUN is
 * for this host or goes back to the TUN; with nat = masquerade, one rule for
 * each range of each pool. The table is owned by our netlink socket: the
 * kernel takes it away when that closes, however we end.
 */
struct nft;
/* ERR_SYS, ERR_NOMEM, with why. tun: packets that stay inside of the tunnel
 * are not touched. */
int nft_open(struct nft **out, const struct conf *c, const char *tun,
    char why[HOST_WHY]) MUST_USE;
/* The table goes. NULL is fine. */
void nft_free(struct nft *n);

#endif
