/*
 * Whether a reply opens the door, decided on a credential and a time. What a decision changes in
 * the file (a code used up, an attempt counted) is changed in the credential; the caller writes it.
 */
#ifndef DOORWARD_VERIFY_H
#define DOORWARD_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "credential.h"

enum {
    VERIFY_CODE_DIGITS = 6,
    VERIFY_SKEW_REACH = 1500, /* how many steps off a phone's clock may be to be learned */
    VERIFY_HOST_MAX = 255,    /* characters of a host name, RFC 1035 */
};

/* All but VERIFY_NO_MATCH are final: no other reading of the reply may be tried after them. */
enum verify_error {
    VERIFY_NO_MATCH = -1,     /* not a code, or not the right one */
    VERIFY_REUSED = -2,       /* the right code, but used before */
    VERIFY_CLOCK_OFF = -3,    /* a right code of another time: kept, to learn the skew */
    VERIFY_RATE_LIMITED = -4, /* too many attempts */
    VERIFY_MALFORMED = -5,    /* the file; credential.fault names the part */
    VERIFY_NO_MEMORY = -6,
    VERIFY_CLOCK_UNSET = -7, /* the time is in the first step of 1970 */
};

/* What the reason is called in the log: one word, a static string. */
const char *verify_reason(int error);

/* Counts an attempt at `now` (Unix time) and checks the rate limit, if the file has one. */
int verify_rate_limit(struct credential *c, int64_t now);

/* How a reply may be read. */
enum verify_reading {
    VERIFY_AS_CODE = 1,     /* its last six digits as a code */
    VERIFY_AS_RECOVERY = 2, /* its last eight digits as a recovery code */
    VERIFY_AS_ANY = VERIFY_AS_CODE | VERIFY_AS_RECOVERY,
};

struct verify_request {
    const char *reply;
    int64_t now;       /* Unix time */
    unsigned readings; /* of enum verify_reading */
    bool with_prefix;  /* a password may stand before the code */
    bool learn_skew;   /* search nearby steps, and remember how far the phone's clock is off */
};

struct verify_answer {
    size_t code_len;     /* where accepted: how many characters at the reply's end were the code */
    bool recovery;       /* a recovery code, not one of the phone's */
    bool counter_missed; /* a well-formed code did not fit the counter: see the next function */
};

/*
 * Checks a reply: its last six digits as a code, then its last eight as a recovery code.
 * Returns 0 where it opens the door, else an enum verify_error. `answer` is zeroed by the caller
 * once a login; counter_missed stays from one reply to the next until one fits.
 */
int verify_reply(struct credential *c, const struct verify_request *request,
                 struct verify_answer *answer);

/* Whether a reply ends in what could be a code, be it the right one or not. */
bool verify_is_code(const char *reply);

/* Moves HOTP_COUNTER on by one, as a wrong code must, or guesses would be free. */
int verify_advance_counter(struct credential *c);

/* Whether a login from `host` is on record that is at most `grace` seconds old. */
bool verify_within_grace(const struct credential *c, const char *host, int64_t now, int64_t grace);
/* Records a login from `host` in a LASTn line. A host that is not a plain word is not recorded. */
int verify_remember_host(struct credential *c, const char *host, int64_t now);

#endif
