#ifndef GH_DAEMON_ROLES_H
#define GH_DAEMON_ROLES_H

/* The processes that gatehoused becomes with --role. Each finds its pipe to
 * the parent at descriptor 3, runs until SHUTDOWN or until the parent is gone,
 * and returns its exit status. */
int net_main(void);
int esp_main(void);
int db_main(void);
int ctl_main(void);

#endif
