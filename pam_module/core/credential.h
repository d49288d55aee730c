/*
 * The secret file as text: lines, options, numbers, and how they change.
 *
 * The format is google-authenticator-libpam's. Line 1 is the secret in base32. A line of the form
 * `" KEY value` is an option; the first of several with one KEY counts. What the options mean is in
 * device.h, rate_limit.h, recovery.h and grace.h. Whatever is not changed stays byte for byte.
 */
#ifndef DOORWARD_CREDENTIAL_H
#define DOORWARD_CREDENTIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CREDENTIAL_FILE_MAX = 64 * 1024,
    CREDENTIAL_SECRET_MAX = 1024,
    CREDENTIAL_FINGERPRINT_LEN = 32,
};

/* No number of a file is read as larger than this, so that sums of a few cannot overflow. */
#define CREDENTIAL_NUMBER_MAX (INT64_C(1) << 60)

enum credential_error {
    CREDENTIAL_MALFORMED = -1, /* credential.fault names the part */
    CREDENTIAL_NO_MEMORY = -2,
};

struct credential {
    char *text; /* the file, NUL-terminated; owned */
    size_t len;
    bool changed;      /* text differs from what was read */
    const char *fault; /* after CREDENTIAL_MALFORMED: which part, a static string */
};

/* Says that a part is not as it must be: keeps the static string, returns CREDENTIAL_MALFORMED. */
int credential_malformed(struct credential *c, const char *fault);

/* Takes a copy of a file's content. Refuses what is empty, too large or holds a NUL. */
int credential_init(struct credential *c, const char *text, size_t len);
/* Wipes and frees; a zeroed struct is fine, and so is a second time. */
void credential_wipe(struct credential *c);

/* The value of the first `" KEY` line and its length (it is not NUL-terminated), or NULL. */
const char *credential_get(const struct credential *c, const char *key, size_t *len);
/* The same for the first such line at or after *at (0 to start with), which is moved behind it. */
const char *credential_next(const struct credential *c, const char *key, size_t *at, size_t *len);
/*
 * Replaces the first `" KEY` line and drops its duplicates; a new key goes right after line 1.
 * Returns 0 or CREDENTIAL_NO_MEMORY, and then nothing has changed.
 */
int credential_set(struct credential *c, const char *key, const char *value);
/* Takes out all lines whose key is this, or begins with it and a blank: `DEVICE name`, say. */
void credential_unset(struct credential *c, const char *key);

/*
 * The numbers of a value, one after the other. Reads blanks, a sign and digits from *at, but never
 * past `end`; moves *at behind them. False where no number stands. Values are cut off at
 * +-CREDENTIAL_NUMBER_MAX.
 */
bool credential_next_number(const char **at, const char *end, int64_t *value);

/* Takes out text[begin..end). */
void credential_cut(struct credential *c, size_t begin, size_t end);
/* Puts with[0..len) in at text[at]. Returns 0 or CREDENTIAL_NO_MEMORY, and nothing has changed. */
int credential_insert(struct credential *c, size_t at, const char *with, size_t len);

/* A short name for a text, the same for the same text: hexadecimal digits of its SHA-256. */
void credential_fingerprint(const char *text, size_t len,
                            char out[static CREDENTIAL_FINGERPRINT_LEN + 1]);

#endif
