#include "recovery.h"

#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base32.h"

enum {
    HASH_BYTES = SHA256_DIGEST_SIZE,
    WORD_MAX = BASE32_ENCODED_LEN(HASH_BYTES) + 1, /* with a blank */
    VALUE_MAX = BASE32_ENCODED_LEN(RECOVERY_KEY_BYTES) + RECOVERY_HASHED_MAX * WORD_MAX + 1,
};

static const char key_name[] = "RECOVERY";

bool recovery_next_digits(const struct credential *c, size_t offset, size_t *begin, size_t *end,
                          int64_t *code)
{
    const char *text_end = c->text + c->len;
    const char *at;

    if (offset == 0)
        offset = strcspn(c->text, "\n");
    for (;;) {
        offset += strspn(c->text + offset, "\r\n");
        if (c->text[offset] != '"')
            break;
        offset += strcspn(c->text + offset, "\n");
    }
    *begin = offset;
    at = c->text + offset;
    if (!credential_next_number(&at, text_end, code) ||
        (*at != '\0' && strchr("\r\n", *at) == NULL) || *code < 10000000 || *code > 99999999)
        return false;
    *end = (size_t)(at - c->text) + strspn(at, "\r\n");
    return true;
}

int recovery_use_digits(struct credential *c, uint32_t typed)
{
    size_t begin;
    size_t end;
    int64_t code;

    for (size_t at = 0; recovery_next_digits(c, at, &begin, &end, &code); at = end) {
        if (code == typed) {
            credential_cut(c, begin, end);
            return 1;
        }
    }
    return 0;
}

size_t recovery_read(const char *reply, bool with_prefix, uint8_t code[static RECOVERY_CODE_BYTES])
{
    char text[RECOVERY_CHARACTERS];
    const char *at = reply + strlen(reply);
    const char *end = at;
    size_t missing = RECOVERY_CHARACTERS;
    ptrdiff_t len = BASE32_INVALID;

    while (at > reply && missing > 0) {
        at--;
        if (*at != '-')
            text[--missing] = *at;
        else if (missing % 4 != 0 || missing == RECOVERY_CHARACTERS)
            break; /* dashes stand between groups of four */
    }
    if (missing == 0 && (at == reply || with_prefix))
        len = base32_decode(text, sizeof text, code, RECOVERY_CODE_BYTES);
    explicit_bzero(text, sizeof text);
    return len == RECOVERY_CODE_BYTES ? (size_t)(end - at) : 0;
}

static void hash_code(const uint8_t key[static RECOVERY_KEY_BYTES],
                      const uint8_t code[static RECOVERY_CODE_BYTES],
                      uint8_t hash[static HASH_BYTES])
{
    struct hmac_sha256_ctx hmac;

    hmac_sha256_set_key(&hmac, RECOVERY_KEY_BYTES, key);
    hmac_sha256_update(&hmac, RECOVERY_CODE_BYTES, code);
    hmac_sha256_digest(&hmac, HASH_BYTES, hash);
    explicit_bzero(&hmac, sizeof hmac);
}

/* Decodes the value's next word, of `size` bytes: 1, 0 at the end, or CREDENTIAL_MALFORMED. */
static int next_word(struct credential *c, const char **at, const char *end, uint8_t *out,
                     size_t size)
{
    const char *word = *at + strspn(*at, " \t");

    *at = word + strcspn(word, " \t\r\n");
    if (word >= end)
        return 0;
    if (base32_decode(word, (size_t)(*at - word), out, size) != (ptrdiff_t)size)
        return credential_malformed(c, key_name);
    return 1;
}

int recovery_use_hashed(struct credential *c, const uint8_t code[static RECOVERY_CODE_BYTES])
{
    uint8_t key[RECOVERY_KEY_BYTES];
    uint8_t wanted[HASH_BYTES];
    uint8_t hash[HASH_BYTES];
    size_t len;
    const char *at = credential_get(c, key_name, &len);
    const char *end;
    size_t begin = 0;
    size_t behind = 0;
    int more;

    if (at == NULL)
        return 0;
    end = at + len;
    if (next_word(c, &at, end, key, sizeof key) != 1)
        return credential_malformed(c, key_name);
    hash_code(key, code, wanted);
    for (;;) {
        const char *before = at;

        more = next_word(c, &at, end, hash, sizeof hash);
        if (more != 1)
            break;
        if (memeql_sec(hash, wanted, sizeof hash)) {
            begin = (size_t)(before - c->text);
            behind = (size_t)(at - c->text);
        }
    }
    explicit_bzero(wanted, sizeof wanted);
    if (more == 0 && behind > 0) {
        credential_cut(c, begin, behind);
        return 1;
    }
    return more;
}

int recovery_count_hashed(struct credential *c)
{
    uint8_t word[HASH_BYTES];
    size_t len;
    const char *at = credential_get(c, key_name, &len);
    const char *end;
    int count = 0;
    int more;

    if (at == NULL)
        return 0;
    end = at + len;
    if (next_word(c, &at, end, word, RECOVERY_KEY_BYTES) != 1)
        return credential_malformed(c, key_name);
    while ((more = next_word(c, &at, end, word, sizeof word)) == 1)
        count++;
    return more == 0 ? count : more;
}

/* A newline, and the lines of codes of digits, malloc()ed. */
static char *lines_of_digits(const char *const codes[], size_t count, size_t *len)
{
    enum { LINE = RECOVERY_DIGITS + 1 };
    char *lines = malloc(1 + count * LINE + 1);

    if (lines == NULL)
        return NULL;
    lines[0] = '\n';
    *len = 1;
    for (size_t i = 0; i < count; i++, *len += LINE)
        snprintf(lines + *len, LINE + 1, "%.*s\n", RECOVERY_DIGITS, codes[i]);
    return lines;
}

/* The value of RECOVERY for codes in base32; false where one is none, or there are too many. */
static bool value_of_hashes(const char *const codes[], size_t count,
                            const uint8_t key[static RECOVERY_KEY_BYTES],
                            char value[static VALUE_MAX])
{
    uint8_t code[RECOVERY_CODE_BYTES];
    uint8_t hash[HASH_BYTES];
    size_t len = (size_t)base32_encode(key, RECOVERY_KEY_BYTES, value, VALUE_MAX);
    bool good = count <= RECOVERY_HASHED_MAX;

    for (size_t i = 0; good && i < count; i++) {
        good = recovery_read(codes[i], false, code) > 0;
        hash_code(key, code, hash);
        value[len++] = ' ';
        len += (size_t)base32_encode(hash, sizeof hash, value + len, VALUE_MAX - len);
    }
    explicit_bzero(code, sizeof code);
    return good;
}

static void cut_digits(struct credential *c, size_t *where)
{
    size_t end;
    int64_t code;

    while (recovery_next_digits(c, 0, where, &end, &code))
        credential_cut(c, *where, end);
}

static int set_hashed(struct credential *c, const char *const codes[], size_t count,
                      const uint8_t key[static RECOVERY_KEY_BYTES])
{
    char value[VALUE_MAX];
    size_t where;

    if (!value_of_hashes(codes, count, key, value))
        return credential_malformed(c, key_name);
    cut_digits(c, &where);
    return credential_set(c, key_name, value);
}

static int set_digits(struct credential *c, const char *const codes[], size_t count)
{
    size_t len;
    size_t where;
    size_t skipped; /* the newline, where they begin a line as it is */
    char *lines = lines_of_digits(codes, count, &len);
    int ret;

    if (lines == NULL)
        return CREDENTIAL_NO_MEMORY;
    credential_unset(c, key_name);
    cut_digits(c, &where);
    skipped = where == 0 || c->text[where - 1] == '\n';
    ret = credential_insert(c, where, lines + skipped, len - skipped);
    explicit_bzero(lines, len);
    free(lines);
    return ret;
}

int recovery_set(struct credential *c, const char *const codes[], size_t count, const uint8_t *key)
{
    return key != NULL ? set_hashed(c, codes, count, key) : set_digits(c, codes, count);
}
