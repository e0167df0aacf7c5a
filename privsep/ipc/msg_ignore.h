/* Included around msg.def by those who want only M() and E(): the fields
 * expand to nothing. No include guard: msg_ignore_end.h takes them away. */
#define F_U8(f)
#define F_U16(f)
#define F_U32(f)
#define F_U64(f)
#define F_FIX(f, n)
#define F_BYTES(f, max)
#define F_STR(f, max)
#define F_SECRET(f, max)
#define F_ADDRS(f, max)
#define F_TS(f, max)
#define F_ADDR(f)
