/*
 * The shapes of the clients that people have: what they propose, which
 * payloads they send in which order, what they ask for. Data only; a shape
 * that logs in with EAP or a certificate does so with its PSK here.
 */
#include <stdio.h>
#include <string.h>

#include "regress/lib/initiator.h"

#define INIT_PLAIN TK_SA, TK_KE, TK_NONCE, TK_NATD
#define MS_SRV4 23456
#define MS_SRV6 23457

static const struct init_shape shapes[] = {
	{
		"gatehouse", "what a client of ours would send",
		"aes256gcm16-aes128gcm16-prfsha256-prfsha384-x25519-ecp256-"
		"modp2048,aes256-aes128-sha256-prfsha256-x25519-ecp256-"
		"modp2048",
		"aes256gcm16-aes128gcm16-noesn,aes256-sha256-noesn", 31,
		{ INIT_PLAIN, TK_FRAG, TK_HASHES },
		{ TK_IDI, TK_INITIAL_CONTACT, TK_IDR, TK_AUTH, TK_CP, TK_SA,
		    TK_TSI, TK_TSR },
		{ CA_INTERNAL_IP4_ADDRESS, CA_INTERNAL_IP4_DNS,
		    CA_INTERNAL_IP4_SUBNET, CA_INTERNAL_IP6_ADDRESS,
		    CA_INTERNAL_IP6_DNS, CA_INTERNAL_IP6_SUBNET,
		    CA_INTERNAL_DNS_DOMAIN },
	},
	{
		"windows", "Windows 11 as installed",
		"3des-sha1-prfsha1-modp1024,3des-sha256-prfsha256-modp1024,"
		"3des-sha384-prfsha384-modp1024,aes128-sha1-prfsha1-modp1024,"
		"aes256-sha1-prfsha1-modp1024,aes256-sha256-prfsha256-modp1024,"
		"aes128gcm16-prfsha256-modp1024,aes256gcm16-prfsha384-modp1024",
		"aes256-sha1-noesn,aes128-sha1-noesn,3des-sha1-noesn,"
		"1:2-sha1-noesn,1:11-sha1-noesn", 2,
		{ TK_SA, TK_KE, TK_NONCE, TK_FRAG, TK_NATD, TK_VID },
		{ TK_IDI, TK_CERTREQ, TK_AUTH, TK_MOBIKE, TK_CP, TK_SA, TK_TSI,
		    TK_TSR },
		{ CA_INTERNAL_IP4_ADDRESS, CA_INTERNAL_IP4_DNS,
		    CA_INTERNAL_IP4_NBNS, MS_SRV4, CA_INTERNAL_IP6_ADDRESS,
		    CA_INTERNAL_IP6_DNS, MS_SRV6 },
	},
	{
		"windows-strong", "Windows 11 with NegotiateDH2048_AES256=2",
		"aes256-sha1-prfsha1-modp2048,aes256-sha256-prfsha256-modp2048,"
		"aes256-sha384-prfsha384-modp2048",
		"aes256-sha1-noesn,aes128-sha1-noesn,3des-sha1-noesn,"
		"1:2-sha1-noesn,1:11-sha1-noesn", 14,
		{ TK_SA, TK_KE, TK_NONCE, TK_FRAG, TK_NATD, TK_VID },
		{ TK_IDI, TK_CERTREQ, TK_AUTH, TK_MOBIKE, TK_CP, TK_SA, TK_TSI,
		    TK_TSR },
		{ CA_INTERNAL_IP4_ADDRESS, CA_INTERNAL_IP4_DNS,
		    CA_INTERNAL_IP4_NBNS, MS_SRV4, CA_INTERNAL_IP6_ADDRESS,
		    CA_INTERNAL_IP6_DNS, MS_SRV6 },
	},
	{
		"ios", "iOS 16 as configured in its settings",
		"aes256-sha256-prfsha256-modp2048,aes256-sha256-prfsha256-"
		"ecp256,aes256-sha256-prfsha256-4:5,aes128-sha1-prfsha1-"
		"modp1024,3des-sha1-prfsha1-modp1024",
		"aes256-sha256-noesn,aes256-sha256-noesn,aes256-sha256-noesn,"
		"aes128-sha1-noesn,3des-sha1-noesn", 14,
		{ TK_SA, TK_KE, TK_NONCE, TK_REDIR, TK_NATD, TK_FRAG },
		{ TK_IDI, TK_INITIAL_CONTACT, TK_IDR, TK_AUTH, TK_CP, TK_TFC,
		    TK_NON_FIRST, TK_SA, TK_TSI, TK_TSR, TK_MOBIKE },
		{ CA_INTERNAL_IP4_ADDRESS, CA_INTERNAL_IP4_NETMASK,
		    CA_INTERNAL_IP4_DHCP, CA_INTERNAL_IP4_DNS,
		    CA_INTERNAL_IP6_ADDRESS, CA_INTERNAL_IP6_DHCP,
		    CA_INTERNAL_IP6_DNS, CA_INTERNAL_DNS_DOMAIN },
	},
	{
		"macos", "macOS 14",
		"aes256gcm16-prfsha256-ecp256,aes256gcm16-prfsha256-modp2048,"
		"aes256-sha256-prfsha256-ecp256,"
		"aes256-sha256-prfsha256-modp2048",
		"aes256gcm16-noesn,aes256-sha256-noesn", 19,
		{ TK_SA, TK_KE, TK_NONCE, TK_REDIR, TK_NATD, TK_FRAG },
		{ TK_IDI, TK_INITIAL_CONTACT, TK_IDR, TK_AUTH, TK_CP, TK_TFC,
		    TK_NON_FIRST, TK_SA, TK_TSI, TK_TSR, TK_MOBIKE },
		{ CA_INTERNAL_IP4_ADDRESS, CA_INTERNAL_IP4_NETMASK,
		    CA_INTERNAL_IP4_DHCP, CA_INTERNAL_IP4_DNS,
		    CA_INTERNAL_IP6_ADDRESS, CA_INTERNAL_IP6_DHCP,
		    CA_INTERNAL_IP6_DNS, CA_INTERNAL_DNS_DOMAIN },
	},
	{
		"android", "Android 11 and later",
		"aes256ctr-aes256-aes192ctr-aes192-aes128ctr-aes128-sha512-"
		"sha384-sha256-aesxcbc-aescmac-prfsha512-prfsha384-prfsha256-"
		"prfaesxcbc-prfaescmac-prfsha1-modp4096-x25519-modp3072-"
		"modp2048,chacha20poly1305-aes256gcm16-aes256gcm12-aes256gcm8-"
		"aes192gcm16-aes192gcm12-aes192gcm8-aes128gcm16-aes128gcm12-"
		"aes128gcm8-prfsha512-prfsha384-prfsha256-prfaesxcbc-"
		"prfaescmac-prfsha1-modp4096-x25519-modp3072-modp2048",
		"aes256ctr-aes256-aes192ctr-aes192-aes128ctr-aes128-sha512-"
		"sha384-sha256-aesxcbc-aescmac-noesn,chacha20poly1305-"
		"aes256gcm16-aes256gcm12-aes256gcm8-aes192gcm16-aes192gcm12-"
		"aes192gcm8-aes128gcm16-aes128gcm12-aes128gcm8-noesn", 16,
		{ TK_SA, TK_KE, TK_NONCE, TK_NATD, TK_FRAG, TK_HASHES,
		    TK_REDIR },
		{ TK_IDI, TK_IDR, TK_AUTH, TK_SA, TK_TSI, TK_TSR, TK_CP },
		{ CA_INTERNAL_IP4_ADDRESS, CA_INTERNAL_IP6_ADDRESS,
		    CA_INTERNAL_IP4_DNS, CA_INTERNAL_IP6_DNS,
		    CA_INTERNAL_IP4_NETMASK, CA_APPLICATION_VERSION },
	},
	{
		"strongswan", "charon with its defaults",
		"aes128-aes192-aes256-sha256-sha384-sha512-aesxcbc-prfsha256-"
		"prfsha384-prfsha512-prfaesxcbc-prfaescmac-ecp256-ecp384-"
		"ecp521-x25519-x448-modp3072-modp4096-modp2048,"
		"aes128gcm16-aes192gcm16-aes256gcm16-chacha20poly1305-"
		"prfsha256-prfsha384-prfsha512-prfaesxcbc-prfaescmac-ecp256-"
		"ecp384-ecp521-x25519-x448-modp3072-modp4096-modp2048",
		"aes128gcm16-aes192gcm16-aes256gcm16-noesn,"
		"aes128-aes192-aes256-sha256-sha384-sha512-aesxcbc-noesn", 19,
		{ INIT_PLAIN, TK_FRAG, TK_HASHES, TK_REDIR },
		{ TK_IDI, TK_INITIAL_CONTACT, TK_IDR, TK_AUTH, TK_CP, TK_SA,
		    TK_TSI, TK_TSR, TK_MOBIKE, TK_NO_ADDRS, TK_MULT_AUTH,
		    TK_EAP_ONLY, TK_MSG_ID_SYNC },
		{ CA_INTERNAL_IP4_ADDRESS, CA_INTERNAL_IP6_ADDRESS,
		    CA_INTERNAL_IP4_DNS, CA_INTERNAL_IP6_DNS },
	},
};

const struct init_shape *
init_shape_at(size_t i)
{
	return (i < sizeof(shapes) / sizeof(shapes[0]) ? &shapes[i] : NULL);
}

const struct init_shape *
init_shape(const char *name)
{
	for (size_t i = 0; init_shape_at(i) != NULL; i++)
		if (strcmp(shapes[i].name, name) == 0)
			return (&shapes[i]);
	return (NULL);
}

/* "T:ID" or "T:ID:BITS". */
static int
token_numbers(struct transform *t, const char *s)
{
	unsigned int type, id, bits;
	int n = sscanf(s, "%u:%u:%u", &type, &id, &bits);

	if (n < 2 || type > 255 || id > 65535 || (n == 3 && bits > 65535))
		return (ERR_SYNTAX);
	t->type = (uint8_t)type;
	t->id = (uint16_t)id;
	t->has_bits = n == 3;
	t->bits = (uint16_t)(n == 3 ? bits : 0);
	return (0);
}

/* One name of suite.def. */
static int
token_name(struct transform *t, const char *s)
{
	const struct encr_alg *e;
	const struct integ_alg *in;
	const struct prf_alg *p;
	const struct kex_alg *k;
	int prf = strncmp(s, "prf", 3) == 0;

	for (size_t i = 0; (e = suite_encr_at(i)) != NULL; i++)
		if (strcmp(e->name, s) == 0) {
			*t = (struct transform){ T_ENCR, e->id, e->bits,
				e->bits != 0, 0 };
			return (0);
		}
	for (size_t i = 0; (in = suite_integ_at(i)) != NULL; i++)
		if (strcmp(in->name, s) == 0) {
			*t = (struct transform){ .type = T_INTEG, .id = in->id };
			return (0);
		}
	for (size_t i = 0; prf && (p = suite_prf_at(i)) != NULL; i++)
		if (strcmp(p->name, s + 3) == 0) {
			*t = (struct transform){ .type = T_PRF, .id = p->id };
			return (0);
		}
	for (size_t i = 0; (k = suite_kex_at(i)) != NULL; i++)
		if (strcmp(k->name, s) == 0) {
			*t = (struct transform){ .type = T_KE, .id = k->id };
			return (0);
		}
	if (strcmp(s, "esn") != 0 && strcmp(s, "noesn") != 0)
		return (ERR_SYNTAX);
	*t = (struct transform){ .type = T_ESN, .id = s[0] == 'e' };
	return (0);
}

int
init_proposals(struct proposal_out *v, size_t max, uint8_t proto,
    const char *text)
{
	char buf[2048], *one, *tok, *save1 = NULL, *save2;
	struct proposal_out *p;
	size_t n = 0;

	if (strlen(text) >= sizeof(buf))
		return (ERR_LIMIT);
	memcpy(buf, text, strlen(text) + 1);
	for (one = strtok_r(buf, ",", &save1); one != NULL;
	    one = strtok_r(NULL, ",", &save1)) {
		if (n == max)
			return (ERR_LIMIT);
		p = &v[n++];
		memset(p, 0, sizeof(*p));
		p->num = (uint8_t)n;
		p->proto = proto;
		save2 = NULL;
		for (tok = strtok_r(one, "-", &save2); tok != NULL;
		    tok = strtok_r(NULL, "-", &save2)) {
			if (p->n == sizeof(p->t) / sizeof(p->t[0]))
				return (ERR_LIMIT);
			if (token_numbers(&p->t[p->n], tok) != 0 &&
			    token_name(&p->t[p->n], tok) != 0)
				return (ERR_SYNTAX);
			p->n++;
		}
	}
	return (n == 0 ? ERR_SYNTAX : (int)n);
}
