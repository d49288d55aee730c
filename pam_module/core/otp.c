#include "otp.h"

#include <string.h>

void otp_init(struct otp_key *key, const uint8_t *secret, size_t len)
{
    hmac_sha1_set_key(&key->hmac, len, secret);
}

void otp_wipe(struct otp_key *key)
{
    explicit_bzero(key, sizeof *key);
}

uint32_t otp_code(struct otp_key *key, uint64_t counter, unsigned digits)
{
    uint8_t message[8];
    uint8_t hash[SHA1_DIGEST_SIZE];
    uint32_t modulus = 1;
    uint32_t code;
    const uint8_t *chosen;

    for (int i = 7; i >= 0; i--, counter >>= 8)
        message[i] = (uint8_t)counter;
    hmac_sha1_update(&key->hmac, sizeof message, message);
    hmac_sha1_digest(&key->hmac, sizeof hash, hash); /* and starts over from the kept state */

    /* Dynamic truncation, RFC 4226 section 5.3. */
    chosen = hash + (hash[sizeof hash - 1] & 0xf);
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
