/*
 * While a login is decided on, whoever started the program (su, say) must not stop or kill it: they
 * could keep the lock from others, or end it before a wrong guess is on record.
 */
#ifndef DOORWARD_SHIELD_H
#define DOORWARD_SHIELD_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct shield {
    sigset_t signals; /* that were blocked before */
    uid_t user;       /* the real user id before */
};

/*
 * Blocks all signals, and makes root the real user where it is the effective one, so that the
 * user's kill(2) is not permitted. False, with nothing changed, where that cannot be done.
 */
bool shield_raise(struct shield *shield);
/* Undoes it. False where that fails: then the login must be refused. */
bool shield_lower(const struct shield *shield);

#endif
