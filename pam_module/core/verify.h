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
#include "device.h"

enum {
    VERIFY_SKEW_REACH = 1500, /* how many steps off a phone's clock may be to be learned */
};

/* Beside enum credential_error. All but VERIFY_NO_MATCH are final. */
enum verify_error {
    VERIFY_NO_MATCH = -11,     /* not a code, or not the right one */
    VERIFY_REUSED = -12,       /* the right code, but used before */
    VERIFY_CLOCK_OFF = -13,    /* a right code of another time: kept, to learn the skew */
    VERIFY_RATE_LIMITED = -14, /* too many attempts: what the caller says of rate_limit_count() */
    VERIFY_CLOCK_UNSET = -15,  /* the time is in the first step of 1970 */
};

/* What the reason is called in the log: one word, a static string. */
const char *verify_reason(int error);

/* How a reply may be read. */
enum verify_reading {
    VERIFY_AS_CODE = 1,     /* its end as a code of one of the devices */
    VERIFY_AS_RECOVERY = 2, /* its end as a recovery code */
    VERIFY_AS_ANY = VERIFY_AS_CODE | VERIFY_AS_RECOVERY,
};

struct verify_request {
    const char *reply;
    int64_t now;         /* Unix time */
    unsigned readings;   /* of enum verify_reading */
    bool with_prefix;    /* a password may stand before the code */
    bool learn_skew;     /* search nearby steps, and remember how far the phone's clock is off */
    bool disallow_reuse; /* of a time-based code, also where the file allows it */
};

struct verify_answer {
    size_t code_len;      /* where accepted: how many characters at the reply's end were the code */
    bool recovery;        /* a recovery code, and not one of a device's, */
    struct device device; /* which is this one */
    bool counter_missed;  /* a well-formed code did not fit a counter: see the next function */
};

/*
 * Checks a reply. Its end is read in this order, and what is accepted first counts:
 *
 * 1. as a code of each device, in the file's order, by as many digits as that one has;
 * 2. as a recovery code of eight digits;
 * 3. as a recovery code of sixteen characters of base32, with dashes or without;
 * 4. as a code of a device whose clock is off, to learn by how much.
 *
 * A code is good for one device and one login: where it fits several devices, it is used up on all
 * of them, and refused if any of them has used it. Returns 0 where it opens the door, else an enum
 * verify_error or credential_error. `answer` is zeroed by the caller once a login; counter_missed
 * stays from one reply to the next until one fits.
 */
int verify_reply(struct credential *c, const struct verify_request *request,
                 struct verify_answer *answer);

/*
 * Computes what a wrong code costs with a default file, for who has none, so that the time taken
 * does not tell them apart.
 */
void verify_pretend(const struct verify_request *request);

/* Whether a reply ends in what could be a code, be it the right one or not. */
bool verify_is_code(const char *reply);

/*
 * Moves HOTP_COUNTER on by one, as a wrong code does with google-authenticator-libpam. Where there
 * are several devices nothing moves: a code mistyped for one would put another out of step for
 * good.
 */
int verify_advance_counter(struct credential *c);

#endif
