/*
 * What one session of ghclient does, phase by phase: log in, play its hostile
 * case, ping through the tunnel, play ESP cases, hold, say goodbye. In: the
 * time and ESP packets; out: datagrams through the runner.
 */
#include <stdio.h>

#include "privsep/crypto/prf.h"
#include "regress/lib/init_int.h"
#include "regress/lib/runner.h"

#define ESP_MAX 2048
#define PING_WAIT_MS 1000
#define CASE_WAIT_MS 400
#define PING_TRIES 3
#define NEXT_NONE 59

static void
phase(struct sess *s, enum sess_phase p, uint64_t now_ms)
{
	/* The verdict on a case is that of the moment, before any goodbye. */
	if (s->c->conf.hostile != NULL &&
	    (s->phase == PH_LOGIN || s->phase == PH_HOSTILE))
		s->verdict = init_hostile_verdict(s->c);
	s->phase = p;
	s->t_phase = now_ms;
	s->next_ms = now_ms;
	s->step = 0;
}

void
sess_start(struct sess *s, uint64_t now_ms)
{
	uint16_t id;

	rand_bytes(&id, sizeof(id));
	s->echo_id = id;
	s->t_start = now_ms;
	if (init_start(s->c, now_ms) != 0) {
		init_fail(s->c, 0, "configuration");
		s->c->state = INIT_FAILED;
		phase(s, PH_DONE, now_ms);
		return;
	}
	phase(s, PH_LOGIN, now_ms);
}

/* ---- ping ---- */
/* The session's own address of the family of its next target. */
static int
ping_from(struct sess *s, const struct addr *to)
{
	const struct init_report *rep = &s->c->report;

	s->from = to->family == 4 ? rep->ip4 : rep->ip6;
	return (s->from.family != 0);
}

static long
echo_packet(struct sess *s, const struct addr *from, size_t tfc, uint8_t *out)
{
	const struct addr *to = &s->r->opts.ping[s->target];
	uint8_t inner[ESP_MAX];
	size_t n;

	s->seq++;
	n = init_echo(inner, sizeof(inner), from, to, s->echo_id,
	    (uint16_t)s->seq, s->r->opts.size);
	return (init_esp_seal(&s->esp, inner, n, to->family == 4 ? 4 : 41, tfc,
	    out, ESP_MAX));
}

static void
send_echo(struct sess *s)
{
	uint8_t out[ESP_MAX];
	long n = echo_packet(s, &s->from, 0, out);

	if (n > 0)
		run_send_esp(s, out, (size_t)n);
}

void
sess_esp(struct sess *s, const uint8_t *p, size_t len)
{
	const struct addr *to = &s->r->opts.ping[s->target];
	uint8_t inner[INIT_MSG_MAX], next;
	long n = init_esp_open(&s->esp, p, len, inner, sizeof(inner), &next);

	if (n <= 0 || s->r->opts.n_ping == 0)
		return;
	if (!init_echo_reply(inner, (size_t)n, &s->from, to, s->echo_id,
	    (uint16_t)s->seq, s->r->opts.size))
		return;
	s->replies++;
	s->next_ms = 0;
}

static void
step_ping(struct sess *s, uint64_t now_ms)
{
	const struct run_opts *o = &s->r->opts;

	if (s->sent > 0 && s->replies > 0) {
		s->got++;
		s->again += s->sent - 1;
		s->sent = 0;
		s->replies = 0;
		s->step++;
		s->pause_ms = now_ms + o->interval_ms;
	} else if (s->sent > 0 && now_ms < s->next_ms) {
		return;
	} else if (s->sent >= PING_TRIES) {
		s->lost++;
		s->sent = 0;
		s->step++;
	}
	if (s->step >= o->count) {
		s->step = 0;
		s->target++;
	}
	while (s->target < o->n_ping && !ping_from(s, &o->ping[s->target])) {
		s->lost += o->count;
		s->target++;
	}
	if (s->target >= o->n_ping) {
		s->target = 0;
		phase(s, PH_CASES, now_ms);
		s->next_case = o->cases;
		return;
	}
	if (s->sent == 0 && now_ms < s->pause_ms) {
		s->next_ms = s->pause_ms;
		return;
	}
	s->sent++;
	send_echo(s);
	s->next_ms = now_ms + PING_WAIT_MS;
}

/* ---- ESP cases: send something odd, count the replies ---- */
static void
case_bad_selector(struct sess *s)
{
	struct addr from = s->from;
	uint8_t out[ESP_MAX];
	long n;

	from.ip[addr_iplen(from.family) - 1] ^= 0x15;
	n = echo_packet(s, &from, 0, out);
	if (n > 0)
		run_send_esp(s, out, (size_t)n);
	s->from = from; /* a reply to the wrong source would come here */
}

static void
case_dummy(struct sess *s)
{
	uint8_t out[ESP_MAX], none[100] = { 0 };
	long n = init_esp_seal(&s->esp, none, sizeof(none), NEXT_NONE, 0, out,
	    sizeof(out));

	if (n > 0)
		run_send_esp(s, out, (size_t)n);
	send_echo(s);
}

static void
case_tfc_pad(struct sess *s)
{
	uint8_t out[ESP_MAX];
	long n = echo_packet(s, &s->from, 200, out);

	if (n > 0)
		run_send_esp(s, out, (size_t)n);
}

static void
case_replay(struct sess *s)
{
	uint8_t out[ESP_MAX];
	long n = echo_packet(s, &s->from, 0, out);

	for (int i = 0; n > 0 && i < 5; i++)
		run_send_esp(s, out, (size_t)n);
}

static void
case_bad_icv(struct sess *s)
{
	uint8_t out[ESP_MAX];
	long n = echo_packet(s, &s->from, 0, out);

	if (n > 0) {
		out[n - 1] ^= 1;
		run_send_esp(s, out, (size_t)n);
	}
}

static void
case_unknown_spi(struct sess *s)
{
	uint8_t out[ESP_MAX];
	long n = echo_packet(s, &s->from, 0, out);

	if (n > 0) {
		out[2] ^= 0x5a;
		out[3] ^= 0xa5;
		run_send_esp(s, out, (size_t)n);
	}
}

/* Numbers up in steps that a receiver can follow, beyond 2^32 with ESN. */
static void
case_jump(struct sess *s)
{
	s->esp.seq += 0x60000000;
	send_echo(s);
}

/* A number never used, but far below the window that a dummy has moved. */
static void
case_old(struct sess *s)
{
	uint8_t out[ESP_MAX], none[100] = { 0 };
	uint64_t seq = s->esp.seq;
	long n;

	s->esp.seq = seq + 6000;
	n = init_esp_seal(&s->esp, none, sizeof(none), NEXT_NONE, 0, out,
	    sizeof(out));
	if (n > 0)
		run_send_esp(s, out, (size_t)n);
	s->esp.seq = seq;
	send_echo(s);
	s->esp.seq = seq + 6001;
}

static void
case_truncated(struct sess *s)
{
	uint8_t out[ESP_MAX];
	long n = echo_packet(s, &s->from, 0, out);

	for (long i = n - 1; i > 0; i -= 7)
		run_send_esp(s, out, (size_t)i);
}

static const struct esp_case {
	const char *name;
	void (*send)(struct sess *s);
	unsigned int replies; /* that must come, and no more */
} esp_cases[] = {
	{ "bad-selector", case_bad_selector, 0 },
	{ "tfc-dummy", case_dummy, 1 },
	{ "tfc-pad", case_tfc_pad, 1 },
	{ "replay", case_replay, 1 },
	{ "bad-icv", case_bad_icv, 0 },
	{ "unknown-spi", case_unknown_spi, 0 },
	{ "truncated", case_truncated, 0 },
	{ "jump1", case_jump, 1 },
	{ "jump2", case_jump, 1 },
	{ "jump3", case_jump, 1 }, /* beyond 2^32: only with ESN */
	{ "old", case_old, 0 },
	{ "echo", send_echo, 1 },
};

static const struct esp_case *
case_find(const char *s)
{
	size_t len = strcspn(s, ",");

	for (size_t i = 0; i < sizeof(esp_cases) / sizeof(esp_cases[0]); i++)
		if (strlen(esp_cases[i].name) == len &&
		    strncmp(esp_cases[i].name, s, len) == 0)
			return (&esp_cases[i]);
	return (NULL);
}

static void
case_note(struct sess *s, const char *name, size_t len, const char *verdict)
{
	size_t at = strlen(s->cases);

	snprintf(s->cases + at, sizeof(s->cases) - at, "%sesp_%.*s=%s",
	    at == 0 ? "" : " ", (int)len, name, verdict);
}

static void
step_cases(struct sess *s, uint64_t now_ms)
{
	const struct esp_case *k;
	char verdict[24];

	if (s->step == 1) {
		k = case_find(s->next_case);
		/* All replies that must come may end the wait, none too many
		 * may come in the whole of it. */
		if (now_ms < s->t_phase + CASE_WAIT_MS &&
		    (k->replies == 0 || s->replies < k->replies ||
		    k->send == case_replay)) {
			s->next_ms = now_ms + 10;
			return;
		}
		snprintf(verdict, sizeof(verdict), s->replies == k->replies ?
		    "ok" : "fail:%u", s->replies);
		case_note(s, k->name, strlen(k->name), verdict);
		s->next_case += strcspn(s->next_case, ",");
		s->next_case += *s->next_case == ',';
	}
	if (s->next_case == NULL || *s->next_case == '\0' ||
	    s->r->opts.n_ping == 0 || !ping_from(s, &s->r->opts.ping[0])) {
		phase(s, PH_HOLD, now_ms);
		return;
	}
	if ((k = case_find(s->next_case)) == NULL) {
		case_note(s, s->next_case, strcspn(s->next_case, ","),
		    "unknown");
		phase(s, PH_HOLD, now_ms);
		return;
	}
	phase(s, PH_CASES, now_ms);
	s->step = 1;
	s->replies = 0;
	k->send(s);
	s->next_ms = now_ms + 10;
}

/* ---- the rest ---- */
static void
step_login(struct sess *s, uint64_t now_ms)
{
	const struct init_hostile *hs = s->c->conf.hostile;
	enum init_state st = s->c->state;

	if (st == INIT_UP) {
		s->t_up = now_ms;
		if (s->c->child.up && init_esp_new(&s->esp, s->c) != 0)
			case_note(s, "keys", 4, "fail");
		if (hs != NULL && (hs->stage == HS_INFO ||
		    hs->stage == HS_INFO_RAW || hs->stage == HS_CHILD)) {
			phase(s, PH_HOSTILE, now_ms);
			if (init_hostile_send(s->c, now_ms) != 0)
				phase(s, PH_DONE, now_ms);
			run_flush(s);
		} else {
			phase(s, s->esp.open != NULL ? PH_PING : PH_HOLD,
			    now_ms);
		}
	} else if (st == INIT_FAILED || st == INIT_CLOSED ||
	    now_ms >= s->t_start + s->r->opts.timeout_ms) {
		phase(s, PH_DONE, now_ms);
	} else {
		s->next_ms = now_ms + 10;
	}
}

static void
step_hold(struct sess *s, uint64_t now_ms)
{
	const struct run_opts *o = &s->r->opts;

	if (s->c->state != INIT_UP) {
		phase(s, PH_DONE, now_ms);
	} else if (now_ms >= s->t_phase + o->hold_ms && !s->c->waiting) {
		if (o->no_delete) {
			phase(s, PH_DONE, now_ms);
			return;
		}
		if (o->delete_child && s->c->child.up) {
			s->c->child.up = 0;
			NEED(init_delete_child(s->c, now_ms) == 0);
			return;
		}
		NEED(init_delete_ike(s->c, now_ms) == 0);
		phase(s, PH_DELETE, now_ms);
	} else {
		if (o->dpd_ms != 0 && !s->c->waiting &&
		    now_ms >= s->t_phase + o->dpd_ms * (s->step + 1U)) {
			s->step++;
			NEED(init_dpd(s->c, now_ms) == 0);
		}
		s->next_ms = now_ms + 20;
	}
}

void
sess_step(struct sess *s, uint64_t now_ms)
{
	switch (s->phase) {
	case PH_LOGIN:
		step_login(s, now_ms);
		break;
	case PH_HOSTILE:
		s->next_ms = now_ms + 10;
		if (!s->c->waiting || s->c->state != INIT_UP)
			phase(s, PH_HOLD, now_ms);
		else if (now_ms >= s->t_phase + s->r->opts.timeout_ms)
			phase(s, PH_DONE, now_ms);
		break;
	case PH_PING:
		step_ping(s, now_ms);
		break;
	case PH_CASES:
		step_cases(s, now_ms);
		break;
	case PH_HOLD:
		step_hold(s, now_ms);
		break;
	case PH_DELETE:
		s->next_ms = now_ms + 10;
		if (s->c->state != INIT_UP ||
		    now_ms >= s->t_phase + s->r->opts.timeout_ms)
			phase(s, PH_DONE, now_ms);
		break;
	default:
		break;
	}
	run_flush(s);
}
