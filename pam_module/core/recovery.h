/*
 * Recovery codes, each good for one login without a device. There are two kinds:
 *
 * - eight digits on a line of their own, as google-authenticator-libpam has them, read up to the
 *   first other line that does not start with a quote;
 * - sixteen characters of base32 (80 bits), typed with dashes or without. The file has only their
 *   HMAC-SHA-256 by a random key, in base32: `" RECOVERY key hash hash…`
 */
#ifndef DOORWARD_RECOVERY_H
#define DOORWARD_RECOVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "credential.h"

enum {
    RECOVERY_DIGITS = 8,      /* of a code that is a number */
    RECOVERY_CHARACTERS = 16, /* of a code in base32 */
    RECOVERY_CODE_BYTES = RECOVERY_CHARACTERS * 5 / 8,
    RECOVERY_KEY_BYTES = 16,
    RECOVERY_HASHED_MAX = 50, /* codes that are kept hashed */
};

/*
 * Finds the next code of digits at or after `offset` (0 to start with): true, with where it begins
 * and where what follows it begins; false when there are no more, with *begin where reading ended.
 */
bool recovery_next_digits(const struct credential *c, size_t offset, size_t *begin, size_t *end,
                          int64_t *code);
/* Uses up a code of digits: 1, or 0 where the file has no such code. */
int recovery_use_digits(struct credential *c, uint32_t code);

/*
 * Reads the code in base32 that a reply ends in; a password may stand before it only with_prefix.
 * Dashes may stand between groups of four. Returns how many characters it takes, 0 for none.
 */
size_t recovery_read(const char *reply, bool with_prefix, uint8_t code[static RECOVERY_CODE_BYTES]);
/* Uses up a code in base32: 1, 0 where the file has no such code, or an enum credential_error. */
int recovery_use_hashed(struct credential *c, const uint8_t code[static RECOVERY_CODE_BYTES]);
/* How many codes are kept hashed, or CREDENTIAL_MALFORMED. */
int recovery_count_hashed(struct credential *c);

/*
 * Takes out all recovery codes, of both kinds, and puts in these: each eight digits, or each
 * sixteen characters of base32, NUL-terminated. `key` is RECOVERY_KEY_BYTES random ones; no key
 * means digits. Returns 0, CREDENTIAL_MALFORMED where a code is none or there are too many (then
 * nothing has changed), or CREDENTIAL_NO_MEMORY (then the credential must not be written).
 */
int recovery_set(struct credential *c, const char *const codes[], size_t count, const uint8_t *key);

#endif
