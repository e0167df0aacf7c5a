/*
 * A captured net worker: messages into the oracle. Each step of the input is
 * a byte: 0..3 a good SA_ADD, login, SA_DEL or SIGN_REQ with some of its bytes
 * changed (count, then offset and value of each); else any bytes (16-bit length
 * first), where a sid that begins with 0..7 stands for a real one. The parent
 * lives, installs no SA outside of the one grant, vouches for nobody but whom
 * pki vouched for, signs once at most, and gives out no MAC.
 */
#define PARENT_FAKE_PLAIN
#include "regress/unit/parent_cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct pair real[8];

#define CAROL "carol@corp.example"

static void
check(const struct fake *f)
{
	ck_assert(fake_count(f, ROLE_SIGN, MSG_SIGN_JOB) <= 1);
	ck_assert(fake_count(f, ROLE_DB, MSG_VOUCH) <= 1);
	for (size_t i = 0; i < f->n_sent; i++) {
		const struct msg *m = f->sent[i].m;
		const struct msg_esp_sa_add *e = &m->u.esp_sa_add;

		if (m->type == MSG_VOUCH)
			ck_assert(memcmp(m->u.vouch.sid, real[2].sid,
			    SID_LEN) == 0 && m->u.vouch.method ==
			    MSG_METHOD_CERT && strcmp(m->u.vouch.identity,
			    CAROL) == 0);
		/* What is signed is always an answer. */
		if (m->type == MSG_SIGN_JOB)
			ck_assert(m->u.sign_job.octets.len > 28 + 32 &&
			    m->u.sign_job.octets.p[18] == 34 &&
			    (m->u.sign_job.octets.p[19] & 0x28) == 0x20);
		if (m->type == MSG_SHARED_AUTH_ANS)
			ck_assert(m->u.shared_auth_ans.auth.len == 0);
		if (m->type != MSG_ESP_SA_ADD)
			continue;
		ck_assert(memcmp(e->sid, real[0].sid, SID_LEN) == 0);
		ck_assert((e->spi_in & 0xff) == 1 && e->ts_i.n > 0);
		for (size_t k = 0; k < e->ts_i.n; k++)
			ck_assert(memcmp(e->ts_i.v[k].lo, "\12\115\0\14", 4) ==
			    0 && memcmp(e->ts_i.v[k].hi, "\12\115\0\14", 4) ==
			    0);
	}
}

/* A good message whose bytes the input changes. */
static int
changed(struct rd *r, uint8_t kind, struct msg *m)
{
	static uint8_t buf[MSG_WIRE_MAX];
	uint8_t n, v;
	uint16_t off;
	struct wr w;

	if (kind == 0) {
		fake_sa_msg(m, real[0].sid, SPI(0, 1, 0x123), "10.77.0.12");
	} else if (kind == 1) {
		fake_login_msg(m, &real[1], "alice@example.com", NULL, "no");
	} else if (kind == 3) {
		cert_sign_msg(m, &real[2], CAROL, "vpn.example.com");
	} else {
		msg_init(m, MSG_SA_DEL);
		memcpy(m->u.sa_del.sid, real[0].sid, SID_LEN);
		m->u.sa_del.spi_in = SPI(0, 1, 0x123);
	}
	wr_init(&w, buf, sizeof(buf));
	ck_assert(msg_encode(m, &w) == 0);
	msg_clear(m);
	if (rd_u8(r, &n) != 0)
		return (ERR_SHORT);
	for (; n > 0 && rd_u16(r, &off) == 0 && rd_u8(r, &v) == 0; n--)
		buf[off % w.len] = v;
	return (msg_decode(m, buf, w.len));
}

static int
any_bytes(struct rd *r, struct msg *m)
{
	const uint8_t *p;
	uint16_t len;

	if (rd_u16(r, &len) != 0 || rd_slice(r, len, &p) != 0 ||
	    msg_decode(m, p, len) != 0)
		return (ERR_SHORT);
	/* Where a message has a sid, it is its first field. */
	if (m->type > MSG_NONCES_WANT && m->u.sa_del.sid[0] < 8)
		memcpy(m->u.sa_del.sid, real[m->u.sa_del.sid[0]].sid, SID_LEN);
	return (0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int ready;
	struct fake *f;
	struct msg m;
	struct rd r;
	uint8_t kind;
	int err;

	if (!ready && (secret_slab_init(1024 * 1024) || crypto_init()))
		abort();
	if (!ready)
		log_init(NULL, LOG_L_CRIT + 1, NULL, NULL);
	ready = 1;
	f = cert_base();
	cert_up(f);
	parent_refill(f->p, 0, TICKET_TARGET - 8);
	parent_refill(f->p, 1, TICKET_TARGET - 8);
	for (size_t i = 1; i < 8; i++)
		real[i] = fake_pair(f, i == 7, i);
	real[0] = fake_session(f, 0, "10.77.0.12");
	cert_vouch_msg(&m, &real[2], CAROL);
	if (fake_msg(f, ROLE_PKI, 0, &m) != 0)
		abort();
	fake_forget(f);
	rd_init(&r, data, size);
	while (rd_u8(&r, &kind) == 0) {
		err = kind < 4 ? changed(&r, kind, &m) : any_bytes(&r, &m);
		if (err != 0)
			break;
		if (fake_msg(f, ROLE_NET, 0, &m) != 0 ||
		    f->n_sent > FAKE_SENT_MAX / 2)
			break;
		f->now += 100;
		parent_tick(f->p);
	}
	check(f);
	fake_free(f);
	ck_assert(secret_used() == 0);
	return (0);
}
