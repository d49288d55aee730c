/*
 * A user's devices in the secret file, each with its own secret, settings and used codes.
 *
 * The first is the file's own: its secret is line 1, its options are the file's, so that
 * google-authenticator-libpam knows it too. Every other one has a name, and the same keys with
 * `DEVICE name ` before them, which that one ignores:
 *
 *     " DEVICE tablet SECRET JBSWY3DPEHPK3PXP
 *     " DEVICE tablet DISALLOW_REUSE 59000000
 */
#ifndef DOORWARD_DEVICE_H
#define DOORWARD_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "credential.h"
#include "otp.h"

enum {
    DEVICES_MAX = 16, /* the first one too */
    DEVICE_NAME_MAX = 32,
    DEVICE_STEP_DEFAULT = 30,
    DEVICE_STEP_MAX = 60,
    DEVICE_WINDOW_DEFAULT = 3,
    DEVICE_WINDOW_MAX = 100,
    DEVICE_DIGITS_MIN = 6,
    DEVICE_DIGITS_MAX = 8,
};

/* How the file's own device is called where it must have a name; no other one can. */
#define DEVICE_FIRST "main"

struct device {
    char name[DEVICE_NAME_MAX + 1]; /* DEVICE_FIRST, or letters, digits and `._-` */
};

/* Lists the devices, the file's own one first. Returns how many, or CREDENTIAL_MALFORMED. */
int device_list(struct credential *c, struct device list[static DEVICES_MAX]);

/* credential_get() and credential_set() for a device's own keys. */
const char *device_get(const struct credential *c, const struct device *d, const char *key,
                       size_t *len);
int device_set(struct credential *c, const struct device *d, const char *key, const char *value);

/* Decodes its secret; returns the length (at least 1), or CREDENTIAL_MALFORMED. */
ptrdiff_t device_secret(struct credential *c, const struct device *d,
                        uint8_t secret[static CREDENTIAL_SECRET_MAX]);
/*
 * Whether its codes come from the time, unless it has a counter: the file's own one where the file
 * says TOTP_AUTH anywhere, any other one always.
 */
bool device_is_time_based(const struct credential *c, const struct device *d);
/* HOTP_COUNTER: a counter above 0, 0 where there is none, CREDENTIAL_MALFORMED where it is full. */
int64_t device_counter(struct credential *c, const struct device *d);
/* STEP_SIZE in seconds, 1 to DEVICE_STEP_MAX, or CREDENTIAL_MALFORMED. */
int device_step(struct credential *c, const struct device *d);
/* WINDOW_SIZE in steps, 1 to DEVICE_WINDOW_MAX, or CREDENTIAL_MALFORMED. */
int device_window(struct credential *c, const struct device *d);
/* DIGITS of a code, DEVICE_DIGITS_MIN (where it says nothing) to _MAX, or CREDENTIAL_MALFORMED. */
int device_digits(struct credential *c, const struct device *d);
/* ALGORITHM: an enum otp_algorithm, OTP_SHA1 where it says nothing, or CREDENTIAL_MALFORMED. */
int device_algorithm(struct credential *c, const struct device *d);
/* TIME_SKEW: how many steps the phone's clock is ahead of ours; 0 where it says nothing. */
int64_t device_skew(const struct credential *c, const struct device *d);

/*
 * Reads on in a DISALLOW_REUSE value, which lists the steps whose codes are used up: 1 with the
 * next step and *at behind it, 0 at the end, CREDENTIAL_MALFORMED at anything but a number.
 */
int device_next_used_step(struct credential *c, const char **at, const char *end, int64_t *step);

#endif
