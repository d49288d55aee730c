/* How often a login may be tried: the file's RATE_LIMIT, and the least that the admin wants. */
#ifndef DOORWARD_RATE_LIMIT_H
#define DOORWARD_RATE_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "credential.h"

enum {
    RATE_ATTEMPTS_MAX = 100,
    RATE_SECONDS_MAX = 3600,
    RATE_TIMES_MAX = 1024,
};

/* So many attempts in so many seconds; {0}: no limit. */
struct rate {
    int attempts;
    int seconds;
};

/* What `" RATE_LIMIT attempts seconds time…` says. */
struct rate_limit {
    struct rate rate;
    size_t count;
    int64_t times[RATE_TIMES_MAX]; /* Unix time, as listed; there is room for one more */
};

/* Reads the file's RATE_LIMIT: 1 where there is one, 0 where not, or CREDENTIAL_MALFORMED. */
int rate_limit_read(struct credential *c, struct rate_limit *limit);

/*
 * Counts an attempt at `now` (Unix time) and says whether it is one too many, by the file's limit
 * or by `required`. Where there is neither, nothing is counted; where the file has none, it gets
 * the required one. Returns 0 or an enum credential_error, and then the attempt must be refused.
 */
int rate_limit_count(struct credential *c, const struct rate *required, int64_t now, bool *reached);

#endif
