/* Micro-bench helper: thread CPU time, median of R rounds, auto-calibrated loop
 * count. */
#ifndef BENCH_H
#define BENCH_H
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdint.h>
#include <time.h>
static inline double
cpu_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}
static inline double
wall_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}
static int
bench_cmpd(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}
#define BENCH_ROUNDS 9
/* returns median CPU seconds per execution of STMT */
#define BENCH(RES, STMT)                                                       \
	do {                                                                   \
		double _r[BENCH_ROUNDS];                                       \
		long _n = 1;                                                   \
		double _t;                                                     \
		for (;;) {                                                     \
			double _a = cpu_now();                                 \
			for (long _i = 0; _i < _n; _i++) {                     \
				STMT;                                          \
			}                                                      \
			_t = cpu_now() - _a;                                   \
			if (_t > 0.02 || _n > (1L << 26))                      \
				break;                                         \
			_n *= 2;                                               \
		}                                                              \
		for (int _k = 0; _k < BENCH_ROUNDS; _k++) {                    \
			double _a = cpu_now();                                 \
			for (long _i = 0; _i < _n; _i++) {                     \
				STMT;                                          \
			}                                                      \
			_r[_k] = (cpu_now() - _a) / _n;                        \
		}                                                              \
		qsort(_r, BENCH_ROUNDS, sizeof(double), bench_cmpd);           \
		(RES) = _r[BENCH_ROUNDS / 2];                                  \
	} while (0)
#define BENCH_US(NAME, STMT)                                                   \
	do {                                                                   \
		double _m;                                                     \
		BENCH(_m, STMT);                                               \
		printf("%-58s %10.3f us\n", NAME, _m * 1e6);                   \
		fflush(stdout);                                                \
	} while (0)
#define BENCH_MBS(NAME, LEN, STMT)                                             \
	do {                                                                   \
		double _m;                                                     \
		BENCH(_m, STMT);                                               \
		printf("%-58s %8.3f us/op %9.1f MB/s\n", NAME, _m * 1e6,       \
		    (LEN) / _m / 1e6);                                         \
		fflush(stdout);                                                \
	} while (0)
#define DIE(c)                                                                 \
	do {                                                                   \
		if (!(c)) {                                                    \
			fprintf(stderr, "FAIL %s:%d %s\n", __FILE__, __LINE__, \
			    #c);                                               \
			exit(1);                                               \
		}                                                              \
	} while (0)
#endif
