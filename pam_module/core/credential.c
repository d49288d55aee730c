#include "credential.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base32.h"

struct span {
    size_t begin;
    size_t end;
};

int credential_init(struct credential *c, const char *text, size_t len)
{
    *c = (struct credential){0};
    if (len < 1 || len > CREDENTIAL_FILE_MAX) {
        c->fault = "size";
        return CREDENTIAL_MALFORMED;
    }
    if (memchr(text, '\0', len) != NULL) {
        c->fault = "NUL byte";
        return CREDENTIAL_MALFORMED;
    }
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

static int malformed(struct credential *c, const char *fault)
{
    c->fault = fault;
    return CREDENTIAL_MALFORMED;
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

const char *credential_get(const struct credential *c, const char *key, size_t *len)
{
    struct span line;
    const char *value;

    if (!find_line(c, key, 0, &line))
        return NULL;
    value = c->text + line.begin + 2 + strlen(key);
    value += strspn(value, " \t");
    *len = strcspn(value, "\r\n");
    return value;
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

void credential_cut(struct credential *c, size_t begin, size_t end)
{
    size_t old_len = c->len;

    memmove(c->text + begin, c->text + end, c->len - end + 1);
    c->len -= end - begin;
    explicit_bzero(c->text + c->len, old_len - c->len);
    c->changed = true;
}

int credential_set(struct credential *c, const char *key, const char *value)
{
    struct span where;
    struct span duplicate;
    size_t size = strlen(key) + strlen(value) + sizeof "\n\"  \n";
    char *line = malloc(size);
    int line_len;
    int ret = CREDENTIAL_NO_MEMORY;

    if (line == NULL)
        return ret;
    if (!find_line(c, key, 0, &where))
        where.begin = where.end = next_line(c, 0);
    line_len =
        snprintf(line, size, "%s\" %s %s\n",
                 where.begin > 0 && !is_newline(c->text[where.begin - 1]) ? "\n" : "", key, value);
    if (line_len < 0 || (size_t)line_len >= size)
        goto out;
    ret = replace_span(c, where, line, (size_t)line_len);
    if (ret != 0)
        goto out;
    while (find_line(c, key, where.begin + (size_t)line_len, &duplicate))
        credential_cut(c, duplicate.begin, duplicate.end);
out:
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

ptrdiff_t credential_secret(struct credential *c, uint8_t secret[static CREDENTIAL_SECRET_MAX])
{
    ptrdiff_t len = base32_decode(c->text, strcspn(c->text, "\n"), secret, CREDENTIAL_SECRET_MAX);

    if (len < 1) {
        explicit_bzero(secret, CREDENTIAL_SECRET_MAX);
        return malformed(c, "secret");
    }
    return len;
}

bool credential_is_time_based(const struct credential *c)
{
    return strstr(c->text, "\" TOTP_AUTH") != NULL;
}

int64_t credential_counter(struct credential *c)
{
    size_t len;
    const char *at = credential_get(c, "HOTP_COUNTER", &len);
    int64_t counter;

    if (at == NULL || !credential_next_number(&at, at + len, &counter) || counter < 1)
        return 0;
    return counter < CREDENTIAL_NUMBER_MAX ? counter : malformed(c, "HOTP_COUNTER");
}

/* An option that is one number from 1 to max. */
static int number_option(struct credential *c, const char *key, int fallback, int max)
{
    size_t len;
    const char *at = credential_get(c, key, &len);
    const char *end;
    int64_t number;

    if (at == NULL)
        return fallback;
    end = at + len;
    if (!credential_next_number(&at, end, &number) || (at < end && !is_blank(*at)) || number < 1 ||
        number > max)
        return malformed(c, key);
    return (int)number;
}

int credential_step(struct credential *c)
{
    return number_option(c, "STEP_SIZE", CREDENTIAL_STEP_DEFAULT, CREDENTIAL_STEP_MAX);
}

int credential_window(struct credential *c)
{
    return number_option(c, "WINDOW_SIZE", CREDENTIAL_WINDOW_DEFAULT, CREDENTIAL_WINDOW_MAX);
}

int64_t credential_skew(const struct credential *c)
{
    size_t len;
    const char *at = credential_get(c, "TIME_SKEW", &len);
    int64_t skew;

    return at != NULL && credential_next_number(&at, at + len, &skew) ? skew : 0;
}

int credential_rate_limit(struct credential *c, struct rate_limit *limit)
{
    static const char key[] = "RATE_LIMIT";
    size_t len;
    const char *at = credential_get(c, key, &len);
    const char *end;
    int64_t attempts;
    int64_t seconds;

    if (at == NULL)
        return 0;
    end = at + len;
    if (!credential_next_number(&at, end, &attempts) || attempts < 1 ||
        attempts > RATE_LIMIT_ATTEMPTS_MAX || at == end || !is_blank(*at) ||
        !credential_next_number(&at, end, &seconds) || seconds < 1 ||
        seconds > RATE_LIMIT_SECONDS_MAX)
        return malformed(c, key);
    limit->attempts = (int)attempts;
    limit->seconds = (int)seconds;
    for (limit->count = 0; at < end; limit->count++) {
        if (!is_blank(*at) || limit->count == RATE_LIMIT_TIMES_MAX - 1 ||
            !credential_next_number(&at, end, &limit->times[limit->count]))
            return malformed(c, key);
    }
    return 1;
}

int credential_next_used_step(struct credential *c, const char **at, const char *end, int64_t *step)
{
    while (*at < end && is_blank(**at))
        ++*at;
    if (*at == end)
        return 0;
    if (!credential_next_number(at, end, step) || (*at < end && !is_blank(**at)))
        return malformed(c, "DISALLOW_REUSE");
    return 1;
}

bool credential_next_recovery(const struct credential *c, size_t offset, size_t *begin, size_t *end,
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
    if (!credential_next_number(&at, text_end, code) || (*at != '\0' && !is_newline(*at)) ||
        *code < 10000000 || *code > 99999999)
        return false;
    *end = (size_t)(at - c->text) + strspn(at, "\r\n");
    return true;
}

int credential_set_recovery(struct credential *c, const char *const codes[], size_t count)
{
    enum { LINE = RECOVERY_CODE_DIGITS + 1 };
    struct span where = {0};
    int64_t code;
    size_t at = 0;
    size_t size = count * LINE + 2;
    char *lines;
    int ret;

    while (credential_next_recovery(c, where.begin, &where.begin, &where.end, &code))
        credential_cut(c, where.begin, where.end);
    lines = malloc(size);
    if (lines == NULL)
        return CREDENTIAL_NO_MEMORY;
    if (where.begin > 0 && c->text[where.begin - 1] != '\n')
        lines[at++] = '\n';
    for (size_t i = 0; i < count; i++, at += LINE)
        snprintf(lines + at, size - at, "%.*s\n", RECOVERY_CODE_DIGITS, codes[i]);
    ret = replace_span(c, (struct span){where.begin, where.begin}, lines, at);
    explicit_bzero(lines, size);
    free(lines);
    return ret;
}
