#ifndef GH_CONF_CONF_H
#define GH_CONF_CONF_H

#include <stddef.h>
#include <stdint.h>

#include "privsep/base/addr.h"
#include "privsep/base/buf.h"
#include "privsep/base/log.h"
#include "privsep/base/secret.h"
#include "privsep/crypto/suite.h"
#include "privsep/ipc/msg.h"

/*
 * The configuration: parsed and checked by the parent alone; every other role
 * gets its part as CONF_* messages. print → parse is a fixpoint.
 */
#define CONF_NAME_MAX 63
#define CONF_LIST_MAX 32
#define CONF_PATH_MAX 255

enum conf_cookies_mode { CONF_COOKIES_AUTO, CONF_COOKIES_ALWAYS,
	CONF_COOKIES_NEVER }; /* same values as enum conf_cookies of ike */
enum conf_dataplane { DATAPLANE_AUTO, DATAPLANE_KERNEL, DATAPLANE_USERSPACE };
enum conf_forwarding { FORWARDING_REQUIRE, FORWARDING_SET };
enum conf_nat { NAT_NONE, NAT_MASQUERADE };
enum conf_auth { CONF_AUTH_PSK = 1, CONF_AUTH_CERT = 2, CONF_AUTH_EAP = 4 };

struct conf_range {
	struct addr lo, hi; /* inclusive */
};
struct conf_static {
	char identity[256];
	struct addr address;
};
struct conf_pool {
	char name[CONF_NAME_MAX + 1];
	int line;
	size_t n_ranges;
	struct conf_range ranges[CONF_LIST_MAX];     /* ipv4 and ipv6 */
	size_t n_excludes;
	struct conf_range excludes[CONF_LIST_MAX];
	struct addr netmask;          /* family 0: not sent */
	size_t n_dns;
	struct addr dns[8];
	size_t n_nbns;
	struct addr nbns[4];
	char domains[1001];           /* blank-separated */
	char banner[201];
	size_t n_routes;              /* 0: everything */
	struct tsel routes[CONF_LIST_MAX];
	uint32_t sticky_s, quarantine_s, sticky_max;
	size_t n_statics;
	struct conf_static *statics;
};
struct conf_psk_at; /* psk_find.c */
/* One key of a psk-file. */
struct conf_psk {
	char identity[256]; /* "*": the group's */
	struct secret key;
};
struct conf_policy {
	char name[CONF_NAME_MAX + 1];
	int line;
	char server_id[256];          /* textual identity, our IDr */
	size_t n_client_ids;          /* 0: any */
	char client_ids[CONF_LIST_MAX][256]; /* patterns with '*' */
	unsigned int auth;            /* bits: enum conf_auth; all are needed */
	char psk_file[CONF_PATH_MAX + 1];
	size_t n_psks;
	struct conf_psk *psks;        /* owned; read from psk_file at parse */
	struct conf_psk_at *psk_index; /* owned: whole identities sorted, then */
	size_t n_psk_exact;           /* patterns; see conf_psk_index */
	char aaa[CONF_NAME_MAX + 1];  /* "": none; "local" or an aaa block */
	char pool_name[CONF_NAME_MAX + 1];
	uint16_t pool;                /* index */
	size_t n_certs;               /* 0: any of ours that fits */
	char cert_names[8][CONF_NAME_MAX + 1];
	uint16_t certs[8];            /* indices */
	size_t n_trusts;              /* 0: any */
	char trust_names[8][CONF_NAME_MAX + 1];
	uint16_t trusts[8];
	size_t n_issuers;             /* 0: any */
	char issuers[8][256];         /* DN patterns of the leaf's issuer */
	uint8_t user_from;            /* enum conf_user_from */
	enum suite_id suite;
	uint8_t encapsulation;        /* 0 auto 1 never 2 force */
	uint32_t dpd_ms, login_ms;
	uint16_t sessions_per_user;
	uint8_t evict;                /* 0 reject 1 oldest 2 idle */
	uint8_t group;                /* the PSK is a group's */
	uint8_t cp_required;
};
/* Which of a certificate's names its user is called by. */
enum conf_user_from { USER_FROM_ID, USER_FROM_UPN, USER_FROM_EMAIL,
	USER_FROM_CN, USER_FROM_DN };
/* One of ours: the parent reads no byte of the files, it opens them. */
struct conf_certificate {
	char name[CONF_NAME_MAX + 1];
	int line;
	char chain[CONF_PATH_MAX + 1]; /* PEM, DER, PKCS#7, PKCS#12 */
	char key[501];                 /* a file, or "pkcs11:..." */
	char password_file[CONF_PATH_MAX + 1]; /* of the key, or the PIN */
	struct secret password;        /* owned; read from it at parse */
	char module[CONF_PATH_MAX + 1]; /* PKCS#11 */
	char token_dir[CONF_PATH_MAX + 1]; /* what the module needs to see */
	char url[501];                 /* hash and URL: where clients find it */
	uint8_t staple;                /* OCSP responses for clients */
	uint8_t pkcs1;                 /* RSA signs PKCS#1 v1.5, not PSS */
};
struct conf_trust {
	char name[CONF_NAME_MAX + 1];
	int line;
	char file[CONF_PATH_MAX + 1];
	uint8_t revocation;            /* enum conf_revocation */
	uint8_t eku;                   /* enum conf_eku */
	uint16_t rsa_min;
	size_t n_crls;
	char crls[4][CONF_PATH_MAX + 1]; /* CRL files */
	char crl_url[501], ocsp_url[501]; /* besides what certificates name */
};
struct conf_radius {
	char name[CONF_NAME_MAX + 1];
	struct addr address;
	char secret_file[CONF_PATH_MAX + 1];
};
struct conf_aaa {
	char name[CONF_NAME_MAX + 1];
	size_t n_radius;
	struct conf_radius *radius;
};
struct conf {
	char file[CONF_PATH_MAX + 1];
	/* headend { } */
	size_t n_listen;              /* 0: every address, both families */
	struct addr listen[16];
	char identity[256];
	enum conf_dataplane dataplane;
	unsigned int net_workers, esp_workers;   /* default 1, 1; max 16 */
	char tun[16];                 /* gh0 */
	uint16_t mtu;                 /* of the tunnel: 1400 */
	uint8_t offload_mask;         /* what may be used: enum conf_offload */
	uint8_t aead;                 /* 0 auto 1 openssl 2 ipsec-mb */
	uint8_t isolate;              /* default 1 */
	uint8_t df;                   /* enum conf_df */
	uint8_t mss_clamp;            /* default 1 */
	enum conf_forwarding forwarding;
	enum conf_nat nat;
	struct msg_conf_net net;      /* cookies, limits, timers */
	enum log_level log_level;
	char control_socket[CONF_PATH_MAX + 1]; /* /run/gatehouse/ctl.sock */
	char state_dir[CONF_PATH_MAX + 1];      /* /var/lib/gatehouse */
	char run_dir[CONF_PATH_MAX + 1];        /* /run/gatehouse */
	uint32_t stats_ms;
	unsigned int sign_workers;    /* default 1; max 16 */
	uint32_t fetch_ms, fetch_max; /* one fetch: time, bytes */
	uint32_t crl_refresh_s, ocsp_recheck_s;
	char url_hosts[1001];         /* hash and URL: allowed hosts; "": off */
	uint32_t expiry_warn_s;       /* warned so long before a notAfter */
	size_t n_pools;
	struct conf_pool *pools;
	size_t n_policies;
	struct conf_policy *policies;
	size_t n_certificates, n_trusts, n_aaas;
	struct conf_certificate *certificates;
	struct conf_trust *trusts;
	struct conf_aaa *aaas;
};

/* Messages of the checker: one line each, "FILE:LINE: what was read, what was
 * expected, the likely word". */
typedef void conf_report_fn(void *arg, int warning, const char *line);

/* Parse and check a file and the files it names. 0 and *out owned by the
 * caller; ERR_CONF after every error was reported (not only the first).
 * secret_slab_init() comes first: the keys of psk-files live there. */
int conf_load(struct conf **out, const char *path, conf_report_fn *report,
    void *arg) MUST_USE;
/* The same from memory; relative file names are looked up in `dir`. dir NULL:
 * no file is opened, so that policies have no keys (fuzzing). */
int conf_parse(struct conf **out, const char *text, size_t len,
    const char *name, const char *dir, conf_report_fn *report, void *arg)
    MUST_USE;
void conf_free(struct conf *c);
/* The configuration as text that parses to the same (no secrets: their file
 * names). ERR_SPACE when it does not fit. */
int conf_print(const struct conf *c, char *buf, size_t cap) MUST_USE;

/* A role's part, as messages in order (without CONF_START and CONF_DONE).
 * ERR_NOENT when i is past the last. */
int conf_message(const struct conf *c, enum role role, size_t i,
    struct msg *m) MUST_USE;

/* Does an identity (text as conf_id_txt prints it) match a pattern: a DN by
 * attribute (dn_match); else exact,
 * case-insensitive for domain parts, with '*' for any run without '@'; "*"
 * alone matches everything. A pattern of names never matches a DN, a KEY_ID or
 * a "type-N:" identity: those need their own '=' or the same prefix. */
int conf_id_match(const char *pattern, const char *identity);
/* Of all identities that match the same, the one that sessions, leases and
 * limits count under: domain parts in small letters, a DN as dn_fold makes it.
 * In place. */
void conf_id_fold(char *identity);
/* The policy's keys, all of them, made ready for conf_psk_find; conf_parse does
 * it. ERR_NOMEM. */
int conf_psk_index(struct conf_policy *po) MUST_USE;
/* The key of an identity, one of its own before the group's; NULL: none. The
 * first line that matches (conf_id_match) counts. */
const struct secret *conf_psk_find(const struct conf_policy *po,
    const char *identity);
/* An identity text as an ID payload body: "vpn.example.com" FQDN,
 * "a@b" RFC822, an address, "C=CH, O=Acme, CN=vpn" DER_ASN1_DN, "keyid:HEX" or
 * "keyid:@text" KEY_ID, "type-N:HEX" anything; \xNN is one byte (of names and
 * key ids; a DN has its own \NN). ERR_SYNTAX, ERR_SPACE. */
int conf_id_body(const char *text, uint8_t *body, size_t cap, size_t *len)
    MUST_USE;
/* And back, escaped: what policies and logs compare. Never fails. Two bodies
 * never have one text, but DNs that differ in the string types of their values
 * only (a client has its own): what else would read back as another body (an
 * FQDN with an '@', an unknown type) becomes "type-N:HEX". A text that does not
 * fit ends with "~" as txt does. */
void conf_id_txt(struct txt *t, const uint8_t *body, size_t len);

#endif
