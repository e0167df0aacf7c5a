#ifndef GH_IPC_PROC_INT_H
#define GH_IPC_PROC_INT_H

/* What proc.c and proc_child.c share. */
#define PROC_INDEX_MAX 64 /* workers of one role */
#define PROC_FD 3         /* a role's pipe to the parent */

long proc_now_ms(void); /* monotonic */

#endif
