/* The module's arguments, and what `secret=` stands for. */
#ifndef DOORWARD_OPTIONS_H
#define DOORWARD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rate_limit.h"

enum options_pass {
    PASS_PROMPT,    /* ask for the code */
    PASS_TRY_FIRST, /* look for it in PAM_AUTHTOK, then ask */
    PASS_USE_FIRST, /* look for it in PAM_AUTHTOK only */
};

struct options {
    const char *secret;      /* path template of the secret file */
    const char *user;        /* name or number whose rights are used; NULL: who logs in */
    const char *prompt;      /* what the prompt says */
    const char *access_file; /* absolute path, or NULL */
    enum options_pass pass;
    unsigned allowed_perm; /* mode bits that the secret file may have */
    int64_t grace_period;  /* seconds; 0: none */
    bool strict_owner;     /* the file must belong to whose rights are used */
    bool nullok;
    const char
        *nullok_until;  /* the last day on which nullok holds, YYYY-MM-DD; NULL: no such day */
    int64_t nullok_end; /* when that day is over, in Unix time */
    bool forward_pass;
    bool echo;
    bool learn_skew;
    bool disallow_reuse;
    bool allow_readonly;
    struct rate required_rate; /* {0}: none */
    bool increment_hotp;
    bool debug;
};

/*
 * Reads argv into options, which point into argv. Returns -1 where all is well, else the index of
 * the first argument that is unknown or has a bad value; the login must then be refused.
 */
int options_parse(struct options *options, int argc, const char **argv);

/*
 * Whether who has not enrolled passes at `now`. `built` is when this program was made: a clock that
 * stands before that is wrong, and must not bring a day back that is over. Both are Unix time.
 */
bool options_pass_unenrolled(const struct options *options, int64_t now, int64_t built);

enum options_error {
    OPTIONS_NO_HOME = -1,  /* the template needs a home folder, and there is none */
    OPTIONS_BAD_USER = -2, /* a login name that must not be part of a path */
    OPTIONS_TOO_LONG = -3,
};

/* False for an empty name, `.`, `..`, and what holds a '/' or a control character. */
bool options_user_is_safe(const char *user);

/*
 * Expands `${USER}`, `${HOME}`, and `~` at the start or after '/', each once and from left to
 * right, into path[0..cap), NUL-terminated. Any other text, `${X}` too, stays as it is. Nothing
 * that was put in is expanded again. home may be NULL, and one that is no absolute path counts as
 * none. Returns 0 or an enum options_error.
 */
int options_secret_path(const char *template, const char *user, const char *home, char *path,
                        size_t cap);

#endif
