#include "base32.h"

/* The five bits of a character; -1 where it has none, -2 where it is to be skipped. */
static int character_value(char c)
{
    switch (c) {
    case ' ':
    case '\t':
    case '\r':
    case '\n':
    case '-':
        return -2;
    case '0':
        c = 'O';
        break;
    case '1':
        c = 'L';
        break;
    case '8':
        c = 'B';
        break;
    default:
        break;
    }
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a';
    if (c >= '2' && c <= '7')
        return c - '2' + 26;
    return -1;
}

ptrdiff_t base32_decode(const char *text, size_t len, uint8_t *out, size_t cap)
{
    uint32_t bits = 0;
    unsigned held = 0;
    size_t count = 0;

    for (size_t i = 0; i < len; i++) {
        int value = character_value(text[i]);

        if (value == -2)
            continue;
        if (value < 0)
            return BASE32_INVALID;
        bits = (bits << 5 | (uint32_t)value) & 0xfff;
        held += 5;
        if (held >= 8) {
            if (count == cap)
                return BASE32_TOO_LONG;
            held -= 8;
            out[count++] = (uint8_t)(bits >> held);
        }
    }
    return (ptrdiff_t)count;
}

ptrdiff_t base32_encode(const uint8_t *data, size_t len, char *out, size_t cap)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint32_t bits = 0;
    unsigned held = 0;
    size_t count = 0;

    if (len > (SIZE_MAX - 4) / 8 || cap <= BASE32_ENCODED_LEN(len))
        return BASE32_TOO_LONG;
    for (size_t i = 0; i < len; i++) {
        bits = (bits << 8 | data[i]) & 0xfff;
        for (held += 8; held >= 5; held -= 5)
            out[count++] = alphabet[bits >> (held - 5) & 31];
    }
    if (held > 0)
        out[count++] = alphabet[bits << (5 - held) & 31];
    out[count] = '\0';
    return (ptrdiff_t)count;
}
