#include "membership.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../core/access.h"

enum { /* bytes for an entry of the group database */
       ENTRY_SIZE_MIN = 4 * 1024,
       ENTRY_SIZE_MAX = 4 * 1024 * 1024,
};

static bool is_listed(const char *user, char *const members[])
{
    for (; *members != NULL; members++) {
        if (strcmp(*members, user) == 0)
            return true;
    }
    return false;
}

int membership_find(const void *account, const char *group_name)
{
    const struct passwd *who = account;
    struct group entry;
    struct group *group = NULL;
    char *buffer = NULL;
    int answer = ACCESS_NOT_KNOWN;
    int error = ERANGE;

    for (size_t size = ENTRY_SIZE_MIN; error == ERANGE && size <= ENTRY_SIZE_MAX; size *= 4) {
        free(buffer);
        buffer = malloc(size);
        if (buffer == NULL)
            return ACCESS_NOT_KNOWN;
        error = getgrnam_r(group_name, &entry, buffer, size, &group);
    }
    if (group != NULL)
        answer = group->gr_gid == who->pw_gid || is_listed(who->pw_name, group->gr_mem)
                     ? ACCESS_MEMBER
                     : ACCESS_NO_MEMBER;
    else if (error == 0)
        answer = ACCESS_NO_GROUP;
    free(buffer);
    return answer;
}
