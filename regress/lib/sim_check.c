/*
 * What must hold after every step of the simulation, and counts for tests. In:
 * datagrams and the engine. Out: sim.broken, numbers.
 */
#include <string.h>

#include "regress/lib/sim_int.h"

#define MIX 0x9e3779b97f4a7c15u

static uint64_t
digest(const uint8_t *p, size_t len)
{
	static const uint64_t key[2] = { 1, 2 };

	return (ike_siphash(key, p, len) | 1);
}

/* (our SPI, IV) of a protected datagram: the same pair again only with the
 * same bytes, which is a retransmit. */
void
sim_check_iv(struct sim *s, const uint8_t *p, size_t len)
{
	size_t at = p[16] == PL_SKF ? 36 : 32, i;
	uint64_t iv, msg;
	uint8_t key[16];

	if (len < 60 || (p[16] != PL_SK && p[16] != PL_SKF))
		return;
	memcpy(key, p + 8, 8);
	memcpy(key + 8, p + at, 8);
	iv = digest(key, sizeof(key));
	msg = digest(p, len);
	for (i = (iv * MIX) % SIM_IVS; s->ivs[i] != 0; i = (i + 1) % SIM_IVS)
		if (s->ivs[i] == iv) {
			if (s->iv_msgs[i] != msg)
				s->broken = "an IV was used twice";
			return;
		}
	s->ivs[i] = iv;
	s->iv_msgs[i] = msg;
}

unsigned int
sim_sas(const struct sim *s)
{
	return (s->e->n_sas);
}

unsigned int
sim_leases(const struct sim *s)
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < sizeof(s->ses) / sizeof(s->ses[0]); i++)
		n += s->ses[i].used && s->ses[i].leased;
	return (n);
}

unsigned int
sim_esp_sas(const struct sim *s)
{
	unsigned int n = 0, k;
	size_t i;

	for (i = 0; i < sizeof(s->ses) / sizeof(s->ses[0]); i++)
		for (k = 0; k < 8; k++)
			n += s->ses[i].used && s->ses[i].spi_in[k] != 0;
	return (n);
}

struct ike_sa *
sim_sa(const struct sim *s)
{
	uint32_t i;

	for (i = 0; i < s->e->n_slots; i++)
		if (s->e->slots[i] != NULL)
			return (s->e->slots[i]);
	return (NULL);
}

enum ike_state
sim_state(const struct sim *s)
{
	const struct ike_sa *sa = sim_sa(s);

	return (sa == NULL ? ST_FREE : (enum ike_state)sa->state);
}

unsigned int
sim_asked(const struct sim *s, enum sim_ask a)
{
	return (s->ses[0].asks[a]);
}

/* Frozen, thawed by another engine and frozen again: the same bytes. */
void
sim_check_frozen(struct sim *s, uint32_t slot)
{
	static uint8_t one[IKE_FREEZE_LEN], two[IKE_FREEZE_LEN];
	static struct fx_list fx;
	struct ike_engine *e;
	uint32_t there;
	int err = ike_freeze(s->e, s->now, slot, one);

	if (err == ERR_STATE || err == ERR_NOENT)
		return;
	fx_init(&fx);
	if (err != 0 || ike_engine_new(&e, &s->conf) != 0) {
		s->broken = "an SA could not be frozen";
		return;
	}
	if (ike_thaw(e, s->now, one, sizeof(one), &fx, &there) != 0 ||
	    ike_freeze(e, s->now, there, two) != 0 ||
	    memcmp(one, two, sizeof(one)) != 0)
		s->broken = "a thawed SA is another one";
	s->frozen++;
	fx_reset(&fx);
	ike_engine_free(e);
}
