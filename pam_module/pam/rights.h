/* Another account's rights on files, for a while: its user id and groups, and no capability. */
#ifndef DOORWARD_RIGHTS_H
#define DOORWARD_RIGHTS_H

#include <pwd.h>
#include <stdbool.h>
#include <sys/types.h>

struct rights {
    bool taken;
    bool all_groups;
    uid_t user; /* the caller's own, as setfsuid(2) has it */
    gid_t group;
    int count;
    gid_t *groups; /* malloc()ed */
};

/*
 * Takes on an account's rights where the process is root; where it is not, it has its own. With
 * all_groups the account's supplementary groups are looked up and taken on too, else there are
 * none. False, with nothing changed, where that fails.
 */
bool rights_take(struct rights *rights, const struct passwd *account, bool all_groups);
/* Goes back. False where that fails: then the login must be refused. */
bool rights_return(struct rights *rights);

#endif
