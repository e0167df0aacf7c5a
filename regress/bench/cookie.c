/*
 * cookie: what a stateless answer to an IKE_SA_INIT costs at best, and the
 * flood that both it and our headend are measured under.
 *
 *   cookie flood ADDRESS SECONDS       in the flooder's namespace, as root:
 *       one valid IKE_SA_INIT after another, each from another made-up
 *       source (203.0.113.0/24 and any port) with another SPI
 *   cookie answer ADDRESS hmac|blake|single    until SIGTERM: recvmmsg,
 *       MAC over SPI, address and nonce, sendmmsg. blake: BLAKE2b; single:
 *       HMAC with one datagram a system call
 *
 * The flood sits on CPU 0; put the answerer on another one. CPU time is the
 * caller's to measure, for both answerers alike.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>
#include <openssl/sha.h>
#include <sodium.h>
#include "bench.h"

#define B 64
#define OUT_LEN 60	/* header and N(COOKIE) */
#define NONCE_AT 112	/* of init_request() */

static volatile sig_atomic_t stop;
static void
on_term(int s)
{
	stop = 1;
}

/* ---- answer ----------------------------------------------------------------- */
static SHA256_CTX inner, outer;
static uint8_t mac_key[64] = { 1 };

static void
cookie_of(uint8_t *out, const uint8_t *req, const struct sockaddr_in *a,
    int blake)
{
	uint8_t m[56];
	SHA256_CTX t;

	memcpy(m, req, 8);
	memcpy(m + 8, a, 16);
	memcpy(m + 24, req + NONCE_AT, 32);
	memcpy(out, req, 28);
	if (blake) {
		crypto_generichash(out + 28, 32, m, sizeof m, mac_key, 32);
		return;
	}
	t = inner;
	SHA256_Update(&t, m, sizeof m);
	SHA256_Final(out + 28, &t);
	t = outer;
	SHA256_Update(&t, out + 28, 32);
	SHA256_Final(out + 28, &t);
}

static int
answer(const struct sockaddr_in *d, const char *mode)
{
	static uint8_t r[B][2048], o[B][64];
	static struct sockaddr_in a[B];
	static struct mmsghdr h[B], w[B];
	static struct iovec ri[B], wi[B];
	int k = socket(AF_INET, SOCK_DGRAM, 0), buf = 32 << 20;
	int batch = strcmp(mode, "single") == 0 ? 1 : B;
	int blake = strcmp(mode, "blake") == 0;

	DIE(bind(k, (const void *)d, sizeof *d) == 0);
	setsockopt(k, SOL_SOCKET, SO_RCVBUFFORCE, &buf, 4);
	setsockopt(k, SOL_SOCKET, SO_SNDBUFFORCE, &buf, 4);
	for (int i = 0; i < B; i++) {
		ri[i] = (struct iovec){ r[i], 2048 };
		wi[i] = (struct iovec){ o[i], OUT_LEN };
		h[i].msg_hdr = (struct msghdr){ &a[i], sizeof a[i], &ri[i], 1 };
		w[i].msg_hdr = (struct msghdr){ &a[i], sizeof a[i], &wi[i], 1 };
	}
	SHA256_Init(&inner);
	SHA256_Update(&inner, mac_key, 64);
	SHA256_Init(&outer);
	SHA256_Update(&outer, mac_key, 64);
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = on_term }, NULL);
	while (!stop) {
		int n = recvmmsg(k, h, batch, MSG_WAITFORONE, 0);

		for (int i = 0; i < n; i++) {
			cookie_of(o[i], r[i], &a[i], blake);
			h[i].msg_hdr.msg_namelen = sizeof a[i];
		}
		if (n > 0)
			sendmmsg(k, w, n, 0);
	}
	return 0;
}

/* ---- flood ------------------------------------------------------------------ */
static uint8_t *
put(uint8_t *p, const void *v, size_t n)
{
	memcpy(p, v, n);
	return p + n;
}
static uint8_t *
notify(uint8_t *p, int next, int type, int len)
{
	uint8_t h[8] = { next, 0, 0, 8 + len, 0, 0, type >> 8, type };

	p = put(p, h, 8);
	memset(p, 0x5a, len);
	return p + len;
}
/* SA (aes256gcm16, prfsha256, x25519), KE, Ni, two NAT_DETECTION_*. */
static int
init_request(uint8_t *b)
{
	static const uint8_t sa[] = { 34, 0, 0, 40, 0, 0, 0, 36, 1, 1, 0, 3,
		3, 0, 0, 12, 1, 0, 0, 20, 0x80, 14, 1, 0,
		3, 0, 0, 8, 2, 0, 0, 5, 0, 0, 0, 8, 4, 0, 0, 31 };
	static const uint8_t ke[] = { 40, 0, 0, 40, 0, 31, 0, 0 };
	static const uint8_t ni[] = { 41, 0, 0, 36 };
	static const uint8_t hdr[20] = { [8] = 33, 0x20, 34, 0x08 };
	uint8_t *p = b + 8;

	p = put(p, hdr, sizeof hdr);
	p = put(p, sa, sizeof sa);
	p = put(p, ke, sizeof ke);
	randombytes_buf(p, 32);
	p = put(p + 32, ni, sizeof ni);
	DIE(p - b == NONCE_AT);
	randombytes_buf(p, 32);
	p = notify(p + 32, 41, 16388, 20);
	p = notify(p, 0, 16389, 20);
	b[24] = b[25] = 0;
	b[26] = (p - b) >> 8;
	b[27] = p - b;
	return p - b;
}

static int
flood(const struct sockaddr_in *d, double seconds)
{
	static struct pkt {
		struct iphdr ip;
		struct udphdr udp;
		uint8_t ike[400];
	} p[B];
	static struct mmsghdr h[B];
	static struct iovec io[B];
	int k = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), buf = 8 << 20;
	int len = init_request(p[0].ike);
	double end = wall_now() + seconds;
	uint64_t x = 0x9e3779b97f4a7c15;
	long tx = 0;

	DIE(k >= 0);
	setsockopt(k, SOL_SOCKET, SO_SNDBUFFORCE, &buf, 4);
	for (int i = 0; i < B; i++) {
		p[i] = p[0];
		p[i].ip = (struct iphdr){ .version = 4, .ihl = 5, .ttl = 64,
			.tot_len = htons(28 + len), .protocol = IPPROTO_UDP,
			.daddr = d->sin_addr.s_addr };
		p[i].udp = (struct udphdr){ .dest = htons(500),
			.len = htons(8 + len) };
		io[i] = (struct iovec){ &p[i], 28 + len };
		h[i].msg_hdr = (struct msghdr){ (void *)d, sizeof *d, &io[i],
			1 };
	}
	while (wall_now() < end) {
		for (int i = 0; i < B; i++) {
			x = x * 6364136223846793005u + 1442695040888963407u;
			memcpy(p[i].ike, &x, 8);
			p[i].ip.saddr = htonl(0xcb007100 | (x >> 32 & 0xff));
			p[i].udp.source = htons(1024 + (x >> 40) % 60000);
		}
		int n = sendmmsg(k, h, B, 0);
		if (n > 0)
			tx += n;
	}
	printf("sent %ld of %d bytes in %.1f s\n", tx, len, seconds);
	return tx > 0 ? 0 : 1;
}

int
main(int ac, char **av)
{
	struct sockaddr_in d = { .sin_family = AF_INET,
		.sin_port = htons(500) };
	cpu_set_t c;

	if (ac != 4 || inet_pton(AF_INET, av[2], &d.sin_addr) != 1 ||
	    sodium_init() < 0) {
		fprintf(stderr, "usage: cookie flood ADDRESS SECONDS |"
		    " cookie answer ADDRESS hmac|blake|single\n");
		return 2;
	}
	if (strcmp(av[1], "answer") == 0)
		return answer(&d, av[3]);
	CPU_ZERO(&c);
	CPU_SET(0, &c);
	sched_setaffinity(0, sizeof c, &c);
	return flood(&d, atof(av[3]));
}
