/*
 * Datagrams, sealed chains, answers of other processes, time and frozen
 * records into an engine. Each step of the input: a kind, a 16-bit length,
 * bytes.
 */
#include "regress/fuzz/ike_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An answer for the live session: type, then bytes over its fields. */
static void
answer(const uint8_t *p, size_t len)
{
	static const enum msg_type types[] = { MSG_SHARED_AUTH_ANS,
		MSG_LEASE_ANS, MSG_SA_ADDED, MSG_SA_STATS, MSG_SA_EXPIRE,
		MSG_KICK, MSG_PEER_MOVED, MSG_CERT_VERDICT, MSG_SIGN_ANS,
		MSG_CERT_CHAIN, MSG_CERTREQ };
	struct msg *m = calloc(1, sizeof(*m));
	uint8_t wire[MSG_WIRE_MAX];
	struct wr w;

	MUST(m != NULL);
	msg_init(m, types[len > 0 ? p[0] % 11 : 0]);
	wr_init(&w, wire, sizeof(wire));
	/* What a decoder lets through, with the sid of the session. */
	if (len > 1 && msg_encode(m, &w) == 0) {
		for (size_t i = 1; i + 1 < len; i += 2)
			wire[p[i] % w.len] = p[i + 1];
		if (msg_decode(m, wire, w.len) != 0)
			msg_init(m, types[p[0] % 11]);
	}
	if (m->type == MSG_SHARED_AUTH_ANS) {
		m->u.shared_auth_ans.policy = 1;
		m->u.shared_auth_ans.auth.len = 32;
		m->u.shared_auth_ans.idr.len = 8;
	}
	if (m->type == MSG_SIGN_ANS) {
		m->u.sign_ans.policy = 1;
		m->u.sign_ans.method = AUTH_SIGNATURE;
		m->u.sign_ans.chain = 1 << 16;
		m->u.sign_ans.auth.len = 64;
		m->u.sign_ans.idr.len = 8;
	}
	if (m->type == MSG_LEASE_ANS)
		m->u.lease_ans.v4 = (struct addr){ 4, { 10, 77, 0, 1 }, 0 };
	for (size_t i = 0; m->type == MSG_SA_ADDED && i < CHILDREN_MAX; i++)
		if (fsa->child[i].state == CHILD_ADDING) {
			m->u.sa_added.child = fsa->child[i].num;
			m->u.sa_added.spi_in = fsa->child[i].spi_in;
		}
	if (m->type != MSG_PEER_MOVED && m->type != MSG_CERT_CHAIN &&
	    m->type != MSG_CERTREQ)
		memcpy(&m->u, fsa->sid, SID_LEN);
	if (ike_message(fe, fnow, m, &ffx) == 0)
		fnow++;
	msg_clear(m);
	free(m);
	f_carry();
}

static void
thaw(const uint8_t *p, size_t len)
{
	static uint8_t rec[IKE_FREEZE_LEN];
	uint32_t slot;

	if (ike_freeze(fe, fnow, fsa->slot, rec) != 0)
		return;
	for (size_t i = 0; i + 2 < len; i += 3)
		rec[((size_t)p[i] << 8 | p[i + 1]) % sizeof(rec)] = p[i + 2];
	if (ike_thaw(fe, fnow, rec, sizeof(rec), &ffx, &slot) == 0)
		ike_timer(fe, fnow + 50000, slot, &ffx);
	f_carry();
}

static void
step(uint8_t kind, const uint8_t *p, size_t len)
{
	static const uint8_t ex[] = { EX_IKE_AUTH, EX_CREATE_CHILD_SA,
		EX_INFORMATIONAL, EX_IKE_INTERMEDIATE };
	struct skf f = { (uint16_t)(kind >> 4), 3, NULL, 0 };

	switch (kind % 7) {
	case 0:
		f_send(p, len, kind >> 7);
		break;
	case 1:
	case 2:
		f_send_sealed(ex[kind >> 3 & 3], kind & 0x80 ? IKE_F_I | IKE_F_R
		    : IKE_F_I, NULL, len > 0 ? p[0] : 0, len > 0 ? p + 1 : p,
		    len > 0 ? len - 1 : 0);
		break;
	case 3:
		f_send_sealed(EX_IKE_AUTH, IKE_F_I, &f, f.num == 1 ? PL_IDI :
		    0, p, len);
		break;
	case 4:
		answer(p, len);
		break;
	case 5:
		fnow += (uint64_t)kind * 100;
		ike_timer(fe, fnow, fsa->slot, &ffx);
		f_carry();
		break;
	default:
		thaw(p, len);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *p;
	uint8_t kind;
	uint16_t len;
	struct rd r;

	f_open();
	MUST(ike_half_keys(&(struct ctx){ .e = fe, .sa = fsa }) == 0);
	rd_init(&r, data, size);
	while (fsa != NULL && rd_u8(&r, &kind) == 0 && rd_u16(&r, &len) == 0) {
		if (len > rd_left(&r))
			len = (uint16_t)rd_left(&r);
		MUST(len == 0 || rd_slice(&r, len, &p) == 0);
		if (len < 9000)
			step(kind, len > 0 ? p : data, len);
		fsa = fe->slots[0];
	}
	ike_engine_free(fe);
	return (0);
}
