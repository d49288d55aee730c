/* Base32 (RFC 4648), as people type it and as phones show it. */
#ifndef DOORWARD_BASE32_H
#define DOORWARD_BASE32_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that `len` characters of base32 decode to, at most. */
#define BASE32_DECODED_MAX(len) ((len)*5 / 8)
/* Characters, without the final NUL, that `len` bytes encode to. */
#define BASE32_ENCODED_LEN(len) (((len)*8 + 4) / 5)

enum base32_error { BASE32_INVALID = -1, BASE32_TOO_LONG = -2 };

/*
 * Decodes text[0..len) into out[0..cap) and returns the number of bytes.
 *
 * Lenient as google-authenticator-libpam's base32.c: case does not matter; space, tab, CR, LF and
 * '-' are skipped; 0, 1 and 8 are read as O, L and B; bits left over at the end are dropped.
 * Any other character, '=' and '9' included, is BASE32_INVALID.
 */
ptrdiff_t base32_decode(const char *text, size_t len, uint8_t *out, size_t cap);

/*
 * Encodes data[0..len) without padding into out, which has room for cap characters and gets a
 * final NUL. Returns the number of characters, or BASE32_TOO_LONG.
 */
ptrdiff_t base32_encode(const uint8_t *data, size_t len, char *out, size_t cap);

#endif
