#include "otp.h"

#include <nettle/sha1.h>
#include <string.h>

enum { MESSAGE_BYTES = 8, SHA1_WORDS = SHA1_DIGEST_SIZE / 4 };

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
    default: /* OTP_SHA512 */
        hmac_sha512_set_key(&key->hmac.sha512, len, secret);
        break;
    }
}

void otp_wipe(struct otp_key *key)
{
    explicit_bzero(key, sizeof *key);
}

/* The HMAC of a message; returns its length. The key starts over from its kept state. */
static size_t hash_message(struct otp_key *key, const uint8_t message[static MESSAGE_BYTES],
                           uint8_t hash[static SHA512_DIGEST_SIZE])
{
    switch (key->algorithm) {
    case OTP_SHA1:
        hmac_sha1_update(&key->hmac.sha1, MESSAGE_BYTES, message);
        hmac_sha1_digest(&key->hmac.sha1, SHA1_DIGEST_SIZE, hash);
        return SHA1_DIGEST_SIZE;
    case OTP_SHA256:
        hmac_sha256_update(&key->hmac.sha256, MESSAGE_BYTES, message);
        hmac_sha256_digest(&key->hmac.sha256, SHA256_DIGEST_SIZE, hash);
        return SHA256_DIGEST_SIZE;
    default: /* OTP_SHA512 */
        hmac_sha512_update(&key->hmac.sha512, MESSAGE_BYTES, message);
        hmac_sha512_digest(&key->hmac.sha512, SHA512_DIGEST_SIZE, hash);
        return SHA512_DIGEST_SIZE;
    }
}

static void write_be32(uint8_t out[static 4], uint32_t value)
{
    out[0] = (uint8_t)(value >> 24);
    out[1] = (uint8_t)(value >> 16);
    out[2] = (uint8_t)(value >> 8);
    out[3] = (uint8_t)value;
}

static void write_be64(uint8_t out[static 8], uint64_t value)
{
    write_be32(out, (uint32_t)(value >> 32));
    write_be32(out + 4, (uint32_t)value);
}

/* Dynamic truncation, RFC 4226 section 5.3. */
static uint32_t truncate_hash(const uint8_t *hash, size_t len, uint32_t modulus)
{
    const uint8_t *chosen = hash + (hash[len - 1] & 0xf);
    uint32_t number = (uint32_t)(chosen[0] & 0x7f) << 24 | (uint32_t)chosen[1] << 16 |
                      (uint32_t)chosen[2] << 8 | chosen[3];

    return number % modulus;
}

static uint32_t power_of_ten(unsigned digits)
{
    uint32_t power = 1;

    while (digits-- > 0)
        power *= 10;
    return power;
}

uint32_t otp_code(struct otp_key *key, uint64_t counter, unsigned digits)
{
    uint8_t message[MESSAGE_BYTES];
    uint8_t hash[SHA512_DIGEST_SIZE];
    uint32_t code;
    size_t len;

    write_be64(message, counter);
    len = hash_message(key, message, hash);
    code = truncate_hash(hash, len, power_of_ten(digits));
    explicit_bzero(hash, sizeof hash);
    return code;
}

/*
 * An HMAC-SHA-1's second block, padded: FIPS 180-4, section 5.1.1. The first block is the key, of
 * which nettle keeps what it comes to.
 */
static void pad(uint8_t block[static SHA1_BLOCK_SIZE], size_t len)
{
    memset(block + len, 0, SHA1_BLOCK_SIZE - len);
    block[len] = 0x80;
    write_be64(block + SHA1_BLOCK_SIZE - 8, (SHA1_BLOCK_SIZE + len) * 8);
}

/* All blocks of one kind are written before they are hashed: a processor need not wait for them. */
static void sha1_codes(const struct hmac_sha1_ctx *key, uint64_t first, uint32_t modulus,
                       uint32_t codes[static OTP_BATCH])
{
    uint32_t state[OTP_BATCH][SHA1_WORDS];
    uint8_t block[OTP_BATCH][SHA1_BLOCK_SIZE];

    for (size_t i = 0; i < OTP_BATCH; i++) {
        write_be64(block[i], first + i);
        pad(block[i], MESSAGE_BYTES);
        memcpy(state[i], key->inner.state, sizeof state[i]);
    }
    for (size_t i = 0; i < OTP_BATCH; i++)
        nettle_sha1_compress(state[i], block[i]);
    for (size_t i = 0; i < OTP_BATCH; i++) {
        for (size_t word = 0; word < SHA1_WORDS; word++)
            write_be32(block[i] + 4 * word, state[i][word]);
        pad(block[i], SHA1_DIGEST_SIZE);
        memcpy(state[i], key->outer.state, sizeof state[i]);
    }
    for (size_t i = 0; i < OTP_BATCH; i++)
        nettle_sha1_compress(state[i], block[i]);
    for (size_t i = 0; i < OTP_BATCH; i++) {
        for (size_t word = 0; word < SHA1_WORDS; word++)
            write_be32(block[i] + 4 * word, state[i][word]);
        codes[i] = truncate_hash(block[i], SHA1_DIGEST_SIZE, modulus);
    }
    explicit_bzero(state, sizeof state);
    explicit_bzero(block, sizeof block);
}

void otp_codes(struct otp_key *key, uint64_t first, unsigned digits,
               uint32_t codes[static OTP_BATCH])
{
    if (key->algorithm == OTP_SHA1) {
        sha1_codes(&key->hmac.sha1, first, power_of_ten(digits), codes);
        return;
    }
    for (size_t i = 0; i < OTP_BATCH; i++)
        codes[i] = otp_code(key, first + i, digits);
}

int64_t otp_step_at(int64_t now, unsigned step)
{
    return now < 0 ? 0 : now / (int64_t)step;
}
