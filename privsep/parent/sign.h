#ifndef GH_PARENT_SIGN_H
#define GH_PARENT_SIGN_H

/* The sign helper's main function: fd 3 is its pipe to the parent, its only
 * one. It holds private keys and PKCS#11 sessions. Returns the exit status. */
int sign_main(void);

#endif
