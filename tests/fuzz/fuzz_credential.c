/*
 * Invariant: no file, reply or clock is read out of bounds or overflows; a login leaves a file that
 * is read again; where reuse is disallowed, no device accepts a code of the time twice; a recovery
 * code that was accepted is gone from the file; and without a code nobody gets in.
 *
 * Input: eight bytes of clock, a reply up to the first NUL, and the file.
 */
#include <stdlib.h>
#include <string.h>

#include "../../pam_module/core/grace.h"
#include "../../pam_module/core/rate_limit.h"
#include "../../pam_module/core/recovery.h"
#include "../../pam_module/core/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int log_in(struct credential *c, const char *reply, int64_t now,
                  struct verify_answer *answer)
{
    const struct verify_request request = {.reply = reply,
                                           .now = now,
                                           .readings = VERIFY_AS_ANY,
                                           .with_prefix = true,
                                           .learn_skew = true,
                                           .disallow_reuse = true};
    const struct rate required = {5, 60};
    bool reached;
    int ret = rate_limit_count(c, &required, now, &reached);

    if (ret == 0 && reached)
        ret = VERIFY_RATE_LIMITED;
    if (ret == 0)
        ret = verify_reply(c, &request, answer);
    if (ret == 0)
        ret = grace_remember(c, "192.0.2.1", now);
    return ret;
}

/* How many recovery codes there are, of both kinds. */
static int count_recovery(struct credential *c)
{
    size_t begin;
    size_t end;
    int count = recovery_count_hashed(c);
    int64_t code;

    for (size_t at = 0; recovery_next_digits(c, at, &begin, &end, &code); at = end)
        count++;
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct credential c = {0};
    struct verify_answer answer = {0};
    struct verify_answer again = {0};
    int64_t now;
    const char *reply;
    size_t reply_len;
    int recovery_count;

    if (size < sizeof now + 1)
        return 0;
    memcpy(&now, data, sizeof now);
    now %= CREDENTIAL_NUMBER_MAX;
    reply = (const char *)data + sizeof now;
    reply_len = strnlen(reply, size - sizeof now);
    if (reply_len == size - sizeof now)
        return 0;
    size -= sizeof now + reply_len + 1;
    if (credential_init(&c, reply + reply_len + 1, size) != 0)
        return 0;
    recovery_count = count_recovery(&c);
    grace_covers(&c, "192.0.2.1", now, 3600);
    if (log_in(&c, reply, now, &answer) == 0) {
        if (reply_len < DEVICE_DIGITS_MIN || answer.code_len > reply_len ||
            c.len > (size_t)CREDENTIAL_FILE_MAX * 2)
            abort();
        if (answer.recovery && count_recovery(&c) != recovery_count - 1)
            abort();
        if (!answer.recovery && device_counter(&c, &answer.device) == 0 &&
            log_in(&c, reply, now, &again) == 0 && !again.recovery &&
            strcmp(again.device.name, answer.device.name) == 0)
            abort();
    }
    if (c.text[c.len] != '\0' || strlen(c.text) != c.len)
        abort();
    verify_advance_counter(&c);
    credential_wipe(&c);
    return 0;
}
