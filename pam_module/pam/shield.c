#include "shield.h"

#include <pthread.h>
#include <unistd.h>

enum { KEPT = -1 }; /* an id that setresuid(2) leaves as it is */

bool shield_raise(struct shield *shield)
{
    sigset_t all;

    shield->user = getuid();
    sigfillset(&all);
    if (pthread_sigmask(SIG_BLOCK, &all, &shield->signals) != 0)
        return false;
    if (geteuid() != 0 || shield->user == 0 || setresuid(0, (uid_t)KEPT, (uid_t)KEPT) == 0)
        return true;
    pthread_sigmask(SIG_SETMASK, &shield->signals, NULL);
    return false;
}

bool shield_lower(const struct shield *shield)
{
    bool restored =
        getuid() == shield->user || setresuid(shield->user, (uid_t)KEPT, (uid_t)KEPT) == 0;

    return pthread_sigmask(SIG_SETMASK, &shield->signals, NULL) == 0 && restored;
}
