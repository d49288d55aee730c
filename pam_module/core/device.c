#include "device.h"

#include <stdio.h>
#include <string.h>

#include "base32.h"

enum { KEY_MAX = sizeof "DEVICE  RESETTING_TIME_SKEW" + DEVICE_NAME_MAX };

static const char name_characters[] = "0123456789abcdefghijklmnopqrstuvwxyz"
                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ._-";

static bool is_first(const struct device *d)
{
    return strcmp(d->name, DEVICE_FIRST) == 0;
}

/* The key as the file has it for this device. */
static const char *key_of(const struct device *d, const char *key, char full[static KEY_MAX])
{
    if (is_first(d))
        return key;
    snprintf(full, KEY_MAX, "DEVICE %s %s", d->name, key);
    return full;
}

const char *device_get(const struct credential *c, const struct device *d, const char *key,
                       size_t *len)
{
    char full[KEY_MAX];

    return credential_get(c, key_of(d, key, full), len);
}

int device_set(struct credential *c, const struct device *d, const char *key, const char *value)
{
    char full[KEY_MAX];

    return credential_set(c, key_of(d, key, full), value);
}

/* Whether `key` is one that a device may have: no other is passed over in its lines. */
static bool is_known(const char *key, size_t len)
{
    static const char *const known[] = {
        "ALGORITHM", "DIGITS",    "DISALLOW_REUSE", "HOTP_COUNTER", "RESETTING_TIME_SKEW",
        "SECRET",    "STEP_SIZE", "TIME_SKEW",      "WINDOW_SIZE",
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strlen(known[i]) == len && memcmp(known[i], key, len) == 0)
            return true;
    }
    return false;
}

/* The length of the name that a DEVICE line's value begins with, 0 where the line is malformed. */
static size_t device_line(const char *value)
{
    size_t len = strspn(value, name_characters);
    const char *key = value + len + 1;

    /* Just one blank before the name and behind it, or device_get() would not find the line. */
    if (len < 1 || len > DEVICE_NAME_MAX || value[len] != ' ' || value[-1] != ' ' ||
        value[-2] != 'E' || !is_known(key, strcspn(key, " \t\r\n")))
        return 0;
    return len;
}

static bool is_listed(const struct device *list, int count, const char *name, size_t len)
{
    for (int i = 0; i < count; i++) {
        if (strlen(list[i].name) == len && memcmp(list[i].name, name, len) == 0)
            return true;
    }
    return false;
}

int device_list(struct credential *c, struct device list[static DEVICES_MAX])
{
    static const char key[] = "DEVICE";
    size_t at = 0;
    size_t len;
    const char *value;
    int count = 1;

    list[0] = (struct device){DEVICE_FIRST};
    while ((value = credential_next(c, key, &at, &len)) != NULL) {
        size_t name_len = device_line(value);

        if (name_len == 0 || is_listed(list, 1, value, name_len))
            return credential_malformed(c, key);
        if (is_listed(list, count, value, name_len))
            continue;
        if (count == DEVICES_MAX)
            return credential_malformed(c, key);
        list[count] = (struct device){0};
        memcpy(list[count].name, value, name_len);
        count++;
    }
    return count;
}

ptrdiff_t device_secret(struct credential *c, const struct device *d,
                        uint8_t secret[static CREDENTIAL_SECRET_MAX])
{
    const char *text = c->text;
    size_t text_len = strcspn(c->text, "\n");
    ptrdiff_t len = BASE32_INVALID;

    if (!is_first(d))
        text = device_get(c, d, "SECRET", &text_len);
    if (text != NULL)
        len = base32_decode(text, text_len, secret, CREDENTIAL_SECRET_MAX);
    if (len >= 1)
        return len;
    explicit_bzero(secret, CREDENTIAL_SECRET_MAX);
    return credential_malformed(c, "secret");
}

bool device_is_time_based(const struct credential *c, const struct device *d)
{
    return !is_first(d) || strstr(c->text, "\" TOTP_AUTH") != NULL;
}

int64_t device_counter(struct credential *c, const struct device *d)
{
    static const char key[] = "HOTP_COUNTER";
    size_t len;
    const char *at = device_get(c, d, key, &len);
    int64_t counter;

    if (at == NULL || !credential_next_number(&at, at + len, &counter) || counter < 1)
        return 0;
    return counter < CREDENTIAL_NUMBER_MAX ? counter : credential_malformed(c, key);
}

/* An option that is one number from min to max. */
static int number_option(struct credential *c, const struct device *d, const char *key,
                         int fallback, int min, int max)
{
    size_t len;
    const char *at = device_get(c, d, key, &len);
    const char *end;
    int64_t number;

    if (at == NULL)
        return fallback;
    end = at + len;
    if (!credential_next_number(&at, end, &number) || (at < end && *at != ' ' && *at != '\t') ||
        number < min || number > max)
        return credential_malformed(c, key);
    return (int)number;
}

int device_step(struct credential *c, const struct device *d)
{
    return number_option(c, d, "STEP_SIZE", DEVICE_STEP_DEFAULT, 1, DEVICE_STEP_MAX);
}

int device_window(struct credential *c, const struct device *d)
{
    return number_option(c, d, "WINDOW_SIZE", DEVICE_WINDOW_DEFAULT, 1, DEVICE_WINDOW_MAX);
}

int device_digits(struct credential *c, const struct device *d)
{
    return number_option(c, d, "DIGITS", DEVICE_DIGITS_MIN, DEVICE_DIGITS_MIN, DEVICE_DIGITS_MAX);
}

int device_algorithm(struct credential *c, const struct device *d)
{
    static const char key[] = "ALGORITHM";
    static const char *const names[] = {
        [OTP_SHA1] = "SHA1", [OTP_SHA256] = "SHA256", [OTP_SHA512] = "SHA512"};
    size_t len;
    const char *name = device_get(c, d, key, &len);

    if (name == NULL)
        return OTP_SHA1;
    for (int i = OTP_SHA1; i <= OTP_SHA512; i++) {
        if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
            return i;
    }
    return credential_malformed(c, key);
}

int64_t device_skew(const struct credential *c, const struct device *d)
{
    size_t len;
    const char *at = device_get(c, d, "TIME_SKEW", &len);
    int64_t skew;

    return at != NULL && credential_next_number(&at, at + len, &skew) ? skew : 0;
}

int device_next_used_step(struct credential *c, const char **at, const char *end, int64_t *step)
{
    *at += strspn(*at, " \t");
    if (*at >= end)
        return 0;
    if (!credential_next_number(at, end, step) || (*at < end && **at != ' ' && **at != '\t'))
        return credential_malformed(c, "DISALLOW_REUSE");
    return 1;
}
