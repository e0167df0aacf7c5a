/*
 * NAT detection (RFC 7296 2.23) and the address of a peer behind one. In:
 * notifies and the addresses of datagrams. Out: SAF_NAT* bits, our own
 * notifies, SA_UPDATE and SESSION_MOVED. net.
 */
#include <string.h>

#include "daemon/ike/sa.h"
#include "privsep/crypto/prf.h"

#define NATD_LEN 20

/* RFC 7296 2.23: "the SHA-1 digest of the SPIs (in the order they appear in
 * the header), IP address, and port from which this packet was sent". */
int
ike_natt_hash(uint64_t spi_i, uint64_t spi_r, const struct addr *a,
    uint8_t out[NATD_LEN])
{
	uint8_t buf[34];
	struct piece piece = { buf, 0 };
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	if (wr_u64(&w, spi_i) || wr_u64(&w, spi_r) ||
	    wr_copy(&w, a->ip, addr_iplen(a->family)) || wr_u16(&w, a->port))
		return (ERR_SPACE);
	piece.len = w.len;
	return (hash_sha1(&piece, 1, out));
}

/* Is one of the notifies of this type our hash? *n: how many there were. */
static int
one_is(const struct chain *c, uint16_t type, const uint8_t hash[NATD_LEN],
    unsigned int *n)
{
	struct notify no;
	int hit = 0;

	for (*n = 0; wire_find_notify(c, type, *n, &no) == 0; (*n)++)
		if (no.len == NATD_LEN && memcmp(no.data, hash, NATD_LEN) == 0)
			hit = 1;
	return (hit);
}

uint16_t
ike_natt_detect(const struct chain *c, const struct ike_hdr *h,
    const struct ike_dgram *d)
{
	uint8_t src[NATD_LEN], dst[NATD_LEN];
	unsigned int n_src, n_dst;
	uint16_t flags = 0;
	struct notify n;

	if (ike_natt_hash(h->spi_i, 0, &d->from, src) != 0 ||
	    ike_natt_hash(h->spi_i, 0, &d->to, dst) != 0)
		return (0);
	if (!one_is(c, NT_NAT_DETECTION_SOURCE_IP, src, &n_src) && n_src > 0)
		flags |= SAF_NAT_PEER;
	if (!one_is(c, NT_NAT_DETECTION_DESTINATION_IP, dst, &n_dst) &&
	    n_dst > 0)
		flags |= SAF_NAT_US;
	if (n_src > 0 && n_dst > 0)
		flags |= SAF_NATD;
	if (wire_find_notify(c, NT_NO_NATS_ALLOWED, 0, &n) == 0)
		flags |= SAF_NO_NATS;
	return (flags);
}

/*
 * DESIGN 6: the userspace data plane prefers ESP in UDP. Where nothing is in
 * between we give a random source hash, so that the client encapsulates: a
 * deviation that RFC 7296 2.23 leaves room for ("may send"), never for a
 * client that says NO_NATS_ALLOWED or where every policy says `never`.
 */
int
ike_natt_put(struct ctx *x, struct chain_wr *c)
{
	struct ike_sa *sa = x->sa;
	uint8_t src[NATD_LEN], dst[NATD_LEN];
	int err;

	if (!(sa->flags & SAF_NATD))
		return (0);
	if ((err = ike_natt_hash(sa->spi_i, sa->spi_r, &x->d->to, src)) != 0 ||
	    (err = ike_natt_hash(sa->spi_i, sa->spi_r, &x->d->from, dst)) != 0)
		return (err);
	if (x->e->encap_fake &&
	    !(sa->flags & (SAF_NAT_PEER | SAF_NAT_US | SAF_NO_NATS))) {
		x->e->conf.random(x->e->conf.random_arg, src, sizeof(src));
		sa->flags |= SAF_FAKED;
	}
	if ((err = wire_put_notify(c, 0, NULL, 0, NT_NAT_DETECTION_SOURCE_IP,
	    src, sizeof(src))) != 0)
		return (err);
	return (wire_put_notify(c, 0, NULL, 0, NT_NAT_DETECTION_DESTINATION_IP,
	    dst, sizeof(dst)));
}

/*
 * RFC 7296 2.23: a host not behind a NAT "SHOULD send all packets ... to the
 * IP address and port from the last valid authenticated packet from the other
 * end". Only for a peer behind a NAT: who is not may not be moved by whoever
 * sends a copy of his packet from elsewhere first.
 */
void
ike_natt_follow(struct ctx *x, const struct addr *peer,
    const struct addr *local)
{
	struct ike_sa *sa = x->sa;
	struct msg *m;
	struct txt t;

	if (addr_eq(&sa->peer, peer) && addr_eq(&sa->local, local))
		return;
	if (!(sa->flags & SAF_NAT_PEER) || !(sa->flags & SAF_ESTABLISHED))
		return;
	x->e->stats[IKE_STAT_MOVED]++;
	if (ike_event(x, LOG_L_INFO, "ike.peer.moved", &t) == 0) {
		txt_str(&t, " to=");
		addr_txt(&t, peer);
	}
	sa->peer = *peer;
	sa->local = *local;
	if ((m = fx_msg(x->fx, sa->slot, ROLE_PARENT, MSG_SA_UPDATE)) != NULL) {
		memcpy(m->u.sa_update.sid, sa->sid, SID_LEN);
		m->u.sa_update.peer = *peer;
		m->u.sa_update.local = *local;
	}
	if ((m = fx_msg(x->fx, sa->slot, ROLE_DB, MSG_SESSION_MOVED)) != NULL) {
		memcpy(m->u.session_moved.sid, sa->sid, SID_LEN);
		m->u.session_moved.peer = *peer;
		m->u.session_moved.local = *local;
	}
}
