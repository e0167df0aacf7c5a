#ifndef GH_DAEMON_ROLES_H
#define GH_DAEMON_ROLES_H

/* The main function of each role: fd 3 is the pipe to the parent, everything
 * else comes over it. Returns the exit status. */
int net_main(void);
int esp_main(void);
int db_main(void);
int ctl_main(void);
int pki_main(void);
int fetch_main(void);

#endif
