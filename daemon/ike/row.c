/*
 * One IKE SA as a row for `gatehousectl show sa`. In: an SA. Out: named
 * fields; never a key. net.
 */
#include <string.h>

#include "daemon/ike/sa.h"
#include "privsep/ipc/row.h"

static int
put_addr(struct wr *w, const char *name, const struct addr *a)
{
	char buf[ADDR_STRLEN];

	return (row_str(w, name, a->family == 0 ? "" :
	    addr_str(a, buf, sizeof(buf))));
}

static int
put_children(struct wr *w, const struct ike_sa *sa)
{
	char buf[CHILDREN_MAX * 32];
	struct txt t;
	unsigned int i;

	txt_init(&t, buf, sizeof(buf));
	for (i = 0; i < CHILDREN_MAX; i++)
		if (sa->child[i].state != CHILD_NONE) {
			txt_str(&t, t.len > 0 ? " " : "");
			txt_hex64(&t, sa->child[i].spi_in, 8);
			txt_str(&t, "/");
			txt_hex64(&t, sa->child[i].spi_out, 8);
		}
	return (row_list(w, "children", buf));
}

static int
put_sa(struct wr *w, const struct ike_sa *sa, uint64_t now)
{
	char buf[160];
	struct txt t;
	int err;

	txt_init(&t, buf, sizeof(buf));
	ike_sid_txt(&t, sa->sid);
	if ((err = row_str(w, "id", buf)) != 0 ||
	    (err = row_str(w, "state", ike_state_name(sa->state))) != 0)
		return (err);
	txt_init(&t, buf, sizeof(buf));
	txt_hex64(&t, sa->spi_i, 16);
	txt_str(&t, "/");
	txt_hex64(&t, sa->spi_r, 16);
	if ((err = row_str(w, "spis", buf)) != 0 ||
	    (err = put_addr(w, "peer", &sa->peer)) != 0 ||
	    (err = put_addr(w, "local", &sa->local)) != 0 ||
	    (err = put_addr(w, "v4", &sa->v4)) != 0 ||
	    (err = put_addr(w, "v6", &sa->v6)) != 0)
		return (err);
	txt_init(&t, buf, sizeof(buf));
	ike_algs_txt(&t, &sa->algs, ALG_IKE);
	if ((err = row_str(w, "suite", buf)) != 0 ||
	    (err = row_bool(w, "weak", ike_session_weak(sa))) != 0 ||
	    (err = row_bool(w, "nat", (sa->flags & (SAF_NAT_PEER |
	    SAF_NAT_US)) != 0)) != 0 ||
	    (err = row_u64(w, "up_s", (now - sa->created_ms) / 1000)) != 0 ||
	    (err = row_str(w, "client", sa->client)) != 0)
		return (err);
	return (put_children(w, sa));
}

int
ike_row(struct ike_engine *e, uint64_t now_ms, uint32_t *slot,
    struct wr *fields)
{
	const struct ike_sa *sa;

	while (*slot < e->n_slots) {
		sa = e->slots[(*slot)++];
		if (sa != NULL)
			return (put_sa(fields, sa, now_ms));
	}
	return (ERR_NOENT);
}
