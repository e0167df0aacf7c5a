/* Stateless-cookie responder limit: CPU per spoofed IKE_SA_INIT answered.  gcc
 * -O2 -w cookie.c -o cookie -lcrypto -lsodium cookie <nsClient> <nsServer>
 * <server ip> ; client blasts 300 B "IKE_SA_INIT", server: recvmmsg -> check ->
 * MAC -> sendmmsg 60 B N(COOKIE) */
#define _GNU_SOURCE
#include <sched.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <openssl/sha.h>
#include <sodium.h>
#include "bench.h"
static double
rcpu(void)
{
	struct rusage r;
	getrusage(RUSAGE_SELF, &r);
	return r.ru_utime.tv_sec + r.ru_stime.tv_sec +
	       (r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1e-6;
}
static void
ns(const char *n)
{
	char p[99];
	snprintf(p, 99, "/run/netns/%s", n);
	int f = open(p, O_RDONLY);
	DIE(f >= 0);
	DIE(setns(f, CLONE_NEWNET) == 0);
	close(f);
}
#define B 64
int
main(int ac, char **av)
{
	sodium_init();
	for (int mode = 0; mode < 3; mode++) {
		struct sh {
			volatile int stop, ready;
			volatile long rx, calls, tx;
			double cpu, wall;
		} *s = mmap(0, 4096, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		struct sockaddr_in d = {
		    .sin_family = AF_INET, .sin_port = htons(500)};
		inet_pton(AF_INET, av[3], &d.sin_addr);
		pid_t p = fork();
		if (!p) {
			ns(av[2]);
			cpu_set_t c;
			CPU_ZERO(&c);
			CPU_SET(1, &c);
			sched_setaffinity(0, sizeof c, &c);
			int k = socket(AF_INET, SOCK_DGRAM, 0);
			DIE(bind(k, (void *)&d, sizeof d) == 0);
			int buf = 32 << 20;
			setsockopt(k, SOL_SOCKET, SO_RCVBUFFORCE, &buf, 4);
			setsockopt(k, SOL_SOCKET, SO_SNDBUFFORCE, &buf, 4);
			struct timeval tv = {0, 100000};
			setsockopt(k, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
			static uint8_t r[B][2048], o[B][64];
			static struct sockaddr_in a[B];
			struct mmsghdr h[B], w[B];
			struct iovec ri[B], wi[B];
			memset(h, 0, sizeof h);
			memset(w, 0, sizeof w);
			for (int i = 0; i < B; i++) {
				ri[i] = (struct iovec){r[i], 2048};
				wi[i] = (struct iovec){o[i], 60};
				h[i].msg_hdr = (struct msghdr){
				    &a[i], sizeof a[i], &ri[i], 1};
				w[i].msg_hdr = (struct msghdr){
				    &a[i], sizeof a[i], &wi[i], 1};
			}
			uint8_t key[64] = {1};
			SHA256_CTX ip, op, t;
			SHA256_Init(&ip);
			SHA256_Update(&ip, key, 64);
			SHA256_Init(&op);
			SHA256_Update(&op, key, 64);
			s->ready = 1;
			double c0 = 0, w0 = 0;
			while (!s->stop) {
				int n = recvmmsg(
				    k, h, mode == 2 ? 1 : B, MSG_WAITFORONE, 0);
				if (n <= 0)
					continue;
				if (!c0) {
					c0 = rcpu();
					w0 = wall_now();
				}
				s->rx += n;
				s->calls++;
				for (int i = 0; i < n; i++) {
					uint8_t m[64];
					memcpy(m, r[i], 8);
					memcpy(m + 8, &a[i], 16);
					memcpy(m + 24, r[i] + 200, 32);
					memcpy(o[i], r[i], 28);
					if (mode == 1)
						crypto_generichash(o[i] + 28,
						    32, m, 56, key, 32);
					else {
						t = ip;
						SHA256_Update(&t, m, 56);
						SHA256_Final(o[i] + 28, &t);
						t = op;
						SHA256_Update(
						    &t, o[i] + 28, 32);
						SHA256_Final(o[i] + 28, &t);
					}
					h[i].msg_hdr.msg_namelen = sizeof a[i];
				}
				sendmmsg(k, w, n, 0);
			}
			s->cpu = rcpu() - c0;
			s->wall = wall_now() - w0;
			_exit(0);
		}
		while (!s->ready)
			usleep(1000);
		pid_t q = fork();
		if (!q) {
			ns(av[1]);
			cpu_set_t c;
			CPU_ZERO(&c);
			CPU_SET(0, &c);
			sched_setaffinity(0, sizeof c, &c);
			int k = socket(AF_INET, SOCK_DGRAM, 0);
			DIE(connect(k, (void *)&d, sizeof d) == 0);
			uint8_t b[300];
			memset(b, 7, 300);
			struct iovec io = {b, 300};
			struct mmsghdr h[B];
			memset(h, 0, sizeof h);
			for (int i = 0; i < B; i++)
				h[i].msg_hdr = (struct msghdr){0, 0, &io, 1};
			double e = wall_now() + 1.5;
			while (wall_now() < e) {
				int n = sendmmsg(k, h, B, 0);
				if (n > 0)
					s->tx += n;
			}
			_exit(0);
		}
		int st;
		waitpid(q, &st, 0);
		usleep(200000);
		s->stop = 1;
		waitpid(p, &st, 0);
		printf("cookie reply %-28s: offered %.0f/s answered %.0f/s  "
		       "server CPU %.2f us/req (%.1f req/recvmmsg)\n",
		    mode == 0	? "HMAC-SHA256 batch64"
		    : mode == 1 ? "BLAKE2b batch64"
				: "HMAC-SHA256 no batching",
		    s->tx / 1.5, s->rx / 1.5, s->cpu / s->rx * 1e6,
		    (double)s->rx / s->calls);
	}
	return 0;
}
