/* The core as Python sees it, for cffi: declarations only, held against the headers by the build.
 */

ptrdiff_t base32_decode(const char *text, size_t len, uint8_t *out, size_t cap);
ptrdiff_t base32_encode(const uint8_t *data, size_t len, char *out, size_t cap);

struct otp_key {
    ...;
};
enum otp_algorithm { OTP_SHA1, OTP_SHA256, OTP_SHA512 };
void otp_init(struct otp_key *key, enum otp_algorithm algorithm, const uint8_t *secret, size_t len);
void otp_wipe(struct otp_key *key);
uint32_t otp_code(struct otp_key *key, uint64_t counter, unsigned digits);
#define OTP_BATCH ...
void otp_codes(struct otp_key *key, uint64_t first, unsigned digits, uint32_t *codes);

#define CREDENTIAL_SECRET_MAX ...
#define CREDENTIAL_NO_MEMORY ...
struct credential {
    char *text;
    size_t len;
    bool changed;
    const char *fault;
    ...;
};
int credential_init(struct credential *c, const char *text, size_t len);
void credential_wipe(struct credential *c);
const char *credential_get(const struct credential *c, const char *key, size_t *len);
int credential_set(struct credential *c, const char *key, const char *value);
void credential_unset(struct credential *c, const char *key);

#define DEVICES_MAX ...
#define DEVICE_NAME_MAX ...
#define DEVICE_STEP_DEFAULT ...
#define DEVICE_WINDOW_DEFAULT ...
#define DEVICE_DIGITS_MIN ...
static const char *const DEVICE_FIRST;
struct device {
    char name[...];
    ...;
};
int device_list(struct credential *c, struct device *list);
const char *device_get(const struct credential *c, const struct device *d, const char *key,
                       size_t *len);
ptrdiff_t device_secret(struct credential *c, const struct device *d, uint8_t *secret);
bool device_is_time_based(const struct credential *c, const struct device *d);
int64_t device_counter(struct credential *c, const struct device *d);
int device_step(struct credential *c, const struct device *d);
int device_window(struct credential *c, const struct device *d);
int device_digits(struct credential *c, const struct device *d);
int device_algorithm(struct credential *c, const struct device *d);
int64_t device_skew(const struct credential *c, const struct device *d);
int device_next_used_step(struct credential *c, const char **at, const char *end, int64_t *step);

struct rate {
    int attempts;
    int seconds;
};
struct rate_limit {
    struct rate rate;
    size_t count;
    int64_t times[...];
    ...;
};
int rate_limit_read(struct credential *c, struct rate_limit *limit);
int rate_limit_count(struct credential *c, const struct rate *required, int64_t now, bool *reached);

#define RECOVERY_CODE_BYTES ...
#define RECOVERY_KEY_BYTES ...
bool recovery_next_digits(const struct credential *c, size_t offset, size_t *begin, size_t *end,
                          int64_t *code);
int recovery_count_hashed(struct credential *c);
int recovery_set(struct credential *c, const char *const codes[], size_t count, const uint8_t *key);

#define VERIFY_NO_MATCH ...
#define VERIFY_RATE_LIMITED ...
#define VERIFY_AS_ANY ...
struct verify_request {
    const char *reply;
    int64_t now;
    unsigned readings;
    bool with_prefix;
    bool learn_skew;
    bool disallow_reuse;
    ...;
};
struct verify_answer {
    size_t code_len;
    bool recovery;
    struct device device;
    bool counter_missed;
    ...;
};
const char *verify_reason(int error);
int verify_reply(struct credential *c, const struct verify_request *request,
                 struct verify_answer *answer);
int verify_advance_counter(struct credential *c);

#define ACCESS_NO_MEMBER ...
#define ACCESS_MEMBER ...
#define ACCESS_NO_GROUP ...
#define ACCESS_NOT_KNOWN ...
extern "Python" int group_membership(const void *context, const char *group);
struct access_login {
    const char *user;
    const char *host;
    int (*membership)(const void *context, const char *group);
    const void *context;
    ...;
};
struct access_problem {
    unsigned line;
    const char *what;
    ...;
};
bool access_skips(const char *text, size_t len, const struct access_login *login,
                  struct access_problem *problem);

struct options {
    const char *secret;
    const char *user;
    const char *access_file;
    unsigned allowed_perm;
    bool strict_owner;
    const char *nullok_until;
    int64_t nullok_end;
    ...;
};
int options_parse(struct options *options, int argc, const char **argv);
bool options_pass_unenrolled(const struct options *options, int64_t now, int64_t built);
int options_secret_path(const char *template, const char *user, const char *home, char *path,
                        size_t cap);
