#include "grace.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    HOST_SLOTS = 10,
    NUMBER_TEXT_MAX = sizeof "-9223372036854775808",
};

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

bool grace_covers(const struct credential *c, const char *host, int64_t now, int64_t grace)
{
    struct host_slot slot;

    for (int i = 0; i < HOST_SLOTS; i++) {
        if (read_slot(c, i, &slot) == 1 && slot_is_of(&slot, host))
            return slot.when > 0 && slot.when <= now && now - slot.when < grace;
    }
    return false;
}

int grace_remember(struct credential *c, const char *host, int64_t now)
{
    char key[sizeof "LAST0"];
    char value[GRACE_HOST_MAX + 1 + NUMBER_TEXT_MAX];
    size_t host_len = strlen(host);
    int64_t oldest = INT64_MAX;
    int chosen = 0;

    if (host_len < 1 || host_len > GRACE_HOST_MAX || strspn(host, HOST_CHARACTERS "_") != host_len)
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
    return credential_set(c, key, value);
}
