/*
 * Steering of the TUN's queues by eBPF. Runs in the parent. In: which prefix
 * belongs to which esp worker; out: map entries that a program of 30
 * instructions looks up for every packet. bpf(2), TUNSETSTEERINGEBPF. After
 * the start only map entries change, which needs no capability.
 */
#include "privsep/parent/tun_steer.h"

#include <sys/syscall.h>

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <unistd.h>

#define ENTRIES_MAX (1u << 20)

struct lpm_key {
	uint32_t plen;
	uint8_t ip[16];
};

static long
bpf_call(int cmd, union bpf_attr *attr)
{
	return (syscall(SYS_bpf, cmd, attr, sizeof(*attr)));
}

static int
map_new(uint32_t ip_len)
{
	union bpf_attr a;

	memset(&a, 0, sizeof(a));
	a.map_type = BPF_MAP_TYPE_LPM_TRIE;
	a.key_size = 4 + ip_len;
	a.value_size = 4;
	a.max_entries = ENTRIES_MAX;
	a.map_flags = BPF_F_NO_PREALLOC;
	return ((int)bpf_call(BPF_MAP_CREATE, &a));
}

#define INSN(c, d, s, o, i)                                          \
	(struct bpf_insn)                                            \
	{                                                            \
		.code = (c), .dst_reg = (d), .src_reg = (s),         \
		.off = (o), .imm = (i)                               \
	}
#define MOV_R(d, s) INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define MOV_I(d, i) INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define ADD_I(d, i) INSN(BPF_ALU64 | BPF_ADD | BPF_K, d, 0, 0, i)
#define RSH_I(d, i) INSN(BPF_ALU64 | BPF_RSH | BPF_K, d, 0, 0, i)
#define JEQ_I(d, i, o) INSN(BPF_JMP | BPF_JEQ | BPF_K, d, 0, o, i)
#define JNE_I(d, i, o) INSN(BPF_JMP | BPF_JNE | BPF_K, d, 0, o, i)
#define CALL(f) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, f)
#define EXIT INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define LD_BYTE(at) INSN(BPF_LD | BPF_ABS | BPF_B, 0, 0, 0, at)
#define ST_W(d, o, i) INSN(BPF_ST | BPF_MEM | BPF_W, d, 0, o, i)
#define LDX_W(d, s) INSN(BPF_LDX | BPF_MEM | BPF_W, d, s, 0, 0)
#define MAP_1(d, fd) \
	INSN(BPF_LD | BPF_DW | BPF_IMM, d, BPF_PSEUDO_MAP_FD, 0, fd)
#define MAP_2 INSN(0, 0, 0, 0, 0)

/* Look up `len` bytes of destination at `at`; a key of 4 + len bytes stands at
 * r10 - 24. 13 instructions. */
#define LOOKUP(map, at, len)                                            \
	ST_W(10, -24, (len) * 8), MOV_R(1, 6), MOV_I(2, at),            \
	    MOV_R(3, 10), ADD_I(3, -20), MOV_I(4, len),                 \
	    CALL(BPF_FUNC_skb_load_bytes), MAP_1(1, map), MAP_2,        \
	    MOV_R(2, 10), ADD_I(2, -24), CALL(BPF_FUNC_map_lookup_elem), \
	    JEQ_I(0, 0, 1)

static int
prog_load(int map4, int map6)
{
	struct bpf_insn v[] = {
		MOV_R(6, 1),
		LD_BYTE(0),         /* version */
		RSH_I(0, 4),
		JEQ_I(0, 6, 18),    /* to the second lookup */
		JEQ_I(0, 4, 2),
		MOV_I(0, 0),        /* neither: queue 0 */
		EXIT,
		LOOKUP(map4, 16, 4),
		LDX_W(0, 0),
		EXIT,               /* r0 is 0 when nothing was found */
		LOOKUP(map6, 24, 16),
		LDX_W(0, 0),
		EXIT,
	};
	union bpf_attr a;

	memset(&a, 0, sizeof(a));
	a.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
	a.insns = (uintptr_t)v;
	a.insn_cnt = sizeof(v) / sizeof(v[0]);
	a.license = (uintptr_t)"BSD";
	return ((int)bpf_call(BPF_PROG_LOAD, &a));
}

int
tun_steer_load(int *map4, int *map6, int *prog)
{
	*map4 = map_new(4);
	*map6 = map_new(16);
	*prog = -1;
	if (*map4 != -1 && *map6 != -1)
		*prog = prog_load(*map4, *map6);
	if (*prog != -1)
		return (0);
	if (*map4 != -1)
		close(*map4);
	if (*map6 != -1)
		close(*map6);
	*map4 = *map6 = -1;
	return (ERR_SYS);
}

static void
key(struct lpm_key *k, union bpf_attr *a, int map, const struct addr *ip,
    uint8_t plen)
{
	memset(k, 0, sizeof(*k));
	memset(a, 0, sizeof(*a));
	k->plen = plen;
	memcpy(k->ip, ip->ip, addr_iplen(ip->family));
	a->map_fd = (uint32_t)map;
	a->key = (uintptr_t)k;
}

int
tun_steer_put(int map, const struct addr *ip, uint8_t plen, uint32_t queue)
{
	struct lpm_key k;
	union bpf_attr a;

	key(&k, &a, map, ip, plen);
	a.value = (uintptr_t)&queue;
	a.flags = BPF_ANY;
	return (bpf_call(BPF_MAP_UPDATE_ELEM, &a) == 0 ? 0 : ERR_SYS);
}

int
tun_steer_take(int map, const struct addr *ip, uint8_t plen)
{
	struct lpm_key k;
	union bpf_attr a;

	key(&k, &a, map, ip, plen);
	if (bpf_call(BPF_MAP_DELETE_ELEM, &a) == 0)
		return (0);
	return (errno == ENOENT ? ERR_NOENT : ERR_SYS);
}
