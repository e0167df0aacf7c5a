#ifndef GH_REGRESS_SIM_INT_H
#define GH_REGRESS_SIM_INT_H

#include "regress/lib/sim.h"

#define SIM_IVS 65536
/* sim_roles.c */
void sim_process(struct sim *s, enum role to, struct msg *m);
void sim_answer(struct sim *s, uint32_t after_ms, struct msg *m);
/* sim_check.c */
void sim_check_iv(struct sim *s, const uint8_t *p, size_t len);
void sim_check_frozen(struct sim *s, uint32_t slot);

#endif
