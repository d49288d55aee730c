#include "rate_limit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char key[] = "RATE_LIMIT";

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

int rate_limit_read(struct credential *c, struct rate_limit *limit)
{
    size_t len;
    const char *at = credential_get(c, key, &len);
    const char *end;
    int64_t attempts;
    int64_t seconds;

    if (at == NULL)
        return 0;
    end = at + len;
    if (!credential_next_number(&at, end, &attempts) || attempts < 1 ||
        attempts > RATE_ATTEMPTS_MAX || at == end || !is_blank(*at) ||
        !credential_next_number(&at, end, &seconds) || seconds < 1 || seconds > RATE_SECONDS_MAX)
        return credential_malformed(c, key);
    limit->rate = (struct rate){(int)attempts, (int)seconds};
    for (limit->count = 0; at < end; limit->count++) {
        if (!is_blank(*at) || limit->count == RATE_TIMES_MAX - 1 ||
            !credential_next_number(&at, end, &limit->times[limit->count]))
            return credential_malformed(c, key);
    }
    return 1;
}

static int compare_times(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

/* Whether more of these attempts than that lie in its seconds up to `now`. */
static bool is_exceeded(const struct rate *rate, const int64_t *times, size_t count, int64_t now)
{
    int attempts = 0;

    for (size_t i = 0; i < count; i++)
        attempts += times[i] >= now - rate->seconds;
    return rate->attempts > 0 && attempts > rate->attempts;
}

int rate_limit_count(struct credential *c, const struct rate *required, int64_t now, bool *reached)
{
    enum { TIME_TEXT_MAX = sizeof " -1152921504606846976" };
    struct rate_limit limit;
    char text[16 + RATE_ATTEMPTS_MAX * TIME_TEXT_MAX];
    int found;
    size_t kept_max;
    int64_t oldest;
    size_t recent = 0;
    size_t first = 0;
    size_t at;

    *reached = false;
    limit.rate = *required;
    limit.count = 0;
    found = rate_limit_read(c, &limit);
    if (found < 0 || (found == 0 && required->attempts == 0))
        return found;

    /* This attempt counts too. What is older than both limits look, or in the future, is dropped.
     */
    oldest = now - larger(limit.rate.seconds, required->seconds);
    for (size_t i = 0; i < limit.count; i++) {
        if (limit.times[i] >= oldest && limit.times[i] <= now)
            limit.times[recent++] = limit.times[i];
    }
    limit.times[recent++] = now;
    qsort(limit.times, recent, sizeof limit.times[0], compare_times);
    *reached = is_exceeded(&limit.rate, limit.times, recent, now) ||
               is_exceeded(required, limit.times, recent, now);

    kept_max = (size_t)larger(limit.rate.attempts, required->attempts);
    if (recent > kept_max)
        first = recent - kept_max;
    at = (size_t)snprintf(text, sizeof text, "%d %d", limit.rate.attempts, limit.rate.seconds);
    for (size_t i = first; i < recent; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, " %" PRId64, limit.times[i]);
    return credential_set(c, key, text);
}
