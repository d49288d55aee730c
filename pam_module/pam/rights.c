#include "rights.h"

#include <grp.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <unistd.h>

enum {
    GROUPS_FIRST = 64,
    GROUPS_MAX = 65536
}; /* of an account; the latter is the kernel's limit */

/* setfsuid(2) and setfsgid(2) return the id before, whatever came of it: an id that cannot be set
 * tells what it is. */
static uid_t file_user(void)
{
    return (uid_t)setfsuid((uid_t)-1);
}

static gid_t file_group(void)
{
    return (gid_t)setfsgid((gid_t)-1);
}

static bool set_ids(uid_t user, gid_t group)
{
    setfsgid(group);
    setfsuid(user);
    return file_user() == user && file_group() == group;
}

/* The process's supplementary groups, malloc()ed; false on an error. */
static bool own_groups(int *count, gid_t **groups)
{
    *count = getgroups(0, NULL);
    *groups = *count < 0 ? NULL : malloc(((size_t)*count + 1) * sizeof **groups);
    if (*groups == NULL)
        return false;
    *count = getgroups(*count, *groups);
    return *count >= 0;
}

/* Makes all groups of an account the process's. */
static bool set_all_groups(const struct passwd *account)
{
    int count = GROUPS_FIRST;
    gid_t *groups = malloc(GROUPS_FIRST * sizeof *groups);
    bool done = false;

    if (groups == NULL)
        return false;
    if (getgrouplist(account->pw_name, account->pw_gid, groups, &count) < 0) {
        free(groups); /* count is now what there must be room for */
        groups = count > 0 && count <= GROUPS_MAX ? malloc((size_t)count * sizeof *groups) : NULL;
        if (groups == NULL || getgrouplist(account->pw_name, account->pw_gid, groups, &count) < 0)
            goto out;
    }
    done = setgroups((size_t)count, groups) == 0;
out:
    free(groups);
    return done;
}

bool rights_take(struct rights *r, const struct passwd *account, bool all_groups)
{
    *r = (struct rights){0};
    if (geteuid() != 0)
        return true;
    if (!own_groups(&r->count, &r->groups))
        goto fail;
    r->user = file_user();
    r->group = file_group();
    r->taken = true;
    if ((all_groups ? set_all_groups(account) : setgroups(1, &account->pw_gid) == 0) &&
        set_ids(account->pw_uid, account->pw_gid))
        return true;
    (void)rights_return(r);
fail:
    free(r->groups);
    *r = (struct rights){0};
    return false;
}

bool rights_return(struct rights *r)
{
    bool returned = true;

    if (r->taken)
        returned = set_ids(r->user, r->group) && setgroups((size_t)r->count, r->groups) == 0;
    free(r->groups);
    *r = (struct rights){0};
    return returned;
}
