/*
 * Key memory. Any process; single-threaded. In: sizes; out: pieces of one
 * slab that is locked, never dumped, never inherited by a fork, and stands
 * between two guard pages. All bookkeeping is outside of the slab, so that an
 * overrun inside of it can spoil keys but not the allocator.
 */
#include "privsep/base/secret.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <sodium.h>
#include <string.h>
#include <unistd.h>

/* A page of the slab serves one size class for good. */
#define UNIT 32
#define PAGE 4096
#define CLASSES 8 /* 32, 64, ... 4096 */
#define NONE UINT32_MAX
#define SLAB_MAX ((size_t)1 << 32)

/* The one mutable global of base: there is one slab per process. */
static struct {
	uint8_t *slab;
	size_t size;
	size_t carved;          /* bytes of pages given to a class so far */
	size_t used;
	uint32_t *next;         /* per unit: the free list, by unit number */
	uint8_t *taken;         /* per unit: 0 free, else class + 1 */
	uint32_t head[CLASSES];
} sl;

static unsigned int
class_of(size_t len)
{
	unsigned int c = 0;

	while (((size_t)UNIT << c) < len)
		c++;
	return (c);
}

static void *
map(size_t len, int prot)
{
	void *p = mmap(NULL, len, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return (p == MAP_FAILED ? NULL : p);
}

static int
lock_slab(uint8_t *p, size_t len)
{
	struct rlimit rl;

	/* Best effort: mlock itself says whether it was enough. */
	if (getrlimit(RLIMIT_MEMLOCK, &rl) == 0 && rl.rlim_cur < rl.rlim_max) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_MEMLOCK, &rl);
	}
	/* By the number: sanitizers turn the libc calls into nothing. On
	 * fault, so that a large slab costs only what is used of it. */
	if (syscall(SYS_mlock2, p, len, MLOCK_ONFAULT) != 0 &&
	    syscall(SYS_mlock, p, len) != 0)
		return (ERR_SYS);
	if (madvise(p, len, MADV_DONTDUMP) != 0 ||
	    madvise(p, len, MADV_WIPEONFORK) != 0)
		return (ERR_SYS);
	return (0);
}

int
secret_slab_init(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), units, side;
	uint8_t *p;

	if (sl.slab != NULL)
		BUG("secret_slab_init twice");
	if (bytes == 0 || bytes >= SLAB_MAX)
		return (ERR_RANGE);
	bytes = (bytes + page - 1) / page * page;
	units = bytes / UNIT;
	side = units * sizeof(*sl.next);
	p = map(bytes + 2 * page, PROT_NONE);
	if (p == NULL)
		return (ERR_SYS);
	sl.next = map(side, PROT_READ | PROT_WRITE);
	sl.taken = map(units, PROT_READ | PROT_WRITE);
	if (sl.next == NULL || sl.taken == NULL ||
	    mprotect(p + page, bytes, PROT_READ | PROT_WRITE) != 0 ||
	    lock_slab(p + page, bytes)) {
		(void)munmap(p, bytes + 2 * page);
		if (sl.next != NULL)
			(void)munmap(sl.next, side);
		if (sl.taken != NULL)
			(void)munmap(sl.taken, units);
		sl.next = NULL;
		sl.taken = NULL;
		return (ERR_SYS);
	}
	sl.slab = p + page;
	sl.size = bytes;
	for (unsigned int c = 0; c < CLASSES; c++)
		sl.head[c] = NONE;
	return (0);
}

/* Thread one more page into the free list of class c. */
static int
carve(unsigned int c)
{
	uint32_t step = 1U << c, first, u;

	if (sl.size - sl.carved < PAGE)
		return (ERR_NOMEM);
	first = (uint32_t)(sl.carved / UNIT);
	sl.carved += PAGE;
	for (u = first + PAGE / UNIT; u > first; u -= step) {
		sl.next[u - step] = sl.head[c];
		sl.head[c] = u - step;
	}
	return (0);
}

int
secret_new(struct secret *s, size_t len)
{
	unsigned int c;
	uint32_t u;

	if (sl.slab == NULL)
		BUG("secret_new before secret_slab_init");
	if (s->p != NULL)
		BUG("secret_new over a secret");
	if (len == 0 || len > SECRET_MAX)
		return (ERR_RANGE);
	c = class_of(len);
	if (sl.head[c] == NONE && carve(c))
		return (ERR_NOMEM);
	u = sl.head[c];
	if (sl.taken[u] != 0)
		BUG("secret free list");
	sl.head[c] = sl.next[u];
	sl.taken[u] = (uint8_t)(c + 1);
	s->p = sl.slab + (size_t)u * UNIT;
	s->len = (uint16_t)len;
	s->cap = (uint16_t)(UNIT << c);
	sl.used += s->cap;
	return (0);
}

void
secret_free(struct secret *s)
{
	unsigned int c;
	uint32_t u;

	if (s->p != NULL) {
		if (s->p < sl.slab || s->p >= sl.slab + sl.size)
			BUG("secret_free of what is none");
		u = (uint32_t)((size_t)(s->p - sl.slab) / UNIT);
		if (sl.taken[u] == 0)
			BUG("secret_free twice");
		c = sl.taken[u] - 1U;
		sodium_memzero(s->p, (size_t)UNIT << c);
		sl.taken[u] = 0;
		sl.next[u] = sl.head[c];
		sl.head[c] = u;
		sl.used -= (size_t)UNIT << c;
	}
	s->p = NULL;
	s->len = 0;
	s->cap = 0;
}

void
secret_move(struct secret *to, struct secret *from)
{
	if (to->p != NULL)
		BUG("secret_move over a secret");
	*to = *from;
	from->p = NULL;
	from->len = 0;
	from->cap = 0;
}

int
secret_take(struct secret *s, uint8_t *p, size_t len)
{
	int r = secret_new(s, len);

	if (r == 0)
		memcpy(s->p, p, len);
	wipe(p, len);
	return (r);
}

int
ct_eq(const void *a, const void *b, size_t len)
{
	return (len == 0 || sodium_memcmp(a, b, len) == 0);
}

void
wipe(void *p, size_t len)
{
	if (len != 0)
		sodium_memzero(p, len);
}

size_t
secret_used(void)
{
	return (sl.used);
}
