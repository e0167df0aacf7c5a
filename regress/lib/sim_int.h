#ifndef GH_REGRESS_SIM_INT_H
#define GH_REGRESS_SIM_INT_H

#include "regress/lib/sim.h"

#define SIM_IVS 65536
/* sim_roles.c */
void sim_process(struct sim *s, enum role to, struct msg *m);
void sim_answer(struct sim *s, uint32_t after_ms, struct msg *m);
struct sim_session *sim_session(struct sim *s, const uint8_t *sid);
/* sim_cert.c */
void sim_cert_check(struct sim *s, struct msg_cert_check *q);
void sim_sign(struct sim *s, struct msg_sign_req *q);
void sim_certs_free(struct sim *s);
/* sim_check.c */
void sim_check_iv(struct sim *s, const uint8_t *p, size_t len);
void sim_check_frozen(struct sim *s, uint32_t slot);

#endif
