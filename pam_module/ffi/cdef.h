/* The core as Python sees it, for cffi: declarations only, held against the headers by the build.
 */

ptrdiff_t base32_decode(const char *text, size_t len, uint8_t *out, size_t cap);
ptrdiff_t base32_encode(const uint8_t *data, size_t len, char *out, size_t cap);

struct otp_key {
    ...;
};
void otp_init(struct otp_key *key, const uint8_t *secret, size_t len);
void otp_wipe(struct otp_key *key);
uint32_t otp_code(struct otp_key *key, uint64_t counter, unsigned digits);

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
ptrdiff_t credential_secret(struct credential *c, uint8_t *secret);
bool credential_is_time_based(const struct credential *c);
int64_t credential_counter(struct credential *c);
int credential_step(struct credential *c);
int credential_window(struct credential *c);
int64_t credential_skew(const struct credential *c);
struct rate_limit {
    int attempts;
    int seconds;
    size_t count;
    int64_t times[...];
    ...;
};
int credential_rate_limit(struct credential *c, struct rate_limit *limit);
int credential_next_used_step(struct credential *c, const char **at, const char *end,
                              int64_t *step);
bool credential_next_recovery(const struct credential *c, size_t offset, size_t *begin, size_t *end,
                              int64_t *code);
int credential_set_recovery(struct credential *c, const char *const codes[], size_t count);

#define VERIFY_NO_MATCH ...
#define VERIFY_AS_ANY ...
struct verify_request {
    const char *reply;
    int64_t now;
    unsigned readings;
    bool with_prefix;
    bool learn_skew;
    ...;
};
struct verify_answer {
    size_t code_len;
    bool recovery;
    bool counter_missed;
    ...;
};
const char *verify_reason(int error);
int verify_rate_limit(struct credential *c, int64_t now);
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

int options_secret_path(const char *template, const char *user, const char *home, char *path,
                        size_t cap);
