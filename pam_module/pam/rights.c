#include "rights.h"

#include <grp.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <unistd.h>

/* How many groups of an account there is room for. */
enum {
    GROUPS_FIRST = 64,
    GROUPS_MORE = 32,   /* times, until it is */
    GROUPS_MAX = 65536, /* the kernel's limit */
};

/* Sets the ids for files, and says what they were. False where one cannot be set. */
static bool set_ids(uid_t user, gid_t group, uid_t *user_before, gid_t *group_before)
{
    /* Both return the id before, whatever came of it; one that cannot be set tells what it is. */
    *group_before = (gid_t)setfsgid(group);
    *user_before = (uid_t)setfsuid(user);
    return (uid_t)setfsuid((uid_t)-1) == user && (gid_t)setfsgid((gid_t)-1) == group;
}

/* The process's supplementary groups, malloc()ed where there are any; false on an error. */
static bool own_groups(int *count, gid_t **groups)
{
    *count = getgroups(0, NULL);
    if (*count <= 0)
        return *count == 0;
    *groups = malloc((size_t)*count * sizeof **groups);
    if (*groups == NULL)
        return false;
    *count = getgroups(*count, *groups);
    return *count >= 0;
}

/* Makes all groups of an account the process's. */
static bool set_all_groups(const struct passwd *account)
{
    gid_t *groups = NULL;
    int count = 0;
    int found = -1;
    bool done;

    for (int size = GROUPS_FIRST; found < 0 && size <= GROUPS_MAX; size *= GROUPS_MORE) {
        free(groups);
        groups = malloc((size_t)size * sizeof *groups);
        if (groups == NULL)
            return false;
        count = size;
        found = getgrouplist(account->pw_name, account->pw_gid, groups, &count);
    }
    done = found >= 0 && setgroups((size_t)count, groups) == 0;
    free(groups);
    return done;
}

/* Makes the account's groups the process's: all, or none but its own, which setfsgid(2) sets. */
static bool set_groups(const struct rights *r, const struct passwd *account, bool all_groups)
{
    if (all_groups)
        return set_all_groups(account);
    return r->count == 0 || setgroups(0, NULL) == 0;
}

bool rights_take(struct rights *r, const struct passwd *account, bool all_groups)
{
    *r = (struct rights){0};
    if (geteuid() != 0)
        return true;
    if (!own_groups(&r->count, &r->groups)) {
        free(r->groups);
        return false;
    }
    r->taken = true;
    r->all_groups = all_groups;
    r->user = 0;
    r->group = getegid();
    if (set_groups(r, account, all_groups) &&
        set_ids(account->pw_uid, account->pw_gid, &r->user, &r->group))
        return true;
    (void)rights_return(r);
    return false;
}

bool rights_return(struct rights *r)
{
    bool returned = true;
    uid_t user;
    gid_t group;

    if (r->taken)
        returned =
            set_ids(r->user, r->group, &user, &group) &&
            ((r->count == 0 && !r->all_groups) || setgroups((size_t)r->count, r->groups) == 0);
    free(r->groups);
    *r = (struct rights){0};
    return returned;
}
