/*
 * Who logged in from where a moment ago: the LASTn lines, `" LAST0 host time`. The time is Unix
 * time; grace is in seconds.
 */
#ifndef DOORWARD_GRACE_H
#define DOORWARD_GRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "credential.h"

enum { GRACE_HOST_MAX = 255 }; /* characters of a host name, RFC 1035 */

/* Whether a login from `host` is on record that is less than `grace` seconds old. */
bool grace_covers(const struct credential *c, const char *host, int64_t now, int64_t grace);
/*
 * Records a login from `host`; one that is not a plain word is not recorded. Returns 0 or
 * CREDENTIAL_NO_MEMORY.
 */
int grace_remember(struct credential *c, const char *host, int64_t now);

#endif
