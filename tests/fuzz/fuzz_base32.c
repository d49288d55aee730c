/*
 * Invariant: decoding reads and writes within bounds; what it decodes, encoded and decoded again,
 * is the same bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "../../pam_module/core/base32.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t cap = BASE32_DECODED_MAX(size);
    uint8_t *decoded = malloc(cap + 1);
    uint8_t *again = malloc(cap + 1);
    char *text = malloc(BASE32_ENCODED_LEN(cap) + 1);
    ptrdiff_t len;
    ptrdiff_t text_len;

    if (decoded == NULL || again == NULL || text == NULL)
        abort();
    len = base32_decode((const char *)data, size, decoded, cap);
    if (len >= 0) {
        text_len = base32_encode(decoded, (size_t)len, text, BASE32_ENCODED_LEN(cap) + 1);
        if (text_len < 0 || base32_decode(text, (size_t)text_len, again, cap) != len ||
            memcmp(decoded, again, (size_t)len) != 0)
            abort();
    }
    free(text);
    free(again);
    free(decoded);
    return 0;
}
