#include "verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "otp.h"

enum { NUMBER_TEXT_MAX = 21 }; /* a sign or blank, and the digits of an int64_t */

const char *verify_reason(int error)
{
    switch (error) {
    case VERIFY_NO_MATCH:
        return "wrong-code";
    case VERIFY_REUSED:
        return "code-used-before";
    case VERIFY_CLOCK_OFF:
        return "phone-clock-off";
    case VERIFY_RATE_LIMITED:
        return "rate-limit";
    case VERIFY_MALFORMED:
        return "secret-file-malformed";
    case VERIFY_NO_MEMORY:
        return "out-of-memory";
    case VERIFY_CLOCK_UNSET:
        return "clock-not-set";
    default:
        return "internal-error";
    }
}

static int set(struct credential *c, const char *key, const char *value)
{
    return credential_set(c, key, value) == 0 ? 0 : VERIFY_NO_MEMORY;
}

static int set_number(struct credential *c, const char *key, int64_t number)
{
    char text[NUMBER_TEXT_MAX + 1];

    snprintf(text, sizeof text, "%" PRId64, number);
    return set(c, key, text);
}

static int compare_times(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

int verify_rate_limit(struct credential *c, int64_t now)
{
    struct rate_limit limit;
    char text[16 + RATE_LIMIT_ATTEMPTS_MAX * NUMBER_TEXT_MAX];
    int found = credential_rate_limit(c, &limit);
    size_t recent = 0;
    size_t first = 0;
    size_t at;

    if (found <= 0)
        return found == 0 ? 0 : VERIFY_MALFORMED;

    /* Attempts of the last `seconds` count, this one too; older and future ones are dropped. */
    for (size_t i = 0; i < limit.count; i++) {
        if (limit.times[i] >= now - limit.seconds && limit.times[i] <= now)
            limit.times[recent++] = limit.times[i];
    }
    limit.times[recent++] = now;
    qsort(limit.times, recent, sizeof limit.times[0], compare_times);
    if (recent > (size_t)limit.attempts)
        first = recent - (size_t)limit.attempts;

    at = (size_t)snprintf(text, sizeof text, "%d %d", limit.attempts, limit.seconds);
    for (size_t i = first; i < recent; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, " %" PRId64, limit.times[i]);
    if (set(c, "RATE_LIMIT", text) != 0)
        return VERIFY_NO_MEMORY;
    return first > 0 ? VERIFY_RATE_LIMITED : 0;
}

/*
 * DISALLOW_REUSE: refuses a step that is on the list, else puts it there. Entries further away
 * than the window are dropped, since their codes no longer open anything.
 */
static int use_step(struct credential *c, int64_t step, int window)
{
    static const char key[] = "DISALLOW_REUSE";
    size_t len;
    const char *at = credential_get(c, key, &len);
    const char *end;
    char *list;
    size_t kept = 0;
    size_t size;
    int ret = VERIFY_MALFORMED;

    if (at == NULL)
        return 0;
    end = at + len;
    size = len + NUMBER_TEXT_MAX + 1;
    list = malloc(size);
    if (list == NULL)
        return VERIFY_NO_MEMORY;
    for (;;) {
        size_t blanks = strspn(at, " \t");
        const char *begin = at + blanks;
        int64_t used;
        int more = credential_next_used_step(c, &at, end, &used);

        memcpy(list + kept, begin - blanks, blanks);
        kept += blanks;
        if (more < 0)
            goto out;
        if (more == 0)
            break;
        if (used == step) {
            ret = VERIFY_REUSED;
            goto out;
        }
        if (used - step < window && step - used < window) {
            memcpy(list + kept, begin, (size_t)(at - begin));
            kept += (size_t)(at - begin);
        } else {
            at += strspn(at, " \t");
        }
    }
    snprintf(list + kept, size - kept, "%s%" PRId64, kept > 0 ? " " : "", step);
    ret = set(c, key, list);
out:
    free(list);
    return ret;
}

struct skew_sample {
    int64_t step; /* of our clock */
    int64_t skew; /* how many steps the phone is ahead */
};
enum { SKEW_SAMPLES = 3 };

static void skew_append(struct skew_sample samples[static SKEW_SAMPLES], size_t *count,
                        struct skew_sample sample)
{
    if (*count == SKEW_SAMPLES)
        memmove(samples, samples + 1, (SKEW_SAMPLES - 1) * sizeof *samples);
    else
        ++*count;
    samples[*count - 1] = sample;
}

/* Reads `step+skew step-skew …`, the last SKEW_SAMPLES of them, up to the first that is not so. */
static size_t skew_samples(const struct credential *c,
                           struct skew_sample samples[static SKEW_SAMPLES])
{
    size_t len;
    const char *at = credential_get(c, "RESETTING_TIME_SKEW", &len);
    const char *end;
    size_t count = 0;
    struct skew_sample sample;

    if (at == NULL)
        return 0;
    end = at + len;
    while (credential_next_number(&at, end, &sample.step) && at < end &&
           (*at == '+' || *at == '-') && credential_next_number(&at, end, &sample.skew) &&
           (at == end || *at == ' ' || *at == '\t'))
        skew_append(samples, &count, sample);
    return count;
}

/* Three codes, one or two steps apart, from a phone whose clock is off by as much each time. */
static bool skew_is_steady(const struct skew_sample samples[static SKEW_SAMPLES])
{
    for (size_t i = 1; i < SKEW_SAMPLES; i++) {
        int64_t gap = samples[i].step - samples[i - 1].step;
        int64_t drift = samples[i - 1].skew - samples[SKEW_SAMPLES - 1].skew;

        if (gap < 1 || gap > 2 || drift < -1 || drift > 1)
            return false;
    }
    return true;
}

/*
 * A right code of a time outside the window. Keeps it, and when three in a row agree on the skew,
 * stores that as TIME_SKEW: 0, the code is then accepted, and used up.
 */
static int learn_skew(struct credential *c, struct skew_sample now, int window)
{
    struct skew_sample samples[SKEW_SAMPLES];
    char text[SKEW_SAMPLES * 2 * NUMBER_TEXT_MAX + 1] = "";
    size_t count = skew_samples(c, samples);
    int64_t sum = 0;
    size_t at = 0;

    if (count > 0 && samples[count - 1].step + samples[count - 1].skew == now.step + now.skew)
        return VERIFY_CLOCK_OFF; /* the same code again teaches nothing */
    skew_append(samples, &count, now);
    if (count == SKEW_SAMPLES && skew_is_steady(samples)) {
        int ret = use_step(c, now.step + now.skew, window);

        if (ret != 0)
            return ret;
        for (size_t i = 0; i < count; i++)
            sum += samples[i].skew;
        ret = set_number(c, "TIME_SKEW", sum / SKEW_SAMPLES);
        return ret == 0 ? set(c, "RESETTING_TIME_SKEW", "") : ret;
    }
    for (size_t i = 0; i < count; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%" PRId64 "%+" PRId64,
                               i > 0 ? " " : "", samples[i].step, samples[i].skew);
    if (set(c, "RESETTING_TIME_SKEW", text) != 0)
        return VERIFY_NO_MEMORY;
    return VERIFY_CLOCK_OFF;
}

/*
 * How far from `base` the key makes this code, at most `below` under it and `above` over it; the
 * nearest counts. All are computed whatever is found, so that the time taken tells nothing.
 */
static bool find_code(struct otp_key *key, uint32_t code, int64_t base, int64_t below,
                      int64_t above, int64_t *offset)
{
    bool found = false;

    *offset = 0;
    for (int64_t i = 0; i <= below || i <= above; i++) {
        if (i <= below && otp_code(key, (uint64_t)(base - i), VERIFY_CODE_DIGITS) == code &&
            !found) {
            found = true;
            *offset = -i;
        }
        if (i > 0 && i <= above &&
            otp_code(key, (uint64_t)(base + i), VERIFY_CODE_DIGITS) == code && !found) {
            found = true;
            *offset = i;
        }
    }
    return found;
}

static int check_time_based(struct credential *c, struct otp_key *key, uint32_t code,
                            const struct verify_request *request)
{
    int step_size;
    int window;
    int64_t step;
    int64_t skew = credential_skew(c);
    int64_t offset;

    if (!credential_is_time_based(c))
        return VERIFY_NO_MATCH;
    step_size = credential_step(c);
    window = credential_window(c);
    if (step_size < 0 || window < 0)
        return VERIFY_MALFORMED;
    step = otp_step_at(request->now, (unsigned)step_size);
    if (step == 0)
        return VERIFY_CLOCK_UNSET;
    if (find_code(key, code, step + skew, (window - 1) / 2, window / 2, &offset))
        return use_step(c, step + skew + offset, window);
    if (request->learn_skew &&
        find_code(key, code, step, VERIFY_SKEW_REACH - 1, VERIFY_SKEW_REACH - 1, &offset))
        return learn_skew(c, (struct skew_sample){step, offset}, window);
    return VERIFY_NO_MATCH;
}

static int check_counter_based(struct credential *c, struct otp_key *key, uint32_t code,
                               int64_t counter, struct verify_answer *answer)
{
    int window = credential_window(c);
    int64_t offset;

    if (window < 0)
        return VERIFY_MALFORMED;
    if (!find_code(key, code, counter, 0, window - 1, &offset)) {
        answer->counter_missed = true;
        return VERIFY_NO_MATCH;
    }
    answer->counter_missed = false;
    return set_number(c, "HOTP_COUNTER", counter + offset + 1);
}

static int check_code(struct credential *c, uint32_t code, const struct verify_request *request,
                      struct verify_answer *answer)
{
    uint8_t secret[CREDENTIAL_SECRET_MAX];
    struct otp_key key;
    int64_t counter = credential_counter(c);
    ptrdiff_t secret_len = credential_secret(c, secret);
    int ret = VERIFY_MALFORMED;

    if (counter < 0 || secret_len < 0)
        return ret;
    otp_init(&key, secret, (size_t)secret_len);
    ret = counter > 0 ? check_counter_based(c, &key, code, counter, answer)
                      : check_time_based(c, &key, code, request);
    otp_wipe(&key);
    explicit_bzero(secret, (size_t)secret_len);
    return ret;
}

static int check_recovery(struct credential *c, uint32_t typed)
{
    uint8_t secret[CREDENTIAL_SECRET_MAX];
    size_t begin;
    size_t end;
    int64_t code;

    if (credential_secret(c, secret) < 0)
        return VERIFY_MALFORMED;
    explicit_bzero(secret, sizeof secret);
    for (size_t at = 0; credential_next_recovery(c, at, &begin, &end, &code); at = end) {
        if (code == typed) {
            credential_cut(c, begin, end);
            return 0;
        }
    }
    return VERIFY_NO_MATCH;
}

/* The number that the reply's last `digits` characters are; a password before it only if allowed.
 */
static bool read_code(const char *reply, bool with_prefix, size_t digits, uint32_t *code)
{
    size_t len = strlen(reply);
    const char *at;

    if (len < digits || (len > digits && !with_prefix))
        return false;
    *code = 0;
    for (at = reply + (len - digits); *at != '\0'; at++) {
        if (*at < '0' || *at > '9')
            return false;
        *code = *code * 10 + (uint32_t)(*at - '0');
    }
    return true;
}

bool verify_is_code(const char *reply)
{
    uint32_t code;

    return read_code(reply, true, VERIFY_CODE_DIGITS, &code);
}

int verify_reply(struct credential *c, const struct verify_request *request,
                 struct verify_answer *answer)
{
    uint32_t code;
    int ret = VERIFY_NO_MATCH;

    if ((request->readings & VERIFY_AS_CODE) &&
        read_code(request->reply, request->with_prefix, VERIFY_CODE_DIGITS, &code)) {
        answer->code_len = VERIFY_CODE_DIGITS;
        answer->recovery = false;
        ret = check_code(c, code, request, answer);
    }
    if (ret == VERIFY_NO_MATCH && (request->readings & VERIFY_AS_RECOVERY) &&
        read_code(request->reply, request->with_prefix, RECOVERY_CODE_DIGITS, &code)) {
        answer->code_len = RECOVERY_CODE_DIGITS;
        answer->recovery = true;
        ret = check_recovery(c, code);
    }
    return ret;
}

int verify_advance_counter(struct credential *c)
{
    int64_t counter = credential_counter(c);

    if (counter < 0)
        return VERIFY_MALFORMED;
    return set_number(c, "HOTP_COUNTER", counter + 1);
}

enum { HOST_SLOTS = 10 };

#define HOST_CHARACTERS "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:%.-"

/* What a LASTn line says. */
struct host_slot {
    const char *host;
    size_t len;
    int64_t when;
};

static void slot_key(int slot, char key[static sizeof "LAST0"])
{
    memcpy(key, "LAST0", sizeof "LAST0");
    key[sizeof "LAST" - 1] = (char)('0' + slot);
}

/* Reads LASTn: 1, 0 where there is no such line, -1 where it is not `host time`. */
static int read_slot(const struct credential *c, int slot, struct host_slot *said)
{
    char key[sizeof "LAST0"];
    const char *at;
    const char *end;
    size_t len;

    slot_key(slot, key);
    at = credential_get(c, key, &len);
    if (at == NULL)
        return 0;
    end = at + len;
    said->host = at;
    while (at < end && *at != ' ' && *at != '\t')
        at++;
    said->len = (size_t)(at - said->host);
    return credential_next_number(&at, end, &said->when) ? 1 : -1;
}

static bool slot_is_of(const struct host_slot *slot, const char *host)
{
    return strlen(host) == slot->len && memcmp(host, slot->host, slot->len) == 0;
}

bool verify_within_grace(const struct credential *c, const char *host, int64_t now, int64_t grace)
{
    struct host_slot slot;

    for (int i = 0; i < HOST_SLOTS; i++) {
        if (read_slot(c, i, &slot) == 1 && slot_is_of(&slot, host))
            return slot.when > 0 && slot.when <= now && now - slot.when < grace;
    }
    return false;
}

int verify_remember_host(struct credential *c, const char *host, int64_t now)
{
    char key[sizeof "LAST0"];
    char value[VERIFY_HOST_MAX + 1 + NUMBER_TEXT_MAX + 1];
    size_t host_len = strlen(host);
    int64_t oldest = INT64_MAX;
    int chosen = 0;

    if (host_len < 1 || host_len > VERIFY_HOST_MAX || strspn(host, HOST_CHARACTERS "_") != host_len)
        return 0;
    for (int i = 0; i < HOST_SLOTS; i++) {
        struct host_slot slot = {0};
        int found = read_slot(c, i, &slot);

        /* As the reference: a line that it cannot read, and a '_' is enough, keeps its place. */
        if (found < 0 || (found == 1 && strspn(slot.host, HOST_CHARACTERS) != slot.len))
            continue;
        if (found == 1 && slot_is_of(&slot, host)) {
            chosen = i;
            break;
        }
        if (slot.when < oldest) { /* a free one is the oldest of all */
            oldest = slot.when;
            chosen = i;
        }
    }
    slot_key(chosen, key);
    snprintf(value, sizeof value, "%s %" PRId64, host, now);
    return set(c, key, value);
}
