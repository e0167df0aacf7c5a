/*
 * The honest requests of the initiator, payload by payload in the order of its
 * shape. In: the client; out: a chain.
 */
#include <stdio.h>

#include "privsep/crypto/prf.h"
#include "regress/lib/init_int.h"

#define NATD_LEN 20

static void
put_notify(struct chain_wr *w, uint16_t type, const void *p, size_t len)
{
	NEED(wire_put_notify(w, 0, NULL, 0, type, p, len) == 0);
}

/* RFC 7296 2.23: "the SHA-1 digest of the SPIs (in the order they appear in
 * the header), IP address, and port". */
void
init_natd_hash(uint64_t spi_i, uint64_t spi_r, const struct addr *a,
    uint8_t out[NATD_LEN])
{
	uint8_t buf[34];
	struct piece pc = { buf, 0 };
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	NEED(wr_u64(&w, spi_i) == 0 && wr_u64(&w, spi_r) == 0 &&
	    wr_copy(&w, a->ip, addr_iplen(a->family)) == 0 &&
	    wr_u16(&w, a->port) == 0);
	pc.len = w.len;
	NEED(hash_sha1(&pc, 1, out) == 0);
}

static void
put_natd(struct init_client *c, struct chain_wr *w)
{
	uint8_t hash[NATD_LEN];

	if (c->conf.no_nats)
		put_notify(w, NT_NO_NATS_ALLOWED, NULL, 0);
	if (c->conf.natd == NATD_NONE)
		return;
	init_natd_hash(c->spi_i, 0, &c->local, hash);
	if (c->conf.natd == NATD_FAKE_SOURCE)
		init_random(c, hash, sizeof(hash));
	put_notify(w, NT_NAT_DETECTION_SOURCE_IP, hash, sizeof(hash));
	init_natd_hash(c->spi_i, 0, &c->server, hash);
	if (c->conf.natd == NATD_FAKE_DEST)
		init_random(c, hash, sizeof(hash));
	put_notify(w, NT_NAT_DETECTION_DESTINATION_IP, hash, sizeof(hash));
}

static void
put_cp(struct init_client *c, struct chain_wr *w)
{
	if (c->conf.no_cp)
		return;
	NEED(wire_put_cp_begin(w, CFG_REQUEST) == 0);
	for (size_t i = 0; i < c->conf.n_cp; i++)
		NEED(wire_put_cp_attr(w, c->conf.cp[i].type,
		    c->conf.cp[i].data, c->conf.cp[i].len) == 0);
	for (size_t i = 0; c->conf.n_cp == 0 && i < INIT_CP &&
	    c->shape->cp[i] != 0; i++)
		NEED(wire_put_cp_attr(w, c->shape->cp[i], NULL, 0) == 0);
	NEED(wire_put_end(w) == 0);
}

static void
put_ts(struct chain_wr *w, uint8_t type, const struct tsel *v, size_t n)
{
	struct tsel any[2];

	if (n == 0) {
		tsel_any(&any[0], 4);
		tsel_any(&any[1], 6);
		v = any;
		n = 2;
	}
	NEED(wire_put_ts(w, type, v, n) == 0);
}

static void
put_auth(struct init_client *c, struct chain_wr *w)
{
	const struct prf_alg *prf = suite_prf(c->algs.prf);
	const struct piece msg = { c->msg1, c->len1 };
	const struct piece nonce = { c->nr, c->nr_len };
	const struct piece id = { c->idi, c->idi_len };
	uint8_t out[PRF_OUT_MAX];

	if (c->conf.auth == INIT_NO_AUTH)
		return;
	if (c->conf.cred != NULL) {
		init_put_sig_auth(c, w);
		return;
	}
	NEED(auth_shared(prf, (const uint8_t *)c->conf.psk,
	    strlen(c->conf.psk), &msg, &nonce, c->keys.pi.p, c->keys.pi.len,
	    &id, NULL, out) == 0);
	if (c->conf.auth == INIT_BAD_AUTH)
		out[0] ^= 1;
	NEED(wire_put_auth(w, AUTH_SHARED_KEY, out, prf->out_len) == 0);
}

static int
build_id_hex(struct wr *w, const char *hex)
{
	unsigned int b;

	for (; *hex != '\0'; hex += 2)
		if (sscanf(hex, "%2x", &b) != 1 || hex[1] == '\0' ||
		    wr_u8(w, (uint8_t)b))
			return (ERR_CONF);
	return (0);
}

int
init_build_id(uint8_t *out, size_t cap, size_t *len, const char *text)
{
	struct addr a;
	struct wr w;
	uint8_t type;
	int err;

	wr_init(&w, out, cap);
	if (strncmp(text, "hex:", 4) == 0) {
		err = build_id_hex(&w, text + 4);
		*len = w.len;
		return (err);
	}
	if (addr_parse(&a, text) == 0 && a.port == 0)
		type = a.family == 4 ? ID_IPV4_ADDR : ID_IPV6_ADDR;
	else if (strncmp(text, "keyid:", 6) == 0)
		type = ID_KEY_ID;
	else
		type = strchr(text, '@') ? ID_RFC822_ADDR : ID_FQDN;
	if (wr_u8(&w, type) || wr_zero(&w, 3))
		return (ERR_CONF);
	if (type == ID_KEY_ID)
		err = build_id_hex(&w, text + 6);
	else if (type == ID_FQDN || type == ID_RFC822_ADDR)
		err = wr_copy(&w, text, strlen(text));
	else
		err = wr_copy(&w, a.ip, addr_iplen(a.family));
	*len = w.len;
	return (err == 0 ? 0 : ERR_CONF);
}

static void
put_idr(struct init_client *c, struct chain_wr *w)
{
	uint8_t id[512];
	size_t len;

	if (c->conf.idr == NULL)
		return;
	NEED(init_build_id(id, sizeof(id), &len, c->conf.idr) == 0);
	NEED(wire_put_bytes(w, PL_IDR, id, len) == 0);
}

static void
put_ke(struct init_client *c, struct chain_wr *w)
{
	const struct kex_alg *alg = suite_kex(c->group);
	uint8_t pub[KEX_PUBLIC_MAX];

	NEED(alg != NULL && kex_public(c->kex, pub, sizeof(pub)) == 0);
	NEED(wire_put_ke(w, c->group, pub, alg->public_len) == 0);
}

static void
put_vids(struct chain_wr *w)
{
	static const uint8_t ms[] = { 0x01, 0x52, 0x8b, 0xbb, 0xc0, 0x06, 0x96,
		0x12, 0x18, 0x49, 0xab, 0x9a, 0x1c, 0x5b, 0x2a, 0x51, 0x00,
		0x00, 0x00, 0x02 };
	static const uint8_t cas[32] = { 4 };

	NEED(wire_put_bytes(w, PL_VENDOR, ms, sizeof(ms)) == 0);
	NEED(wire_put_bytes(w, PL_VENDOR, cas, 16) == 0);
}

/* CERTREQ as Windows sends it: dozens of hashes, more than one datagram. */
static void
put_certreq(struct init_client *c, struct chain_wr *w)
{
	uint8_t body[1 + 53 * 20];

	init_random(c, body, sizeof(body));
	body[0] = 4;
	NEED(wire_put_bytes(w, PL_CERTREQ, body, sizeof(body)) == 0);
}

static uint16_t
token_notify(enum init_token tk)
{
	switch (tk) {
	case TK_FRAG:
		return (NT_IKEV2_FRAGMENTATION_SUPPORTED);
	case TK_REDIR:
		return (NT_REDIRECT_SUPPORTED);
	case TK_INITIAL_CONTACT:
		return (NT_INITIAL_CONTACT);
	case TK_MOBIKE:
		return (NT_MOBIKE_SUPPORTED);
	case TK_TFC:
		return (NT_ESP_TFC_PADDING_NOT_SUPPORTED);
	case TK_NON_FIRST:
		return (NT_NON_FIRST_FRAGMENTS_ALSO);
	case TK_NO_ADDRS:
		return (NT_NO_ADDITIONAL_ADDRESSES);
	case TK_MULT_AUTH:
		return (NT_MULTIPLE_AUTH_SUPPORTED);
	case TK_EAP_ONLY:
		return (NT_EAP_ONLY_AUTHENTICATION);
	case TK_MSG_ID_SYNC:
		return (NT_IKEV2_MESSAGE_ID_SYNC_SUPPORTED);
	default:
		BUG("a token that is no notify");
	}
}

static void
put_child_token(struct init_client *c, struct chain_wr *w, enum init_token tk)
{
	if (c->conf.no_child)
		return;
	if (tk == TK_SA)
		NEED(wire_put_sa(w, c->esp, c->n_esp) == 0);
	else if (tk == TK_TSI)
		put_ts(w, PL_TSI, c->conf.ts_i, c->conf.n_ts_i);
	else
		put_ts(w, PL_TSR, c->conf.ts_r, c->conf.n_ts_r);
}

static int
token_left_out(const struct init_client *c, enum init_token tk)
{
	return ((tk == TK_FRAG && c->conf.no_frag) ||
	    (tk == TK_HASHES && c->conf.cred != NULL &&
	    c->conf.cred->no_hashes) ||
	    (tk == TK_INITIAL_CONTACT && c->conf.no_initial_contact));
}

static void
put_token(struct init_client *c, struct chain_wr *w, enum init_token tk)
{
	static const uint8_t hashes[] = { 0, 1, 0, 2, 0, 3, 0, 4, 0, 5 };

	if (token_left_out(c, tk))
		return;
	switch (tk) {
	case TK_KE:
		put_ke(c, w);
		break;
	case TK_NONCE:
		NEED(wire_put_bytes(w, PL_NONCE, c->ni, c->ni_len) == 0);
		break;
	case TK_NATD:
		put_natd(c, w);
		break;
	case TK_HASHES:
		put_notify(w, NT_SIGNATURE_HASH_ALGORITHMS, hashes,
		    sizeof(hashes));
		break;
	case TK_VID:
		put_vids(w);
		break;
	case TK_IDI:
		NEED(wire_put_bytes(w, PL_IDI, c->idi, c->idi_len) == 0);
		if (c->conf.cred != NULL) {
			init_put_certs(c, w);
			init_put_certreq(c, w);
		}
		break;
	case TK_IDR:
		put_idr(c, w);
		break;
	case TK_AUTH:
		put_auth(c, w);
		break;
	case TK_CERTREQ:
		put_certreq(c, w);
		break;
	case TK_CP:
		put_cp(c, w);
		break;
	case TK_SA:
	case TK_TSI:
	case TK_TSR:
		put_child_token(c, w, tk);
		break;
	default:
		put_notify(w, token_notify(tk), NULL, 0);
		break;
	}
}

static void
begin(struct wr *w, struct chain_wr *c)
{
	NEED(wr_u8(w, 0) == 0);
	wire_put_start(c, w, w->len - 1);
}

void
init_build_init(struct init_client *c, struct wr *w)
{
	struct chain_wr cw;

	begin(w, &cw);
	/* RFC 7296 2.6: "the cookie as the first payload". */
	if (c->cookie_len != 0)
		put_notify(&cw, NT_COOKIE, c->cookie, c->cookie_len);
	for (const enum init_token *t = c->shape->init; *t != TK_END; t++) {
		if (*t == TK_SA)
			NEED(wire_put_sa(&cw, c->ike, c->n_ike) == 0);
		else
			put_token(c, &cw, *t);
	}
}

void
init_build_auth(struct init_client *c, struct wr *w)
{
	struct chain_wr cw;
	int contact = 0;

	begin(w, &cw);
	for (const enum init_token *t = c->shape->auth; *t != TK_END; t++) {
		put_token(c, &cw, *t);
		contact |= *t == TK_INITIAL_CONTACT;
	}
	if (c->conf.initial_contact && !contact)
		put_notify(&cw, NT_INITIAL_CONTACT, NULL, 0);
}

void
init_build_child(struct init_client *c, struct wr *w)
{
	struct proposal_out esp[INIT_PROPOSALS];
	struct chain_wr cw;
	uint8_t nonce[32];

	begin(w, &cw);
	init_random(c, nonce, sizeof(nonce));
	memcpy(esp, c->esp, sizeof(esp));
	/* Another inbound SPI than that of the first child. */
	for (size_t i = 0; i < c->n_esp; i++)
		esp[i].spi[0] ^= 0x40;
	NEED(wire_put_sa(&cw, esp, c->n_esp) == 0);
	NEED(wire_put_bytes(&cw, PL_NONCE, nonce, sizeof(nonce)) == 0);
	put_ts(&cw, PL_TSI, c->conf.ts_i, c->conf.n_ts_i);
	put_ts(&cw, PL_TSR, c->conf.ts_r, c->conf.n_ts_r);
}
