/*
 * The secret file as bytes: what it says, and how it changes.
 *
 * The format is google-authenticator-libpam's. Line 1 is the secret in base32. A line of the form
 * `" KEY value` is an option; the first of several with one KEY counts. A line of eight digits is
 * a recovery code; they are read up to the first other line that does not start with a quote.
 * Whatever is not changed stays byte for byte.
 */
#ifndef DOORWARD_CREDENTIAL_H
#define DOORWARD_CREDENTIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CREDENTIAL_FILE_MAX = 64 * 1024,
    CREDENTIAL_SECRET_MAX = 1024,
    CREDENTIAL_STEP_DEFAULT = 30,
    CREDENTIAL_STEP_MAX = 60,
    CREDENTIAL_WINDOW_DEFAULT = 3,
    CREDENTIAL_WINDOW_MAX = 100,
    RATE_LIMIT_ATTEMPTS_MAX = 100,
    RATE_LIMIT_SECONDS_MAX = 3600,
    RATE_LIMIT_TIMES_MAX = 1024,
    RECOVERY_CODE_DIGITS = 8,
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

/* Takes a copy of a file's content. Refuses what is empty, too large or holds a NUL. */
int credential_init(struct credential *c, const char *text, size_t len);
/* Wipes and frees; a zeroed struct is fine, and so is a second time. */
void credential_wipe(struct credential *c);

/* The value of the first `" KEY` line and its length (it is not NUL-terminated), or NULL. */
const char *credential_get(const struct credential *c, const char *key, size_t *len);
/*
 * Replaces the first `" KEY` line and drops its duplicates; a new key goes right after line 1.
 * Returns 0 or CREDENTIAL_NO_MEMORY, and then nothing has changed.
 */
int credential_set(struct credential *c, const char *key, const char *value);

/*
 * The numbers of a value, one after the other. Reads blanks, a sign and digits from *at, but never
 * past `end`; moves *at behind them. False where no number stands. Values are cut off at
 * +-CREDENTIAL_NUMBER_MAX.
 */
bool credential_next_number(const char **at, const char *end, int64_t *value);

/* Decodes line 1; returns the length (at least 1), or CREDENTIAL_MALFORMED. */
ptrdiff_t credential_secret(struct credential *c, uint8_t secret[static CREDENTIAL_SECRET_MAX]);
/* Whether the file says TOTP_AUTH anywhere; a counter, if there is one, goes before it. */
bool credential_is_time_based(const struct credential *c);
/* HOTP_COUNTER: a counter above 0, 0 where there is none, CREDENTIAL_MALFORMED where it is full. */
int64_t credential_counter(struct credential *c);
/* STEP_SIZE in seconds, 1 to CREDENTIAL_STEP_MAX, or CREDENTIAL_MALFORMED. */
int credential_step(struct credential *c);
/* WINDOW_SIZE in steps, 1 to CREDENTIAL_WINDOW_MAX, or CREDENTIAL_MALFORMED. */
int credential_window(struct credential *c);
/* TIME_SKEW: how many steps the phone's clock is ahead of ours; 0 where it says nothing. */
int64_t credential_skew(const struct credential *c);

struct rate_limit {
    int attempts; /* per */
    int seconds;
    size_t count;
    int64_t times[RATE_LIMIT_TIMES_MAX]; /* Unix time, as listed; there is room for one more */
};
/* RATE_LIMIT: 1 where there is one, 0 where not, or CREDENTIAL_MALFORMED. */
int credential_rate_limit(struct credential *c, struct rate_limit *limit);

/*
 * Reads on in a DISALLOW_REUSE value, which lists the steps whose codes are used up: 1 with the
 * next step and *at behind it, 0 at the end, CREDENTIAL_MALFORMED at anything but a number.
 */
int credential_next_used_step(struct credential *c, const char **at, const char *end,
                              int64_t *step);

/*
 * Finds the next recovery code at or after `offset` (0 to start with): true, with where it begins
 * and where what follows it begins; false when there are no more, with *begin where reading ended.
 */
bool credential_next_recovery(const struct credential *c, size_t offset, size_t *begin, size_t *end,
                              int64_t *code);
/* Takes out text[begin..end). */
void credential_cut(struct credential *c, size_t begin, size_t end);
/*
 * Takes out all recovery codes and puts in these (each eight digits, NUL-terminated), where they
 * will be read. Returns 0 or CREDENTIAL_NO_MEMORY.
 */
int credential_set_recovery(struct credential *c, const char *const codes[], size_t count);

#endif
