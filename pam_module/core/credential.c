#include "credential.h"

#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct span {
    size_t begin;
    size_t end;
};

int credential_malformed(struct credential *c, const char *fault)
{
    c->fault = fault;
    return CREDENTIAL_MALFORMED;
}

int credential_init(struct credential *c, const char *text, size_t len)
{
    *c = (struct credential){0};
    if (len < 1 || len > CREDENTIAL_FILE_MAX)
        return credential_malformed(c, "size");
    if (memchr(text, '\0', len) != NULL)
        return credential_malformed(c, "NUL byte");
    c->text = malloc(len + 1);
    if (c->text == NULL)
        return CREDENTIAL_NO_MEMORY;
    memcpy(c->text, text, len);
    c->text[len] = '\0';
    c->len = len;
    return 0;
}

void credential_wipe(struct credential *c)
{
    if (c->text != NULL) {
        explicit_bzero(c->text, c->len);
        free(c->text);
    }
    *c = (struct credential){0};
}

static bool is_newline(char c)
{
    return c == '\n' || c == '\r';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The start of the line after the one at `at`; empty lines belong to the line before them. */
static size_t next_line(const struct credential *c, size_t at)
{
    at += strcspn(c->text + at, "\r\n");
    return at + strspn(c->text + at, "\r\n");
}

/* The first `" KEY` line that starts at `from` or later, with the line ends that follow it. */
static bool find_line(const struct credential *c, const char *key, size_t from, struct span *line)
{
    size_t key_len = strlen(key);

    for (size_t at = from; at < c->len; at = next_line(c, at)) {
        const char *text = c->text + at;

        if (text[0] != '"' || text[1] != ' ' || strncmp(text + 2, key, key_len) != 0)
            continue;
        text += 2 + key_len;
        if (*text == '\0' || is_blank(*text) || is_newline(*text)) {
            *line = (struct span){at, next_line(c, at)};
            return true;
        }
    }
    return false;
}

const char *credential_next(const struct credential *c, const char *key, size_t *at, size_t *len)
{
    struct span line;
    const char *value;

    if (!find_line(c, key, *at, &line))
        return NULL;
    *at = line.end;
    value = c->text + line.begin + 2 + strlen(key);
    value += strspn(value, " \t");
    *len = strcspn(value, "\r\n");
    return value;
}

const char *credential_get(const struct credential *c, const char *key, size_t *len)
{
    size_t at = 0;

    return credential_next(c, key, &at, len);
}

/* Puts `with` in the place of text[where): the old text is wiped, never realloc()ed. */
static int replace_span(struct credential *c, struct span where, const char *with, size_t with_len)
{
    size_t tail_len = c->len - where.end;
    size_t len = where.begin + with_len + tail_len;
    char *text = malloc(len + 1);

    if (text == NULL)
        return CREDENTIAL_NO_MEMORY;
    memcpy(text, c->text, where.begin);
    memcpy(text + where.begin, with, with_len);
    memcpy(text + where.begin + with_len, c->text + where.end, tail_len + 1);
    explicit_bzero(c->text, c->len);
    free(c->text);
    c->text = text;
    c->len = len;
    c->changed = true;
    return 0;
}

int credential_insert(struct credential *c, size_t at, const char *with, size_t len)
{
    return replace_span(c, (struct span){at, at}, with, len);
}

void credential_cut(struct credential *c, size_t begin, size_t end)
{
    size_t old_len = c->len;

    memmove(c->text + begin, c->text + end, c->len - end + 1);
    c->len -= end - begin;
    explicit_bzero(c->text + c->len, old_len - c->len);
    c->changed = true;
}

/* Takes out the `" KEY` lines that start at `from` or later. */
static void cut_lines(struct credential *c, const char *key, size_t from)
{
    struct span line;

    while (find_line(c, key, from, &line))
        credential_cut(c, line.begin, line.end);
}

void credential_unset(struct credential *c, const char *key)
{
    cut_lines(c, key, 0);
}

int credential_set(struct credential *c, const char *key, const char *value)
{
    struct span where;
    size_t size = strlen(key) + strlen(value) + sizeof "\n\"  \n";
    char *line = malloc(size);
    size_t line_len;
    int ret = CREDENTIAL_NO_MEMORY;

    if (line == NULL)
        return ret;
    if (!find_line(c, key, 0, &where))
        where.begin = where.end = next_line(c, 0);
    line_len = (size_t)snprintf(
        line, size, "%s\" %s %s\n",
        where.begin > 0 && !is_newline(c->text[where.begin - 1]) ? "\n" : "", key, value);
    if (line_len < size)
        ret = replace_span(c, where, line, line_len);
    if (ret == 0)
        cut_lines(c, key, where.begin + line_len);
    explicit_bzero(line, size);
    free(line);
    return ret;
}

bool credential_next_number(const char **at, const char *end, int64_t *value)
{
    const char *p = *at;
    bool negative;
    int64_t number = 0;

    while (p < end && is_blank(*p))
        p++;
    negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (p == end || *p < '0' || *p > '9')
        return false;
    for (; p < end && *p >= '0' && *p <= '9'; p++) {
        if (number < CREDENTIAL_NUMBER_MAX / 10)
            number = number * 10 + (*p - '0');
        else
            number = CREDENTIAL_NUMBER_MAX;
    }
    *value = negative ? -number : number;
    *at = p;
    return true;
}

void credential_fingerprint(const char *text, size_t len,
                            char out[static CREDENTIAL_FINGERPRINT_LEN + 1])
{
    struct sha256_ctx hash;
    uint8_t digest[CREDENTIAL_FINGERPRINT_LEN / 2];

    sha256_init(&hash);
    sha256_update(&hash, len, (const uint8_t *)text);
    sha256_digest(&hash, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(out + 2 * i, 3, "%02x", (unsigned)digest[i]);
    explicit_bzero(&hash, sizeof hash);
}
