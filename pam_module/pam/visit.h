/*
 * A visit to the secret file: opened with the right rights, locked, read, changed, saved. Where it
 * cannot be written and that is allowed, what it has come to is kept in STORE_RUN_FOLDER, until the
 * next boot or the next change of the file; every later visit by root starts from there.
 */
#ifndef DOORWARD_VISIT_H
#define DOORWARD_VISIT_H

#include <limits.h>
#include <pwd.h>
#include <stdbool.h>

#include "../core/credential.h"
#include "store.h"

/* Beside the errors of store.h and credential.h. */
enum visit_error {
    VISIT_NO_FILE = -201, /* there is no place.rights: nobody to have a file */
    VISIT_STUCK = -202,   /* the caller's own rights are lost: nothing more may be done */
};

/* Where a secret file is, and what it may be like. */
struct place {
    const struct passwd *rights; /* whose rights open it; NULL: there is none */
    bool strict_owner;           /* it must belong to them */
    bool allow_readonly;         /* a state that cannot be written there may be kept elsewhere */
    unsigned allowed_perm;
    char path[PATH_MAX];
};

enum { STATE_NAME_MAX = sizeof "state-" + CREDENTIAL_FINGERPRINT_LEN, STATE_VERSION_MAX = 128 };

/* The owner zeroes it, and ends with visit_leave(). */
struct visit {
    struct store store;
    struct credential credential;
    char name[STATE_NAME_MAX];       /* of its state elsewhere, one for each path, or "" */
    char version[STATE_VERSION_MAX]; /* of the file: the first line of its state elsewhere */
    bool kept_elsewhere;             /* the credential was read from there, or saved there */
    int write_error;                 /* an errno: why it could not be written; 0: nothing failed */
};

/* Reads the file as it is now, without a lock. */
int visit_look(struct visit *v, const struct place *place);
/* Forgets what was read, but keeps the file open. */
void visit_pause(struct visit *v);
/* Locks and reads it, as it is by now. */
int visit_enter(struct visit *v, const struct place *place);
/* Writes what changed. Only where this returns 0 has a code been used up. */
int visit_save(struct visit *v, const struct place *place);
/* Unlocks and closes it, and wipes what was read; it may be entered once more. */
void visit_leave(struct visit *v);

#endif
