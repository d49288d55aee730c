/*
 * Invariant: no file, reply or clock is read out of bounds or overflows; a login leaves a file that
 * is read again; a code that was accepted where reuse is disallowed is not accepted again, nor ever
 * a recovery code, unless the file lists it twice; and without a code nobody gets in.
 *
 * Input: eight bytes of clock, a reply up to the first NUL, and the file.
 */
#include <stdlib.h>
#include <string.h>

#include "../../pam_module/core/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int log_in(struct credential *c, const char *reply, int64_t now,
                  struct verify_answer *answer)
{
    const struct verify_request request = {.reply = reply,
                                           .now = now,
                                           .readings = VERIFY_AS_ANY,
                                           .with_prefix = true,
                                           .learn_skew = true};
    int ret = verify_rate_limit(c, now);

    if (ret == 0)
        ret = verify_reply(c, &request, answer);
    if (ret == 0)
        ret = verify_remember_host(c, "192.0.2.1", now);
    return ret;
}

/* How often a reply's last eight digits stand on a line of their own. */
static size_t count_recovery(const struct credential *c, const char *reply)
{
    size_t begin;
    size_t end;
    size_t count = 0;
    int64_t code;

    for (size_t at = 0; credential_next_recovery(c, at, &begin, &end, &code); at = end)
        count += code == atoll(reply + strlen(reply) - RECOVERY_CODE_DIGITS);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct credential c = {0};
    struct verify_answer answer = {0};
    int64_t now;
    const char *reply;
    size_t reply_len;
    size_t len;
    size_t recovery_count = 0;

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
    if (reply_len >= RECOVERY_CODE_DIGITS)
        recovery_count = count_recovery(&c, reply);
    verify_within_grace(&c, "192.0.2.1", now, 3600);
    if (log_in(&c, reply, now, &answer) == 0) {
        if (reply_len < VERIFY_CODE_DIGITS || c.len > CREDENTIAL_FILE_MAX * 2)
            abort();
        if (!answer.recovery && credential_counter(&c) == 0 &&
            credential_get(&c, "DISALLOW_REUSE", &len) != NULL &&
            log_in(&c, reply, now, &answer) == 0 && !answer.recovery)
            abort();
        if (answer.recovery && count_recovery(&c, reply) >= recovery_count)
            abort();
    }
    if (c.text[c.len] != '\0' || strlen(c.text) != c.len)
        abort();
    credential_wipe(&c);
    return 0;
}
