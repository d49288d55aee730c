/*
 * Who may skip the code from where: a file in access.conf(5)'s format, read strictly.
 *
 *     permission : users : origins
 *
 * `+` skips the code, `-` asks for it; the first line that matches decides, and no match asks.
 * users are ALL, names, and groups (bare, or in parentheses); origins are ALL, LOCAL (no remote
 * host), addresses, and networks such as 10.0.0.0/8. Both lists are split at blanks and commas,
 * and may go on with EXCEPT. A line that is empty or starts with # is a comment. pam_access lets
 * people in where a file is not as it should be; here one bad line anywhere asks everybody, and so
 * does a line that cannot be decided on: a group that cannot be looked up, or a network when the
 * host is known by name only.
 */
#ifndef DOORWARD_ACCESS_H
#define DOORWARD_ACCESS_H

#include <stdbool.h>
#include <stddef.h>

enum { ACCESS_FILE_MAX = 1024 * 1024 };

enum access_membership {
    ACCESS_NO_MEMBER = 0,
    ACCESS_MEMBER = 1,
    ACCESS_NO_GROUP = -1,  /* there is no such group */
    ACCESS_NOT_KNOWN = -2, /* the lookup failed: a directory is down, memory is short */
};

struct access_login {
    const char *user;
    const char *host; /* PAM_RHOST: an address, a name, or "" */
    /* What the user is in this group, of enum access_membership. */
    int (*membership)(const void *context, const char *group);
    const void *context;
};

struct access_problem {
    unsigned line;    /* from 1; 0: no problem */
    const char *what; /* a static string that goes on after "line N: " */
};

/*
 * Whether this login skips the code. The text is read to its end whatever matches; with a problem
 * in it nobody skips. text need not be NUL-terminated.
 */
bool access_skips(const char *text, size_t len, const struct access_login *login,
                  struct access_problem *problem);

#endif
