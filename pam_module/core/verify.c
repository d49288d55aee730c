#include "verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "otp.h"
#include "recovery.h"

enum { NUMBER_TEXT_MAX = 21 }; /* a sign or blank, and the digits of an int64_t */

/* What was typed, as a number. */
struct code {
    unsigned digits;
    uint32_t number;
};

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
    case VERIFY_CLOCK_UNSET:
        return "clock-not-set";
    case CREDENTIAL_MALFORMED:
        return "secret-file-malformed";
    case CREDENTIAL_NO_MEMORY:
        return "out-of-memory";
    default:
        return "internal-error";
    }
}

static int set_number(struct credential *c, const struct device *d, const char *key, int64_t number)
{
    char text[NUMBER_TEXT_MAX + 1];

    snprintf(text, sizeof text, "%" PRId64, number);
    return device_set(c, d, key, text);
}

/*
 * DISALLOW_REUSE: refuses a step that is on the device's list, else puts it there. Entries further
 * away than the window are dropped, since their codes no longer open anything.
 */
static int use_step(struct credential *c, const struct device *d, int64_t step, int window,
                    bool disallow_reuse)
{
    static const char key[] = "DISALLOW_REUSE";
    size_t len;
    const char *at = device_get(c, d, key, &len);
    const char *end;
    char *list;
    size_t kept = 0;
    size_t size;
    int ret = CREDENTIAL_MALFORMED;

    if (at == NULL) {
        if (!disallow_reuse)
            return 0;
        at = "";
        len = 0;
    }
    end = at + len;
    size = len + NUMBER_TEXT_MAX + 1;
    list = malloc(size);
    if (list == NULL)
        return CREDENTIAL_NO_MEMORY;
    for (;;) {
        size_t blanks = strspn(at, " \t");
        const char *begin = at + blanks;
        int64_t used;
        int more = device_next_used_step(c, &at, end, &used);

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
    ret = device_set(c, d, key, list);
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
static size_t skew_samples(const struct credential *c, const struct device *d,
                           struct skew_sample samples[static SKEW_SAMPLES])
{
    size_t len;
    const char *at = device_get(c, d, "RESETTING_TIME_SKEW", &len);
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
static int learn_skew(struct credential *c, const struct device *d, struct skew_sample now,
                      int window, bool disallow_reuse)
{
    struct skew_sample samples[SKEW_SAMPLES];
    char text[SKEW_SAMPLES * 2 * NUMBER_TEXT_MAX + 1] = "";
    size_t count = skew_samples(c, d, samples);
    int64_t sum = 0;
    size_t at = 0;
    int ret;

    if (count > 0 && samples[count - 1].step + samples[count - 1].skew == now.step + now.skew)
        return VERIFY_CLOCK_OFF; /* the same code again teaches nothing */
    skew_append(samples, &count, now);
    if (count == SKEW_SAMPLES && skew_is_steady(samples)) {
        for (size_t i = 0; i < count; i++)
            sum += samples[i].skew;
        ret = use_step(c, d, now.step + now.skew, window, disallow_reuse);
        if (ret == 0)
            ret = set_number(c, d, "TIME_SKEW", sum / SKEW_SAMPLES);
        return ret == 0 ? device_set(c, d, "RESETTING_TIME_SKEW", "") : ret;
    }
    for (size_t i = 0; i < count; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%" PRId64 "%+" PRId64,
                               i > 0 ? " " : "", samples[i].step, samples[i].skew);
    ret = device_set(c, d, "RESETTING_TIME_SKEW", text);
    return ret == 0 ? VERIFY_CLOCK_OFF : ret;
}

/*
 * How far from `base` the key makes this code, at most `below` under it and `above` over it; the
 * nearest counts, the one below before the one above. All are computed whatever is found, so that
 * the time taken tells nothing.
 */
static bool find_code(struct otp_key *key, struct code code, int64_t base, int64_t below,
                      int64_t above, int64_t *offset)
{
    uint32_t codes[OTP_BATCH];
    bool found = false;

    *offset = 0;
    for (int64_t first = -below; first <= above; first += OTP_BATCH) {
        otp_codes(key, (uint64_t)(base + first), code.digits, codes);
        for (int64_t at = first; at < first + OTP_BATCH && at <= above; at++) {
            if (codes[at - first] == code.number && (!found || llabs(at) < llabs(*offset))) {
                found = true;
                *offset = at;
            }
        }
    }
    explicit_bzero(codes, sizeof codes);
    return found;
}

/* The number that the reply's last digits are; a password before it only if allowed. */
static bool read_code(const char *reply, bool with_prefix, struct code *code)
{
    size_t len = strlen(reply);
    const char *at;

    if (len < code->digits || (len > code->digits && !with_prefix))
        return false;
    code->number = 0;
    for (at = reply + (len - code->digits); *at != '\0'; at++) {
        if (*at < '0' || *at > '9')
            return false;
        code->number = code->number * 10 + (uint32_t)(*at - '0');
    }
    return true;
}

/* A device made ready to be held against a reply. */
struct trial {
    const struct device *device;
    struct otp_key key;
    struct code code;
    int64_t counter; /* 0: codes come from the time */
    int window;
    int64_t step; /* of the time */
};

/* Makes a device ready: 1, 0 where the reply is no code of its kind, or an error. */
static int trial_init(struct trial *t, struct credential *c, const struct device *d,
                      const struct verify_request *request)
{
    uint8_t secret[CREDENTIAL_SECRET_MAX];
    ptrdiff_t secret_len;
    int digits = device_digits(c, d);
    int algorithm = device_algorithm(c, d);
    int step_size;

    if (digits < 0 || algorithm < 0)
        return CREDENTIAL_MALFORMED;
    *t = (struct trial){.device = d, .code.digits = (unsigned)digits};
    if (!read_code(request->reply, request->with_prefix, &t->code))
        return 0;
    t->counter = device_counter(c, d);
    if (t->counter == 0 && !device_is_time_based(c, d))
        return 0;
    t->window = device_window(c, d);
    step_size = t->counter == 0 ? device_step(c, d) : DEVICE_STEP_DEFAULT;
    if (t->counter < 0 || t->window < 0 || step_size < 0)
        return CREDENTIAL_MALFORMED;
    t->step = otp_step_at(request->now, (unsigned)step_size);
    if (t->counter == 0 && t->step == 0)
        return VERIFY_CLOCK_UNSET;
    secret_len = device_secret(c, d, secret);
    if (secret_len < 0)
        return CREDENTIAL_MALFORMED;
    otp_init(&t->key, (enum otp_algorithm)algorithm, secret, (size_t)secret_len);
    explicit_bzero(secret, (size_t)secret_len);
    return 1;
}

static void trial_wipe(struct trial *t)
{
    explicit_bzero(t, sizeof *t);
}

/* Holds a reply against the codes of now, and uses up the one that fits. */
static int match(struct credential *c, struct trial *t, const struct verify_request *request,
                 struct verify_answer *answer)
{
    int64_t now = t->step + device_skew(c, t->device);
    int64_t offset;

    if (t->counter > 0) {
        if (find_code(&t->key, t->code, t->counter, 0, t->window - 1, &offset))
            return set_number(c, t->device, "HOTP_COUNTER", t->counter + offset + 1);
        answer->counter_missed = true;
        return VERIFY_NO_MATCH;
    }
    if (find_code(&t->key, t->code, now, (t->window - 1) / 2, t->window / 2, &offset))
        return use_step(c, t->device, now + offset, t->window, request->disallow_reuse);
    return VERIFY_NO_MATCH;
}

/* Holds a reply against the codes of half a day around, to learn a skew from the one that fits. */
static int learn(struct credential *c, struct trial *t, const struct verify_request *request)
{
    int64_t skew;

    if (t->counter > 0 ||
        !find_code(&t->key, t->code, t->step, VERIFY_SKEW_REACH - 1, VERIFY_SKEW_REACH - 1, &skew))
        return VERIFY_NO_MATCH;
    return learn_skew(c, t->device, (struct skew_sample){t->step, skew}, t->window,
                      request->disallow_reuse);
}

/* What the devices say of the reply: the first that knows it counts, an error of any refuses it. */
static int check_code(struct credential *c, const struct verify_request *request,
                      struct verify_answer *answer, bool by_learning)
{
    struct device devices[DEVICES_MAX];
    int count = device_list(c, devices);
    int ret = VERIFY_NO_MATCH;

    if (count < 0)
        return count;
    for (int i = 0; i < count; i++) {
        struct trial t;
        int one = trial_init(&t, c, &devices[i], request);

        if (one == 0)
            continue;
        if (one == 1)
            one = by_learning ? learn(c, &t, request) : match(c, &t, request, answer);
        trial_wipe(&t);
        if (one != 0 && one != VERIFY_NO_MATCH)
            return one;
        if (one == 0 && ret == VERIFY_NO_MATCH) {
            ret = 0;
            answer->device = devices[i];
            answer->code_len = (size_t)device_digits(c, &devices[i]);
        }
    }
    if (ret == 0)
        answer->counter_missed = false;
    return ret;
}

static int check_recovery(struct credential *c, const struct verify_request *request,
                          struct verify_answer *answer)
{
    const struct device first = {DEVICE_FIRST};
    uint8_t secret[CREDENTIAL_SECRET_MAX];
    uint8_t hashable[RECOVERY_CODE_BYTES];
    struct code code = {.digits = RECOVERY_DIGITS};
    size_t len;
    int found = 0;

    if (device_secret(c, &first, secret) < 0)
        return CREDENTIAL_MALFORMED;
    explicit_bzero(secret, sizeof secret);
    if (read_code(request->reply, request->with_prefix, &code)) {
        answer->code_len = RECOVERY_DIGITS;
        found = recovery_use_digits(c, code.number);
    }
    len = recovery_read(request->reply, request->with_prefix, hashable);
    if (found == 0 && len > 0) {
        answer->code_len = len;
        found = recovery_use_hashed(c, hashable);
    }
    explicit_bzero(hashable, sizeof hashable);
    answer->recovery = found == 1;
    if (found == 0)
        return VERIFY_NO_MATCH;
    return found == 1 ? 0 : found;
}

bool verify_is_code(const char *reply)
{
    struct code code = {.digits = DEVICE_DIGITS_MIN};

    return read_code(reply, true, &code);
}

int verify_reply(struct credential *c, const struct verify_request *request,
                 struct verify_answer *answer)
{
    int ret = VERIFY_NO_MATCH;
    int recovered = VERIFY_NO_MATCH;

    if (request->readings & VERIFY_AS_CODE)
        ret = check_code(c, request, answer, false);
    if ((request->readings & VERIFY_AS_RECOVERY) &&
        (ret == VERIFY_NO_MATCH || ret == VERIFY_CLOCK_UNSET))
        recovered = check_recovery(c, request, answer);
    if (recovered != VERIFY_NO_MATCH)
        return recovered;
    if (ret == VERIFY_NO_MATCH && (request->readings & VERIFY_AS_CODE) && request->learn_skew)
        ret = check_code(c, request, answer, true);
    return ret;
}

void verify_pretend(const struct verify_request *request)
{
    static const uint8_t secret[20];
    struct code code = {.digits = DEVICE_DIGITS_MIN};
    struct otp_key key;
    int64_t step = otp_step_at(request->now, DEVICE_STEP_DEFAULT);
    int64_t offset;

    if (!(request->readings & VERIFY_AS_CODE) ||
        !read_code(request->reply, request->with_prefix, &code))
        return;
    otp_init(&key, OTP_SHA1, secret, sizeof secret);
    find_code(&key, code, step, 1, 1, &offset);
    if (request->learn_skew)
        find_code(&key, code, step, VERIFY_SKEW_REACH - 1, VERIFY_SKEW_REACH - 1, &offset);
    otp_wipe(&key);
}

int verify_advance_counter(struct credential *c)
{
    struct device devices[DEVICES_MAX];
    int count = device_list(c, devices);
    int64_t counter;

    if (count != 1)
        return count < 0 ? count : 0;
    counter = device_counter(c, &devices[0]);
    if (counter <= 0)
        return counter < 0 ? CREDENTIAL_MALFORMED : 0;
    return set_number(c, &devices[0], "HOTP_COUNTER", counter + 1);
}
