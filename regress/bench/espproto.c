/*
 * espproto: best-case prototype of a userspace ESP-in-UDP tunnel, AES-256-GCM,
 * one SA each way, IPv4: the yardstick of `make bench`, and the cheap other
 * end of our own worker.
 *
 *   espproto TUN LOCAL PEER SPI-OUT SPI-IN MODE CRYPTO [PORT [PEER-PORT
 *       [KEY-OUT KEY-IN]]]
 *   MODE    plain: a packet a system call, as kernel-libipsec without its
 *           queues; mmsg: recvmmsg and sendmmsg; off: TUN and UDP offloads
 *   CRYPTO  ossl, imb (`espproto has-imb` tells whether it is there), null
 *   KEY     72 hex digits: key and salt
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdint.h>
#include <unistd.h>
#include <fcntl.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <arpa/inet.h>
#include <net/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <openssl/evp.h>
#ifdef HAVE_IMB
#define NO_COMPAT_IMB_API_053
#include <intel-ipsec-mb.h>
#endif
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#define UDP_GRO 104
#endif
#define ND(x)                                                                  \
	do {                                                                   \
		if ((x) < 0) {                                                 \
			perror(#x);                                            \
			exit(1);                                               \
		}                                                              \
	} while (0)
#define VH 10
#define WIN 1024
static int tun, us, off, mm, backend;
static uint32_t spi_o, spi_i;
static volatile int stop;
static struct sockaddr_in peer;
static uint32_t oseq;
static uint64_t oiv = 1;
static uint32_t rtop;
static uint64_t rbm[WIN / 64];
static struct {
	unsigned long tr, tp, us, up, ur, urp, tw, twp, bad, replay, co;
} S;
/* Key and salt of each direction; static unless given as 72 hex digits. */
static uint8_t key[36] = {1, 2, 3}, key_in[36] = {1, 2, 3};
static uint8_t *const salt = key + 32, *const salt_in = key_in + 32;
static void unhex(uint8_t *to, const char *s)
{
	for (int i = 0; i < 36; i++)
		sscanf(s + 2 * i, "%2hhx", to + i);
}
static EVP_CIPHER_CTX *ce, *cd;
#ifdef HAVE_IMB
static IMB_MGR *mg;
static struct gcm_key_data gk __attribute__((aligned(64))),
    gk_in __attribute__((aligned(64)));
static struct gcm_context_data gc;
#endif
/* seal in place: buf=ESP hdr(8)+iv(8)+plain[n]; tag appended */
static inline void
seal(uint8_t *e, int n)
{
	uint8_t nn[12];
	memcpy(nn, salt, 4);
	memcpy(nn + 4, e + 8, 8);
	int l;
	if (backend == 0) {
		EVP_EncryptInit_ex2(ce, NULL, NULL, nn, NULL);
		EVP_EncryptUpdate(ce, NULL, &l, e, 8);
		EVP_EncryptUpdate(ce, e + 16, &l, e + 16, n);
		EVP_EncryptFinal_ex(ce, e + 16 + n, &l);
		EVP_CIPHER_CTX_ctrl(ce, EVP_CTRL_AEAD_GET_TAG, 16, e + 16 + n);
	}
#ifdef HAVE_IMB
	else if (backend == 1)
		IMB_AES256_GCM_ENC(
		    mg, &gk, &gc, e + 16, e + 16, n, nn, e, 8, e + 16 + n, 16);
#endif
}
static inline int
openp(const uint8_t *e, uint8_t *dst, int n)
{
	uint8_t nn[12], t[16];
	memcpy(nn, salt_in, 4);
	memcpy(nn + 4, e + 8, 8);
	int l;
	if (backend == 0) {
		EVP_DecryptInit_ex2(cd, NULL, NULL, nn, NULL);
		EVP_DecryptUpdate(cd, NULL, &l, e, 8);
		EVP_DecryptUpdate(cd, dst, &l, e + 16, n);
		EVP_CIPHER_CTX_ctrl(
		    cd, EVP_CTRL_AEAD_SET_TAG, 16, (void *)(e + 16 + n));
		return EVP_DecryptFinal_ex(cd, dst + n, &l) == 1;
	}
#ifdef HAVE_IMB
	if (backend == 1) {
		IMB_AES256_GCM_DEC(
		    mg, &gk_in, &gc, dst, e + 16, n, nn, e, 8, t, 16);
		uint64_t *a = (void *)t, x, y;
		memcpy(&x, e + 16 + n, 8);
		memcpy(&y, e + 24 + n, 8);
		return ((a[0] ^ x) | (a[1] ^ y)) == 0;
	}
#endif
	memcpy(dst, e + 16, n);
	return 1;
}
static inline uint64_t
sum32(const uint8_t *p, int n)
{
	uint64_t s = 0;
	int i = 0;
	for (; i + 4 <= n; i += 4) {
		uint32_t w;
		memcpy(&w, p + i, 4);
		s += w;
	}
	if (n & 3) {
		uint32_t w = 0;
		memcpy(&w, p + i, n & 3);
		s += w;
	}
	return s;
}
static inline uint16_t
fold(uint64_t s)
{
	s = (s & 0xffffffff) + (s >> 32);
	s = (s & 0xffffffff) + (s >> 32);
	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	return s;
}
static inline uint64_t
pseudo(const struct iphdr *i, int l4)
{
	uint32_t a, b;
	memcpy(&a, &i->saddr, 4);
	memcpy(&b, &i->daddr, 4);
	return (uint64_t)a + b + htons(i->protocol) + htons(l4);
}
/* ---- egress: GSO batch builder ---- */
#define NB 16
static uint8_t ob[NB][65536 + 2048];
static int obl[NB], obg[NB], obn[NB], nb = -1, closed = 1;
static struct mmsghdr oh[NB];
static struct iovec oi[NB];
static char oc[NB][CMSG_SPACE(2)];
static void
flush(void)
{
	if (nb < 0)
		return;
	int k = nb + 1;
	for (int i = 0; i < k; i++) {
		oi[i].iov_base = ob[i];
		oi[i].iov_len = obl[i];
		struct msghdr *m = &oh[i].msg_hdr;
		m->msg_name = &peer;
		m->msg_namelen = sizeof peer;
		m->msg_iov = &oi[i];
		m->msg_iovlen = 1;
		if (obn[i] > 1) {
			m->msg_control = oc[i];
			m->msg_controllen = CMSG_SPACE(2);
			struct cmsghdr *c = CMSG_FIRSTHDR(m);
			c->cmsg_level = IPPROTO_UDP;
			c->cmsg_type = UDP_SEGMENT;
			c->cmsg_len = CMSG_LEN(2);
			*(uint16_t *)CMSG_DATA(c) = obg[i];
		} else {
			m->msg_control = NULL;
			m->msg_controllen = 0;
		}
		S.up += obn[i];
	}
	for (int o = 0; o < k;) {
		int n = sendmmsg(us, oh + o, k - o, 0);
		S.us++;
		if (n <= 0) {
			if (errno == EAGAIN) {
				struct pollfd p = {us, POLLOUT};
				poll(&p, 1, 10);
				continue;
			}
			o++;
		} else
			o += n;
	}
	nb = -1;
	closed = 1;
}
static inline uint8_t *
slot(int len)
{ /* where the next ESP packet of exactly len bytes goes */
	if (off && !closed && nb >= 0 && len <= obg[nb] &&
	    obl[nb] + len <= 65000 && obn[nb] < 64) {
		uint8_t *p = ob[nb] + obl[nb];
		obl[nb] += len;
		obn[nb]++;
		if (len < obg[nb])
			closed = 1;
		return p;
	}
	if (nb + 1 >= NB)
		flush();
	nb++;
	obl[nb] = len;
	obg[nb] = len;
	obn[nb] = 1;
	closed = 0;
	return ob[nb];
}
static inline int
esplen(int n)
{
	return 16 + ((n + 2 + 3) & ~3) + 16;
}
static inline void
finish(uint8_t *e, int n)
{
	int pl = ((n + 2 + 3) & ~3);
	uint8_t *p = e + 16 + n;
	for (int i = 0; i < pl - n - 2; i++)
		p[i] = i + 1;
	e[16 + pl - 2] = pl - n - 2;
	e[16 + pl - 1] = 4;
	uint32_t s = htonl(spi_o), q = htonl(++oseq);
	memcpy(e, &s, 4);
	memcpy(e + 4, &q, 4);
	uint64_t v = oiv++;
	memcpy(e + 8, &v, 8);
	seal(e, pl);
	S.tp++;
}
static void
egress(uint8_t *b, int n)
{
	if (!off) {
		uint8_t *e = slot(esplen(n));
		memcpy(e + 16, b, n);
		finish(e, n);
		if (!mm)
			flush();
		return;
	}
	struct virtio_net_hdr *v = (void *)b;
	uint8_t *p = b + VH;
	n -= VH;
	struct iphdr *ip = (void *)p;
	int ty = v->gso_type & ~0x80;
	if (ty == 0 || ip->version != 4) {
		if (v->flags & 1) {
			uint8_t *c = p + v->csum_start;
			uint16_t f = ~fold(sum32(c, n - v->csum_start));
			memcpy(c + v->csum_offset, &f, 2);
		}
		uint8_t *e = slot(esplen(n));
		memcpy(e + 16, p, n);
		finish(e, n);
		return;
	}
	int ih = ip->ihl * 4,
	    th = ty == 1 ? ((struct tcphdr *)(p + ih))->doff * 4 : 8,
	    H = ih + th, g = v->gso_size;
	int data = n - H;
	uint32_t seq0 = ty == 1 ? ntohl(((struct tcphdr *)(p + ih))->seq) : 0;
	uint16_t id0 = ntohs(ip->id);
	for (int o = 0, k = 0; o < data; o += g, k++) {
		int d = data - o < g ? data - o : g, t = H + d;
		uint8_t *e = slot(esplen(t)), *q = e + 16;
		memcpy(q, p, H);
		memcpy(q + H, p + H + o, d);
		struct iphdr *i = (void *)q;
		i->tot_len = htons(t);
		i->id = htons(id0 + k);
		i->check = 0;
		i->check = ~fold(sum32(q, ih));
		if (ty == 1) {
			struct tcphdr *c = (void *)(q + ih);
			c->seq = htonl(seq0 + o);
			if (o + d < data) {
				c->fin = 0;
				c->psh = 0;
			}
			if (k)
				((uint8_t *)c)[13] &= ~0x80;
			c->check = 0;
			c->check =
			    ~fold(pseudo(i, th + d) + sum32(q + ih, th + d));
		} else {
			struct udphdr *u = (void *)(q + ih);
			u->len = htons(8 + d);
			u->check = 0;
			u->check =
			    ~fold(pseudo(i, 8 + d) + sum32(q + ih, 8 + d));
		}
		finish(e, t);
	}
}
/* ---- ingress: replay + open + userspace TCP GRO ---- */
static inline int
replay_ok(uint32_t s)
{
	if (s == 0)
		return 0;
	if (s > rtop)
		return 1;
	uint32_t d = rtop - s;
	if (d >= WIN - 64)
		return 0;
	return !((rbm[(s / 64) % (WIN / 64)] >> (s % 64)) & 1);
}
static inline void
replay_set(uint32_t s)
{
	if (s > rtop) {
		uint32_t a = rtop / 64, b = s / 64, d = b - a;
		if (d > WIN / 64)
			d = WIN / 64;
		for (uint32_t i = 1; i <= d; i++)
			rbm[(a + i) % (WIN / 64)] = 0;
		rtop = s;
	}
	rbm[(s / 64) % (WIN / 64)] |= 1ull << (s % 64);
}
#define NG 8
static struct gro {
	uint8_t *buf;
	int len, hl, gso, cnt, done;
	uint32_t nseq;
} G[NG];
static int ng;
static uint8_t gb[NG][VH + 65536 + 4096];
static void
gflush1(struct gro *g)
{
	uint8_t *w = g->buf;
	struct virtio_net_hdr *v = (void *)w;
	uint8_t *p = w + VH;
	memset(v, 0, VH);
	if (g->cnt > 1) {
		struct iphdr *i = (void *)p;
		int ih = 20;
		i->tot_len = htons(g->len);
		i->check = 0;
		i->check = ~fold(sum32(p, ih));
		struct tcphdr *t = (void *)(p + ih);
		int u = i->protocol == 17;
		if (u) {
			struct udphdr *q = (void *)t;
			q->len = htons(g->len - ih);
			q->check = fold(pseudo(i, g->len - ih));
		} else
			t->check = fold(pseudo(i, g->len - ih));
		v->flags = 1;
		v->gso_type = u ? 5 : 1;
		v->hdr_len = g->hl;
		v->gso_size = g->gso;
		v->csum_start = ih;
		v->csum_offset = u ? 6 : 16;
	}
	if (write(tun, w, VH + g->len) < 0 && errno != EAGAIN)
		S.bad++;
	S.tw++;
	S.twp += g->cnt;
}
static void
gflush(void)
{
	for (int i = 0; i < ng; i++)
		gflush1(&G[i]);
	ng = 0;
}
static void
ingress1(uint8_t *e, int n)
{
	if (n < 16 + 4 + 16) {
		S.bad++;
		return;
	}
	uint32_t s;
	memcpy(&s, e, 4);
	if (ntohl(s) != spi_i) {
		S.bad++;
		return;
	}
	memcpy(&s, e + 4, 4);
	s = ntohl(s);
	if (!replay_ok(s)) {
		S.replay++;
		return;
	}
	int pl = n - 32;
	static uint8_t tmp[65536 + 64];
	if (!off) {
		if (!openp(e, tmp, pl)) {
			S.bad++;
			return;
		}
		replay_set(s);
		int padl = tmp[pl - 2];
		if (write(tun, tmp, pl - 2 - padl) < 0)
			S.bad++;
		S.tw++;
		S.twp++;
		return;
	}
	/* guess: packet continues the most recent flow; decrypt so that its
	 * payload lands right behind the super packet */
	struct gro *g = ng ? &G[ng - 1] : NULL;
	uint8_t save[128], *dst = tmp;
	int ov = 0;
	if (g && !g->done && g->len + pl < 65000 && g->cnt < 64) {
		ov = g->hl;
		dst = g->buf + VH + g->len - ov;
		memcpy(save, dst, ov);
	}
	if (!openp(e, dst, pl)) {
		S.bad++;
		if (ov)
			memcpy(dst, save, ov);
		return;
	}
	replay_set(s);
	int len = pl - 2 - dst[pl - 2];
	struct iphdr *i = (void *)dst;
	struct tcphdr *t = (void *)(dst + 20);
	int ok4 = len >= 28 && i->version == 4 && i->ihl == 5 &&
		  !(i->frag_off & htons(0x3fff)) && ntohs(i->tot_len) == len;
	int istcp = ok4 && len >= 40 && i->protocol == 6,
	    isudp = ok4 && i->protocol == 17;
	int hl = istcp ? 20 + t->doff * 4 : isudp ? 28 : 0, dl = len - hl;
	uint8_t fl = istcp ? dst[33] : 0;
	int can =
	    isudp ? dl > 0 && (dst[26] | dst[27]) &&
			fold(pseudo(i, len - 20) + sum32(dst + 20, len - 20)) ==
			    0xffff
		  : istcp && dl > 0 && hl <= len && (fl & ~0x08) == 0x10 &&
			fold(pseudo(i, len - 20) + sum32(dst + 20, len - 20)) ==
			    0xffff;
	if (can && ov) {
		uint8_t *h = g->buf + VH;
		uint8_t cur[128];
		memcpy(cur, dst, hl);
		if (isudp) {
			if (g->hl == 28 && h[9] == 17 && dl <= g->gso &&
			    !memcmp(h + 12, cur + 12, 12) && h[1] == cur[1] &&
			    h[8] == cur[8] && !memcmp(h + 6, cur + 6, 2)) {
				memcpy(dst, save, ov);
				g->len += dl;
				g->cnt++;
				if (dl < g->gso)
					g->done = 1;
				S.co++;
				return;
			}
		}
		int match = istcp && h[9] == 6 && hl == g->hl && dl <= g->gso &&
			    ntohl(t->seq) == g->nseq &&
			    !memcmp(h + 12, cur + 12, 12) &&
			    !memcmp(h + 28, cur + 28, 4) && h[1] == cur[1] &&
			    h[8] == cur[8] && !memcmp(h + 6, cur + 6, 2) &&
			    !memcmp(h + 34, cur + 34, 2) &&
			    !memcmp(h + 40, cur + 40, hl - 40) && !(h[33] & 8);
		if (match) {
			memcpy(dst, save, ov);
			g->len += dl;
			g->cnt++;
			g->nseq += dl;
			if (dl < g->gso)
				g->done = 1;
			if (fl & 8) {
				h[33] |= 8;
				g->done = 1;
			}
			S.co++;
			return;
		}
	}
	/* start a new super packet */
	if (ng == NG) {
		if (ov) {
			memcpy(tmp, dst, len);
			memcpy(dst, save, ov);
			dst = tmp;
			ov = 0;
		}
		gflush();
	}
	struct gro *x = &G[ng++];
	x->buf = gb[ng - 1];
	memcpy(x->buf + VH, dst, len);
	if (ov)
		memcpy(dst, save, ov);
	x->len = len;
	x->hl = hl;
	x->cnt = 1;
	x->done = !can || (fl & 8);
	if (can) {
		x->gso = dl;
		uint32_t q;
		memcpy(&q, x->buf + VH + 24, 4);
		x->nseq = ntohl(q) + dl;
	}
}
#define NR 16
static uint8_t rb[NR][65536];
int
main(int ac, char **av)
{
#ifdef HAVE_IMB
	int has_imb = 1;
#else
	int has_imb = 0;
#endif
	if (ac == 2 && !strcmp(av[1], "has-imb"))
		return !has_imb;
	if (ac < 8)
		return 2;
	spi_o = strtoul(av[4], 0, 0);
	spi_i = strtoul(av[5], 0, 0);
	off = !strcmp(av[6], "off");
	mm = off || !strcmp(av[6], "mmsg");
	backend = !strcmp(av[7], "ossl") ? 0 : !strcmp(av[7], "imb") ? 1 : 2;
	if (backend == 1 && !has_imb) {
		fprintf(stderr, "espproto: built without ipsec-mb\n");
		return 2;
	}
	int port = ac > 8 ? atoi(av[8]) : 4500;
	int peer_port = ac > 9 ? atoi(av[9]) : port;
	if (ac > 11) {
		unhex(key, av[10]);
		unhex(key_in, av[11]);
	}
	EVP_CIPHER *c = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	ce = EVP_CIPHER_CTX_new();
	cd = EVP_CIPHER_CTX_new();
	EVP_EncryptInit_ex2(ce, c, key, NULL, NULL);
	EVP_DecryptInit_ex2(cd, c, key_in, NULL, NULL);
#ifdef HAVE_IMB
	mg = alloc_mb_mgr(0);
	init_mb_mgr_auto(mg, NULL);
	IMB_AES256_GCM_PRE(mg, key, &gk);
	IMB_AES256_GCM_PRE(mg, key_in, &gk_in);
#endif
	tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	ND(tun);
	struct ifreq r = {0};
	strcpy(r.ifr_name, av[1]);
	r.ifr_flags = IFF_TUN | IFF_NO_PI | (off ? IFF_VNET_HDR : 0);
	ND(ioctl(tun, TUNSETIFF, &r));
	if (off)
		ND(ioctl(tun, TUNSETOFFLOAD,
		    TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | 0x60));
	us = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	struct sockaddr_in l = {.sin_family = AF_INET, .sin_port = htons(port)};
	inet_pton(AF_INET, av[2], &l.sin_addr);
	ND(bind(us, (void *)&l, sizeof l));
	peer = l;
	peer.sin_port = htons(peer_port);
	inet_pton(AF_INET, av[3], &peer.sin_addr);
	int one = 1, bs = 16 << 20;
	setsockopt(us, SOL_SOCKET, SO_RCVBUFFORCE, &bs, 4);
	setsockopt(us, SOL_SOCKET, SO_SNDBUFFORCE, &bs, 4);
	if (off)
		ND(setsockopt(us, IPPROTO_UDP, UDP_GRO, &one, 4));
	struct mmsghdr rh[NR];
	struct iovec ri[NR];
	static char rc[NR][64];
	memset(rh, 0, sizeof rh);
	for (int i = 0; i < NR; i++) {
		ri[i].iov_base = rb[i];
		ri[i].iov_len = off ? 65536 : 2048;
		rh[i].msg_hdr.msg_iov = &ri[i];
		rh[i].msg_hdr.msg_iovlen = 1;
	}
	void h(int s)
	{
		stop = 1;
	}
	signal(SIGTERM, h);
	signal(SIGINT, h);
	static uint8_t tb[VH + 65536 + 64];
	struct pollfd pf[2] = {{tun, POLLIN}, {us, POLLIN}};
	while (!stop) {
		if (poll(pf, 2, 500) <= 0)
			continue;
		if (pf[0].revents) {
			int k = mm ? (off ? 16 : 64) : 16;
			while (k--) {
				int n = read(tun, tb, sizeof tb - 64);
				if (n <= 0)
					break;
				S.tr++;
				egress(tb, n);
			}
			flush();
		}
		if (pf[1].revents) {
			if (!mm) {
				for (int k = 0; k < 16; k++) {
					int n = recv(us, rb[0], 2048, 0);
					if (n <= 0)
						break;
					S.ur++;
					S.urp++;
					ingress1(rb[0], n);
				}
			} else {
				for (int i = 0; i < NR; i++) {
					rh[i].msg_hdr.msg_control =
					    off ? rc[i] : NULL;
					rh[i].msg_hdr.msg_controllen =
					    off ? 64 : 0;
				}
				int n =
				    recvmmsg(us, rh, NR, MSG_DONTWAIT, NULL);
				if (n > 0) {
					S.ur++;
					for (int i = 0; i < n; i++) {
						int len = rh[i].msg_len,
						    g = len;
						if (off)
							for (
							    struct cmsghdr *c =
								CMSG_FIRSTHDR(
								    &rh[i]
									 .msg_hdr);
							    c;
							    c = CMSG_NXTHDR(
								&rh[i].msg_hdr,
								c))
								if (c->cmsg_level ==
									IPPROTO_UDP &&
								    c->cmsg_type ==
									UDP_GRO) {
									int gs;
									memcpy(
									    &gs,
									    CMSG_DATA(
										c),
									    sizeof gs);
									g = gs;
								}
						for (int o = 0; o < len;
						     o += g) {
							S.urp++;
							ingress1(rb[i] + o,
							    len - o < g
								? len - o
								: g);
						}
					}
					if (off)
						gflush();
				}
			}
		}
	}
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	fprintf(stderr,
	    "[%s %s %s] tunrd %lu udpsend calls %lu pkts %lu | udprecv calls "
	    "%lu pkts %lu tunwr %lu (%.1f pkt/wr) bad %lu replay %lu | user "
	    "%.2fs sys %.2fs\n",
	    av[1], av[6], av[7], S.tr, S.us, S.up, S.ur, S.urp, S.tw,
	    S.tw ? (double)S.twp / S.tw : 0, S.bad, S.replay,
	    u.ru_utime.tv_sec + u.ru_utime.tv_usec * 1e-6,
	    u.ru_stime.tv_sec + u.ru_stime.tv_usec * 1e-6);
	return 0;
}
