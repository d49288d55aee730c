/*
 * Proof that logins get through a service: while doorward waits to hear that a change of it works,
 * each login leaves two lines in the service's file in STORE_PENDING_FOLDER.
 *
 *   auth SECONDS USER RHOST REASON    the module let it pass, for the reason in the log
 *   cred SECONDS USER RHOST           the program accepted it, and sets its credentials
 *
 * SECONDS is CLOCK_BOOTTIME with three decimals, USER and RHOST are as in the log, or `-`. Two
 * lines, for the rules below the module decide, too; the second one is left only where all of them
 * let the same login pass. cli/doorward/proof.py reads them.
 */
#ifndef DOORWARD_PROOF_H
#define DOORWARD_PROOF_H

#include <stdbool.h>

/* One line. All is text without blanks. */
struct proof {
    const char *step; /* "auth" or "cred" */
    const char *user;
    const char *host;
    const char *reason; /* NULL: none is told */
};

/*
 * Appends a line, with one write, where the process is root's and the service's file is there, and
 * says whether that was done. Makes nothing, never waits, and logs nothing: no login depends on it.
 * A line that a full disk or a limit cuts short spoils itself and the next one.
 */
bool proof_leave(const char *service, const struct proof *proof);

#endif
