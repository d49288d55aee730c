#include "options.h"

#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX_DIGITS = 10, SECONDS_OF_DAY = 24 * 60 * 60 };

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Reads a number that is all there is to the text. Source of what is allowed: strtol(3)'s digits.
 */
static bool whole_number(const char *text, int base, long max, long *number)
{
    size_t digits = strspn(text, base == 8 ? "01234567" : "0123456789");

    if (digits == 0 || digits > NUMBER_MAX_DIGITS || text[digits] != '\0')
        return false;
    *number = strtol(text, NULL, base);
    return *number <= max;
}

/* The value of `name=value`, or NULL where arg is not that. `name` ends with '='. */
static const char *value_of(const char *arg, const char *name)
{
    size_t len = strlen(name);

    return strncmp(arg, name, len) == 0 ? arg + len : NULL;
}

/* Reads digits up to `end`, which may be the final NUL, and moves *text behind it. */
static bool number_until(const char **text, char end, size_t digits_max, int *number)
{
    size_t digits = strspn(*text, "0123456789");

    if (digits == 0 || digits > digits_max || (*text)[digits] != end)
        return false;
    *number = atoi(*text);
    *text += digits + (end != '\0');
    return true;
}

/* `N/SECONDS`, as a RATE_LIMIT line may say it. */
static bool read_rate(const char *text, struct rate *rate)
{
    return number_until(&text, '/', 3, &rate->attempts) &&
           number_until(&text, '\0', 4, &rate->seconds) && rate->attempts >= 1 &&
           rate->attempts <= RATE_ATTEMPTS_MAX && rate->seconds >= 1 &&
           rate->seconds <= RATE_SECONDS_MAX;
}

/* `YYYY-MM-DD`: a day of the Gregorian calendar from 1970 on, and when it is over in UTC. */
static bool read_day(const char *text, int64_t *end)
{
    static const int days_of_month[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year;
    int month;
    int day;
    int64_t days = 0;

    if (strlen(text) != sizeof "YYYY-MM-DD" - 1 || !number_until(&text, '-', 4, &year) ||
        !number_until(&text, '-', 2, &month) || !number_until(&text, '\0', 2, &day) ||
        year < 1970 || month < 1 || month > 12 || day < 1)
        return false;
    for (int i = 1970; i < year; i++)
        days += 365 + is_leap(i);
    for (int i = 1; i < month; i++)
        days += days_of_month[i - 1] + (i == 2 && is_leap(year));
    *end = (days + day) * SECONDS_OF_DAY;
    return day <= days_of_month[month - 1] + (month == 2 && is_leap(year));
}

static bool read_option(struct options *o, const char *arg)
{
    const struct {
        const char *name;
        bool *flag;
        bool value;
    } flags[] = {
        {"nullok", &o->nullok, true},
        {"forward_pass", &o->forward_pass, true},
        {"echo_verification_code", &o->echo, true},
        {"echo-verification-code", &o->echo, true},
        {"no_strict_owner", &o->strict_owner, false},
        {"noskewadj", &o->learn_skew, false},
        {"no_increment_hotp", &o->increment_hotp, false},
        {"disallow_reuse", &o->disallow_reuse, true},
        {"allow_readonly", &o->allow_readonly, true},
        {"debug", &o->debug, true},
    };
    const struct {
        const char *name;
        const char **text;
    } texts[] = {
        {"secret=", &o->secret},
        {"user=", &o->user},
        {"authtok_prompt=", &o->prompt},
    };
    const char *value;
    long number;

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (strcmp(arg, flags[i].name) == 0) {
            *flags[i].flag = flags[i].value;
            return true;
        }
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        value = value_of(arg, texts[i].name);
        if (value != NULL) {
            *texts[i].text = value;
            return true;
        }
    }
    if (strcmp(arg, "try_first_pass") == 0) {
        o->pass = PASS_TRY_FIRST;
        return true;
    }
    if (strcmp(arg, "use_first_pass") == 0) {
        o->pass = PASS_USE_FIRST;
        return true;
    }
    if ((value = value_of(arg, "accessfile=")) != NULL) {
        o->access_file = value;
        return value[0] == '/';
    }
    if ((value = value_of(arg, "require_rate_limit=")) != NULL)
        return read_rate(value, &o->required_rate);
    if ((value = value_of(arg, "nullok_until=")) != NULL) {
        o->nullok_until = value;
        return read_day(value, &o->nullok_end);
    }
    if ((value = value_of(arg, "allowed_perm=")) != NULL) {
        if (!whole_number(value, 8, 07777, &number) || number == 0)
            return false;
        o->allowed_perm = (unsigned)number;
        return true;
    }
    if ((value = value_of(arg, "grace_period=")) != NULL) {
        if (!whole_number(value, 10, INT32_MAX, &number))
            return false;
        o->grace_period = number;
        return true;
    }
    return false;
}

int options_parse(struct options *options, int argc, const char **argv)
{
    *options = (struct options){
        .secret = "~/.google_authenticator",
        .allowed_perm = 0600,
        .strict_owner = true,
        .learn_skew = true,
        .increment_hotp = true,
    };
    for (int i = 0; i < argc; i++) {
        if (!read_option(options, argv[i]))
            return i;
    }
    if (options->prompt == NULL)
        options->prompt =
            options->forward_pass ? "Password & verification code: " : "Verification code: ";
    return -1;
}

bool options_pass_unenrolled(const struct options *options, int64_t now, int64_t built)
{
    if (options->nullok_until == NULL)
        return options->nullok;
    return now >= built && now < options->nullok_end;
}

bool options_user_is_safe(const char *user)
{
    if (user[0] == '\0' || strcmp(user, ".") == 0 || strcmp(user, "..") == 0)
        return false;
    for (const char *p = user; *p != '\0'; p++) {
        if (*p == '/' || (unsigned char)*p < 0x20 || *p == 0x7f)
            return false;
    }
    return true;
}

int options_secret_path(const char *template, const char *user, const char *home, char *path,
                        size_t cap)
{
    size_t len = 0;
    bool tilde = true; /* may a `~` stand here? */

    if (!options_user_is_safe(user))
        return OPTIONS_BAD_USER;
    if (home != NULL && home[0] != '/')
        home = NULL;
    while (*template != '\0') {
        const char *with = template;
        size_t with_len = 1;
        size_t read = 1;
        bool literal = false;

        if (strncmp(template, "${USER}", 7) == 0) {
            with = user;
            read = 7;
        } else if (strncmp(template, "${HOME}", 7) == 0) {
            with = home;
            read = 7;
        } else if (*template == '~' && tilde) {
            with = home;
        } else {
            literal = true;
        }
        if (with == NULL)
            return OPTIONS_NO_HOME;
        if (!literal)
            with_len = strlen(with);
        tilde = literal && *template == '/';
        if (with_len >= cap - len)
            return OPTIONS_TOO_LONG;
        memcpy(path + len, with, with_len);
        len += with_len;
        template += read;
    }
    if (len >= cap)
        return OPTIONS_TOO_LONG;
    path[len] = '\0';
    return 0;
}
