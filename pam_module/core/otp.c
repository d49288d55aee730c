#include "otp.h"

#include <string.h>

void otp_init(struct otp_key *key, enum otp_algorithm algorithm, const uint8_t *secret, size_t len)
{
    key->algorithm = algorithm;
    switch (algorithm) {
    case OTP_SHA1:
        hmac_sha1_set_key(&key->hmac.sha1, len, secret);
        break;
    case OTP_SHA256:
        hmac_sha256_set_key(&key->hmac.sha256, len, secret);
        break;
    case OTP_SHA512:
        hmac_sha512_set_key(&key->hmac.sha512, len, secret);
        break;
    }
}

void otp_wipe(struct otp_key *key)
{
    explicit_bzero(key, sizeof *key);
}

/* The HMAC of a message; returns its length. The key starts over from its kept state. */
static size_t hash_message(struct otp_key *key, const uint8_t message[static 8],
                           uint8_t hash[static SHA512_DIGEST_SIZE])
{
    switch (key->algorithm) {
    case OTP_SHA1:
        hmac_sha1_update(&key->hmac.sha1, 8, message);
        hmac_sha1_digest(&key->hmac.sha1, SHA1_DIGEST_SIZE, hash);
        return SHA1_DIGEST_SIZE;
    case OTP_SHA256:
        hmac_sha256_update(&key->hmac.sha256, 8, message);
        hmac_sha256_digest(&key->hmac.sha256, SHA256_DIGEST_SIZE, hash);
        return SHA256_DIGEST_SIZE;
    case OTP_SHA512:
    default:
        hmac_sha512_update(&key->hmac.sha512, 8, message);
        hmac_sha512_digest(&key->hmac.sha512, SHA512_DIGEST_SIZE, hash);
        return SHA512_DIGEST_SIZE;
    }
}

uint32_t otp_code(struct otp_key *key, uint64_t counter, unsigned digits)
{
    uint8_t message[8];
    uint8_t hash[SHA512_DIGEST_SIZE];
    uint32_t modulus = 1;
    uint32_t code;
    const uint8_t *chosen;
    size_t len;

    for (int i = 7; i >= 0; i--, counter >>= 8)
        message[i] = (uint8_t)counter;
    len = hash_message(key, message, hash);

    /* Dynamic truncation, RFC 4226 section 5.3. */
    chosen = hash + (hash[len - 1] & 0xf);
    code = (uint32_t)(chosen[0] & 0x7f) << 24 | (uint32_t)chosen[1] << 16 |
           (uint32_t)chosen[2] << 8 | chosen[3];
    explicit_bzero(hash, sizeof hash);
    while (digits-- > 0)
        modulus *= 10;
    return code % modulus;
}

int64_t otp_step_at(int64_t now, unsigned step)
{
    return now < 0 ? 0 : now / (int64_t)step;
}
