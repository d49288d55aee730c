/* One-time codes: HOTP (RFC 4226); TOTP (RFC 6238) is HOTP over a step number. */
#ifndef DOORWARD_OTP_H
#define DOORWARD_OTP_H

#include <nettle/hmac.h>
#include <stddef.h>
#include <stdint.h>

enum otp_algorithm { OTP_SHA1, OTP_SHA256, OTP_SHA512 };

/*
 * A secret made ready: nettle keeps the HMAC's inner and outer state, so that each further code
 * costs two blocks of the hash and no set-up. It is as secret as the secret: otp_wipe() it.
 */
struct otp_key {
    enum otp_algorithm algorithm;
    union {
        struct hmac_sha1_ctx sha1;
        struct hmac_sha256_ctx sha256;
        struct hmac_sha512_ctx sha512;
    } hmac;
};

void otp_init(struct otp_key *key, enum otp_algorithm algorithm, const uint8_t *secret, size_t len);
void otp_wipe(struct otp_key *key);

/* The code of that many digits (1 to 9) for a counter, as a number: 0 <= code < 10^digits. */
uint32_t otp_code(struct otp_key *key, uint64_t counter, unsigned digits);

enum { OTP_BATCH = 8 };
/* The codes for OTP_BATCH counters in a row, each as otp_code() has it; with SHA-1 much faster. */
void otp_codes(struct otp_key *key, uint64_t first, unsigned digits,
               uint32_t codes[static OTP_BATCH]);

/* The step (of `step` > 0 seconds) that a time lies in; times before 1970 count as 1970. */
int64_t otp_step_at(int64_t now, unsigned step);

#endif
