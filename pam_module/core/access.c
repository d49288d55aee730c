#include "access.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

enum {
    TOKEN_MAX = 256, /* characters of a word, and the final NUL */
    ADDRESS_BITS = 128,
    IPV4_OFFSET = 96, /* where the bits of an IPv4-mapped address begin */
};

/* An address, IPv4 as ::ffff:a.b.c.d. */
struct address {
    uint8_t bytes[16];
    bool ipv4;
};

/* A piece of the text. */
struct piece {
    const char *at;
    size_t len;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct piece trim(struct piece p)
{
    while (p.len > 0 && is_blank(p.at[0])) {
        p.at++;
        p.len--;
    }
    while (p.len > 0 && (is_blank(p.at[p.len - 1]) || p.at[p.len - 1] == '\r'))
        p.len--;
    return p;
}

/* Takes what stands before the first `separator` off `rest`; false where there is none. */
static bool take_field(struct piece *rest, char separator, struct piece *field)
{
    const char *found = memchr(rest->at, separator, rest->len);

    if (found == NULL)
        return false;
    *field = (struct piece){rest->at, (size_t)(found - rest->at)};
    rest->at = found + 1;
    rest->len -= field->len + 1;
    return true;
}

/* Takes the next word of a list, NUL-terminated; false at the end. One too long comes out empty. */
static bool take_word(struct piece *list, char word[static TOKEN_MAX])
{
    size_t len = 0;

    while (list->len > 0 && (is_blank(*list->at) || *list->at == ',')) {
        list->at++;
        list->len--;
    }
    while (len < list->len && !is_blank(list->at[len]) && list->at[len] != ',')
        len++;
    if (len == 0)
        return false;
    word[0] = '\0';
    if (len < TOKEN_MAX) {
        memcpy(word, list->at, len);
        word[len] = '\0';
    }
    list->at += len;
    list->len -= len;
    return true;
}

static bool read_address(const char *text, struct address *address)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (inet_pton(AF_INET, text, address->bytes + sizeof mapped) == 1) {
        memcpy(address->bytes, mapped, sizeof mapped);
        address->ipv4 = true;
        return true;
    }
    if (inet_pton(AF_INET6, text, address->bytes) != 1)
        return false;
    address->ipv4 = memcmp(address->bytes, mapped, sizeof mapped) == 0;
    return true;
}

/* Reads `address` or `address/bits`; bits come out counted in an IPv6 address. */
static bool read_network(const char *word, struct address *address, unsigned *bits)
{
    char text[TOKEN_MAX];
    const char *slash = strchr(word, '/');
    size_t len = slash != NULL ? (size_t)(slash - word) : strlen(word);
    unsigned offset;

    memcpy(text, word, len);
    text[len] = '\0';
    if (!read_address(text, address))
        return false;
    *bits = ADDRESS_BITS;
    if (slash == NULL)
        return true;
    slash++;
    len = strspn(slash, "0123456789");
    if (len < 1 || len > 3 || slash[len] != '\0' || (slash[0] == '0' && len > 1))
        return false;
    offset = strchr(text, ':') == NULL ? IPV4_OFFSET : 0;
    *bits = offset;
    for (unsigned n = 0; *slash != '\0'; slash++) {
        n = n * 10 + (unsigned)(*slash - '0');
        *bits = offset + n;
    }
    return *bits <= ADDRESS_BITS;
}

static bool in_network(const struct address *a, const struct address *network, unsigned bits)
{
    size_t whole = bits / 8;
    unsigned rest = bits % 8;

    if (a->ipv4 && bits < IPV4_OFFSET)
        return false; /* ::/0 and the like are about IPv6 */
    if (memcmp(a->bytes, network->bytes, whole) != 0)
        return false;
    return rest == 0 || (a->bytes[whole] ^ network->bytes[whole]) >> (8 - rest) == 0;
}

/*
 * Whether a word of a list matches a login. What is wrong with the word, or keeps it from being
 * decided on, comes out in `problem`; with login NULL only the former is looked for.
 */
typedef bool word_matcher(const char *word, const struct access_login *login, const char **problem);

static bool group_matches(const char *group, bool must_exist, const struct access_login *login,
                          const char **problem)
{
    int membership = login->membership(login->context, group);

    if (membership == ACCESS_MEMBER)
        return true;
    if (membership == ACCESS_NO_GROUP && must_exist)
        *problem = "there is no such (group)";
    else if (membership == ACCESS_NOT_KNOWN)
        *problem = "a group cannot be looked up at present";
    return false;
}

static bool user_matches(const char *word, const struct access_login *login, const char **problem)
{
    char group[TOKEN_MAX];
    size_t len = strlen(word);

    if (strcasecmp(word, "ALL") == 0)
        return true;
    if (strchr(word, '@') != NULL || strspn(word, "0123456789") == len) {
        *problem = "numbers, netgroups and user@host are not supported: name users and groups";
        return false;
    }
    if (word[0] == '(' && len > 2 && strcspn(word + 1, "()#") == len - 2 && word[len - 1] == ')') {
        memcpy(group, word + 1, len - 2);
        group[len - 2] = '\0';
        return login != NULL && group_matches(group, true, login, problem);
    }
    if (strpbrk(word, "()#") != NULL) {
        *problem = "not a user, a group or a (group); comments stand on lines of their own";
        return false;
    }
    /* Users in either case, as pam_access has it: a `-` line must not be dodged. */
    return login != NULL &&
           (strcasecmp(word, login->user) == 0 || group_matches(word, false, login, problem));
}

static bool origin_matches(const char *word, const struct access_login *login, const char **problem)
{
    const char *host = login != NULL ? login->host : "";
    struct address network;
    struct address address;
    unsigned bits;

    if (strcasecmp(word, "ALL") == 0)
        return true;
    if (strcasecmp(word, "LOCAL") == 0)
        return host[0] == '\0';
    if (!read_network(word, &network, &bits)) {
        *problem = "an origin is ALL, LOCAL, an address, or a network such as 10.0.0.0/8; no "
                   "names, no terminals, and comments stand on lines of their own";
        return false;
    }
    if (host[0] == '\0')
        return false;
    if (!read_address(host, &address)) {
        *problem = "the remote host is known by a name, and this is about addresses";
        return false;
    }
    return in_network(&address, &network, bits);
}

/*
 * Whether a list matches. `a EXCEPT b EXCEPT c` is a, but not (b, but not c): it matches where an
 * odd number of its parts, from the first one on, match without a gap. All words are looked at,
 * so that none that is wrong goes unseen; login is NULL where only that matters.
 */
static bool list_matches(struct piece list, word_matcher *matches, const struct access_login *login,
                         const char **problem)
{
    char word[TOKEN_MAX];
    unsigned parts_matching = 0;
    bool gap = login == NULL;
    bool more = true;

    while (more) {
        bool part = false;
        size_t words = 0;

        while ((more = take_word(&list, word)) && strcasecmp(word, "EXCEPT") != 0) {
            if (word[0] == '\0')
                *problem = "a word is too long";
            else if (matches(word, part || gap ? NULL : login, problem))
                part = true;
            words++;
        }
        if (words == 0)
            *problem = "a list, or what stands after EXCEPT, is empty";
        gap = gap || !part;
        parts_matching += gap ? 0 : 1;
    }
    return parts_matching % 2 == 1;
}

/* Whether a line matches; with login NULL only whether it is well-formed. */
static bool line_matches(struct piece line, const struct access_login *login, bool *skips,
                         const char **problem)
{
    struct piece permission;
    struct piece users;
    bool user;
    bool origin;

    if (!take_field(&line, ':', &permission) || !take_field(&line, ':', &users)) {
        *problem = "three fields are needed: permission : users : origins";
        return false;
    }
    permission = trim(permission);
    if (permission.len != 1 || (*permission.at != '+' && *permission.at != '-')) {
        *problem = "the first field is + or -";
        return false;
    }
    *skips = *permission.at == '+';
    user = list_matches(trim(users), user_matches, login, problem);
    origin = list_matches(trim(line), origin_matches, user ? login : NULL, problem);
    return user && origin;
}

bool access_skips(const char *text, size_t len, const struct access_login *login,
                  struct access_problem *problem)
{
    struct piece rest = {text, len};
    bool decided = false;
    bool skips = false;

    *problem = (struct access_problem){0};
    for (unsigned number = 1; rest.len > 0; number++) {
        const char *what = NULL;
        struct piece line;
        bool line_skips = false;
        bool matches = false;

        if (!take_field(&rest, '\n', &line)) {
            line = rest; /* a last line without its newline counts */
            rest.len = 0;
        }
        if (memchr(line.at, '\0', line.len) != NULL)
            what = "a NUL byte";
        else if (trim(line).len == 0 || line.at[0] == '#')
            continue;
        else if (is_blank(line.at[0]))
            what = "a blank before the first field";
        else
            matches = line_matches(line, decided ? NULL : login, &line_skips, &what);
        if (what != NULL) {
            *problem = (struct access_problem){number, what};
            return false;
        }
        if (matches) { /* which nothing does any more once it is decided */
            decided = true;
            skips = line_skips;
        }
    }
    return skips;
}
