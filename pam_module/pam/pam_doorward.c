/*
 * pam_doorward.so: asks for a one-time code at login.
 *
 * A login goes through these steps: the arguments; the access file; where the secret file is and
 * with whose rights; a first look at it; the reply, from PAM_AUTHTOK or a prompt; the decision.
 * Nothing is locked while somebody types: the decision reads the file anew under its lock. What is
 * not decided otherwise is a refusal.
 */
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <security/pam_modutil.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "../core/access.h"
#include "../core/credential.h"
#include "../core/grace.h"
#include "../core/options.h"
#include "../core/rate_limit.h"
#include "../core/verify.h"
#include "membership.h"
#include "proof.h"
#include "shield.h"
#include "store.h"
#include "visit.h"

enum {
    LOG_NAME_MAX = 256,
    LOG_DETAIL_MAX = 256,
};

/* Beside the errors of visit.h and verify.h; why is in login.reason already. */
enum { NOT_FORWARDED = -301, NO_SHIELD = -302 };

/* A login from its first line to its verdict. */
struct login {
    pam_handle_t *pamh;
    bool silent; /* PAM_SILENT */
    struct options options;
    const char *user;             /* who wants in, as it was typed */
    const struct passwd *account; /* theirs; NULL: there is none */
    const char *host;             /* PAM_RHOST, "" where there is none */
    const char *service;          /* PAM_SERVICE */
    struct place place;           /* of the secret file */
    struct visit visit;           /* to it */
    bool limited;                 /* the file had a rate limit when it was looked at */
    bool counted;                 /* this login is in it already */
    struct verify_answer answer;
    const char *reason;          /* for the log: one word */
    char detail[LOG_DETAIL_MAX]; /* and our own words on it, or "" */
};

/* What is known of the secret file before anybody is asked for a code. */
enum look {
    LOOK_ASK,    /* whatever is wrong with it: the prompt must not tell */
    LOOK_ABSENT, /* there is none: nullok may let them pass */
    LOOK_GRACE,  /* let in: the same host logged in a moment ago */
    LOOK_REFUSE, /* refuse without a prompt: too many attempts, or nobody knows how many */
    LOOK_BROKEN, /* refuse, and touch nothing any more */
};

/* --- The log --- */

/* Writes a name as it may stand in a log: letters, digits, `._@-` and `also`; the rest as \xHH. */
static const char *loggable(const char *name, const char *also, char out[static LOG_NAME_MAX])
{
    static const char plain[] = "0123456789abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ._@-";
    size_t len = 0;

    for (; *name != '\0' && len + sizeof "\\xHH" <= LOG_NAME_MAX; name++) {
        if (strchr(plain, *name) != NULL || strchr(also, *name) != NULL)
            out[len++] = *name;
        else
            len += (size_t)snprintf(out + len, LOG_NAME_MAX - len, "\\x%02x",
                                    (unsigned)(unsigned char)*name);
    }
    out[len] = '\0';
    return out;
}

/* The one line that says what came of a login. People and fail2ban read it: see README. */
static void log_result(const struct login *l, int priority, const char *result)
{
    char host[LOG_NAME_MAX];
    char user[LOG_NAME_MAX];
    char service[LOG_NAME_MAX];

    pam_syslog(l->pamh, priority, "rhost=%s user=%s service=%s result=%s reason=%s device=%s%s%s",
               loggable(l->host, ":%", host), loggable(l->user, "", user),
               loggable(l->service, "", service), result, l->reason, l->answer.device.name,
               l->detail[0] != '\0' ? " detail=" : "", l->detail);
}

/* Keeps why a login came out as it did: a word, and what more there is to say, or "". */
static void because(struct login *l, const char *reason, const char *detail)
{
    l->reason = reason;
    snprintf(l->detail, sizeof l->detail, "%s", detail);
}

/* Keeps why a look at the secret file or at a reply came out as it did. */
static void because_of(struct login *l, int error)
{
    switch (error) {
    case VISIT_NO_FILE:
        break;
    case NO_SHIELD:
        because(l, "internal-error", "signals or user ids cannot be set");
        break;
    case VISIT_STUCK:
        because(l, "internal-error", "the rights of before cannot be had back");
        break;
    case STORE_MISSING:
        because(l, "not-enrolled", "there is no secret file");
        break;
    case STORE_UNSAFE:
        because(l, "secret-file-unsafe", l->visit.store.fault);
        break;
    case STORE_BUSY:
        because(l, "secret-file-busy", "somebody else keeps it locked");
        break;
    case STORE_REPLACED:
        because(l, "secret-file-error", "somebody replaced it meanwhile");
        break;
    case STORE_CANNOT_LOCK:
        because(l, "secret-file-error", "it cannot be locked, nor anything in its place");
        break;
    case STORE_FAILED:
        l->reason = "secret-file-error";
        snprintf(l->detail, sizeof l->detail, "%s: %s", l->visit.store.fault,
                 strerror(l->visit.store.error_number));
        break;
    case CREDENTIAL_MALFORMED:
        because(l, verify_reason(error), l->visit.credential.fault);
        break;
    default:
        because(l, verify_reason(error), "");
        break;
    }
}

/* --- The secret file --- */

static int64_t time_now(void)
{
    struct timespec now;

    return clock_gettime(CLOCK_REALTIME, &now) == 0 ? (int64_t)now.tv_sec : 0;
}

static bool in_grace(const struct login *l, struct credential *c)
{
    const struct device first = {DEVICE_FIRST};
    uint8_t secret[CREDENTIAL_SECRET_MAX];
    bool readable;

    if (l->options.grace_period == 0)
        return false;
    readable = device_secret(c, &first, secret) > 0;
    explicit_bzero(secret, sizeof secret);
    return readable && grace_covers(c, l->host, time_now(), l->options.grace_period);
}

/* Counts this login in the rate limit, once. */
static int count(struct login *l, struct credential *c)
{
    bool reached = false;
    int ret = 0;

    if (!l->counted)
        ret = rate_limit_count(c, &l->options.required_rate, time_now(), &reached);
    if (ret == 0 && reached)
        ret = VERIFY_RATE_LIMITED;
    return ret;
}

/* Looks at the file as it is now, without a lock. */
static enum look look_at_file(struct login *l)
{
    enum look look = LOOK_ASK;
    int ret = visit_look(&l->visit, &l->place);

    l->limited = ret != STORE_MISSING && ret != VISIT_NO_FILE; /* perhaps, where it is not known */
    if (ret == STORE_MISSING) {
        look = LOOK_ABSENT;
    } else if (ret == VISIT_STUCK) {
        because_of(l, ret);
        look = LOOK_BROKEN;
    } else if (ret == 0 && in_grace(l, &l->visit.credential)) {
        look = LOOK_GRACE;
    } else if (ret == 0) {
        if (count(l, &l->visit.credential) != 0)
            look = LOOK_REFUSE;
        l->limited =
            l->visit.credential.changed; /* where there is a limit, it counted in this copy */
    }
    visit_pause(&l->visit);
    return look;
}

/* --- The decision --- */

/* A reply and how to take it; text is "" where there is none, which counts as an attempt too. */
struct reply {
    const char *text;
    unsigned readings; /* of enum verify_reading */
    bool with_prefix;  /* a password may stand before the code */
    bool last;         /* of this login's */
};

/* Puts this login on record in the rate limit, also where that refuses it. */
static int count_attempt(struct login *l)
{
    int ret = visit_enter(&l->visit, &l->place);
    int saved = 0;

    if (ret == 0) {
        ret = count(l, &l->visit.credential);
        saved = visit_save(&l->visit, &l->place);
        l->counted = saved == 0;
    }
    if (saved != 0)
        ret = saved;
    if (ret != 0)
        because_of(l, ret);
    visit_leave(&l->visit);
    return ret;
}

static struct verify_request request_of(const struct login *l, const struct reply *reply)
{
    return (struct verify_request){
        .reply = reply->text,
        .now = time_now(),
        .readings = reply->readings,
        .with_prefix = reply->with_prefix,
        .learn_skew = l->options.learn_skew,
        .disallow_reuse = l->options.disallow_reuse,
    };
}

/* Counts the attempt, checks the reply, and notes in the credential what came of it. */
static int check_reply(struct login *l, struct credential *c, const struct verify_request *request,
                       bool last)
{
    int ret = count(l, c);

    if (ret != 0)
        return ret;
    l->counted = true;
    ret = verify_reply(c, request, &l->answer);
    if ((ret == 0 || (ret == VERIFY_NO_MATCH && last)) && l->answer.counter_missed &&
        l->options.increment_hotp) {
        int advanced = verify_advance_counter(c);

        if (advanced != 0)
            return advanced;
    }
    if (ret == 0 && l->options.grace_period > 0)
        ret = grace_remember(c, l->host, request->now);
    return ret;
}

/*
 * Checks a reply with the file as it is now, under its lock, and writes what that changes. Nobody
 * is refused faster than by a wrong code: not who has no file, nor whose right code cannot be used
 * up.
 */
static int check_under_lock(struct login *l, const struct reply *reply)
{
    const struct verify_request request = request_of(l, reply);
    int ret = visit_enter(&l->visit, &l->place);
    bool searched = false; /* with all the work that a wrong code takes */

    if (ret == 0) {
        int saved;

        ret = check_reply(l, &l->visit.credential, &request, reply->last);
        searched = ret == VERIFY_NO_MATCH || ret == VERIFY_CLOCK_OFF;
        saved = visit_save(&l->visit, &l->place);
        if (saved != 0)
            ret = saved;
    }
    if (ret == 0)
        because(l, l->answer.recovery ? "recovery-code" : "code",
                l->visit.kept_elsewhere ? "its use is on record until the next boot only" : "");
    else
        because_of(l, ret);
    visit_leave(&l->visit);
    if (ret != 0 && !searched)
        verify_pretend(&request);
    return ret;
}

/*
 * Decides on a reply: 0 where the code opens the door. Where somebody else than root started the
 * program (su, say) and there is a rate limit, the attempt is on disk before the reply is looked
 * at: they set the limits that it runs under, and none of these must make a guess free.
 */
static int decide(struct login *l, const struct reply *reply)
{
    struct shield shield;
    int ret = 0;

    if (!shield_raise(&shield)) {
        because_of(l, NO_SHIELD);
        return NO_SHIELD;
    }
    if (shield.user != 0 && l->limited && !l->counted)
        ret = count_attempt(l);
    if (ret == 0)
        ret = check_under_lock(l, reply);
    if (!shield_lower(&shield)) {
        because_of(l, NO_SHIELD);
        return NO_SHIELD;
    }
    return ret;
}

/* Tells the user of a full or broken disk, since no code will help then. Nothing is locked now. */
static void tell_of_write_error(const struct login *l)
{
    switch (l->visit.write_error) {
    case EPERM:
    case ENOSPC:
    case EROFS:
    case EIO:
    case EDQUOT:
        if (!l->silent)
            pam_error(l->pamh, "Error \"%s\" while writing config", strerror(l->visit.write_error));
        break;
    default:
        break;
    }
}

/* Gives the next module the password that stood before an accepted code. */
static bool forward_password(const struct login *l, const char *reply)
{
    size_t len = strlen(reply) - l->answer.code_len;
    char password[PAM_MAX_RESP_SIZE];
    bool done;

    if (len >= sizeof password)
        return false;
    memcpy(password, reply, len);
    password[len] = '\0';
    done = pam_set_item(l->pamh, PAM_AUTHTOK, password) == PAM_SUCCESS;
    explicit_bzero(password, sizeof password);
    return done;
}

static int decide_and_forward(struct login *l, const struct reply *reply)
{
    int ret = decide(l, reply);

    tell_of_write_error(l);
    if (ret == 0 && l->options.forward_pass && !forward_password(l, reply->text)) {
        because(l, "password-not-forwarded", "too long, or libpam would not take it");
        ret = NOT_FORWARDED;
    }
    return ret;
}

/* What libpam or an earlier module has kept, "" where there is nothing. */
static const char *item_of(pam_handle_t *pamh, int type)
{
    const void *item = NULL;

    (void)pam_get_item(pamh, type, &item); /* an error leaves it NULL */
    return item != NULL ? item : "";
}

/* The password that an earlier module got: a code may stand at its end, whatever is before it. */
static int try_first_pass(struct login *l)
{
    struct reply reply = {
        .text = item_of(l->pamh, PAM_AUTHTOK),
        .readings = VERIFY_AS_ANY,
        .with_prefix = true,
        .last = l->options.pass == PASS_USE_FIRST,
    };

    /* Without a code in it the prompt comes next, for those enrolled and for those who are not. */
    if (!reply.last && !verify_is_code(reply.text))
        return VERIFY_NO_MATCH;
    return decide_and_forward(l, &reply);
}

/* Asks for the reply; NULL where the conversation fails. The caller wipes and frees it. */
static char *ask(const struct login *l)
{
    char *reply = NULL;
    int style = l->options.echo ? PAM_PROMPT_ECHO_ON : PAM_PROMPT_ECHO_OFF;

    if (pam_prompt(l->pamh, style, &reply, "%s", l->options.prompt) != PAM_SUCCESS &&
        reply != NULL) {
        explicit_bzero(reply, strlen(reply));
        free(reply);
        reply = NULL;
    }
    return reply;
}

static int try_prompt(struct login *l)
{
    struct reply reply = {
        .readings = VERIFY_AS_ANY, .with_prefix = l->options.forward_pass, .last = true};
    char *text = ask(l);
    int ret;

    if (text == NULL) { /* asked once more, as by the reference, and only for a recovery code */
        reply.readings = VERIFY_AS_RECOVERY;
        text = ask(l);
    }
    reply.text = text != NULL ? text : "";
    ret = decide_and_forward(l, &reply);
    if (text == NULL) {
        because(l, "no-reply", "the conversation failed");
        return ret;
    }
    if (ret != 0 && text[0] == '\b')
        because(l, "refused-before",
                "sshd sent a dummy password: see PermitRootLogin and the like");
    explicit_bzero(text, strlen(text));
    free(text);
    return ret;
}

/* --- Before the code --- */

/* Whether the access file lets this login in without a code. Faults are logged, and ask. */
static bool skips_by_access_file(const struct login *l)
{
    const char *path = l->options.access_file;
    const struct access_login login = {
        .user = l->account->pw_name,
        .host = l->host,
        .membership = membership_find,
        .context = l->account,
    };
    struct access_problem problem;
    const char *fault;
    char *text;
    size_t len;
    bool skips;

    if (store_read_system(path, ACCESS_FILE_MAX, &text, &len, &fault) != 0) {
        pam_syslog(l->pamh, LOG_ERR, "%s: %s; nobody skips the code", path, fault);
        return false;
    }
    skips = access_skips(text, len, &login, &problem);
    if (problem.line != 0)
        pam_syslog(l->pamh, LOG_ERR, "%s:%u: %s; nobody skips the code", path, problem.line,
                   problem.what);
    free(text);
    return skips;
}

/* `user=`: a number, or a name. */
static const struct passwd *find_rights(const struct login *l)
{
    const char *name = l->options.user;
    char *end;
    unsigned long uid;

    if (name == NULL)
        return l->account;
    if (name[0] < '0' || name[0] > '9')
        return pam_modutil_getpwnam(l->pamh, name);
    uid = strtoul(name, &end, 10);
    return *end == '\0' && uid < (uid_t)-1 ? pam_modutil_getpwuid(l->pamh, (uid_t)uid) : NULL;
}

/* Finds the secret file's path, and with whose rights it is opened. Without, says why. */
static void find_file(struct login *l)
{
    const struct passwd *rights = find_rights(l);
    /* The account's own name: typed in other letters, it is the same account's file. */
    const char *user = l->account != NULL ? l->account->pw_name : l->user;
    const char *home = NULL;
    char path[LOG_NAME_MAX];

    if (rights == NULL) {
        because(l, l->options.user != NULL ? "unknown-user-in-options" : "unknown-user", "");
        return;
    }
    if (l->options.user == NULL)
        home = rights->pw_dir;
    switch (
        options_secret_path(l->options.secret, user, home, l->place.path, sizeof l->place.path)) {
    case 0:
        l->place.rights = rights;
        break;
    case OPTIONS_NO_HOME:
        because(l, "no-home", "secret= needs a home folder, which user= does not give");
        break;
    case OPTIONS_BAD_USER:
        because(l, "bad-user-name", "it must not be part of a path");
        break;
    default:
        because(l, "secret-path-too-long", "");
        break;
    }
    if (l->place.rights != NULL && l->options.debug)
        pam_syslog(l->pamh, LOG_DEBUG, "secret file %s, with the rights of uid %u",
                   loggable(l->place.path, "/", path), (unsigned)rights->pw_uid);
}

/* --- The login --- */

static int finish(struct login *l, int error)
{
    log_result(l, error == 0 ? LOG_INFO : LOG_NOTICE, error == 0 ? "accepted" : "refused");
    return error == 0 ? PAM_SUCCESS : PAM_AUTH_ERR;
}

/* Tells who has not enrolled that they must, and by when. */
static void tell_to_enrol(const struct login *l)
{
    if (l->options.nullok_until != NULL && !l->silent)
        pam_info(l->pamh,
                 "No one-time code is set up for you yet. Run 'doorward enroll' by %s (UTC); "
                 "after that day nobody gets in without a code.",
                 l->options.nullok_until);
}

/* PAM_IGNORE, not PAM_SUCCESS: a `sufficient` line must not turn a missing code into a login. */
static int pass_over(struct login *l, const char *reason)
{
    because(l, reason, "");
    log_result(l, LOG_INFO, "skipped");
    return PAM_IGNORE;
}

static int log_in(struct login *l)
{
    int error = VERIFY_NO_MATCH;

    l->account = pam_modutil_getpwnam(l->pamh, l->user);
    if (l->options.access_file != NULL && l->account != NULL && skips_by_access_file(l))
        return pass_over(l, "access-file");
    find_file(l);
    switch (look_at_file(l)) {
    case LOOK_ABSENT:
        if (options_pass_unenrolled(&l->options, time_now(), DOORWARD_BUILT)) {
            tell_to_enrol(l);
            return pass_over(l, "not-enrolled");
        }
        break;
    case LOOK_GRACE:
        because(l, "grace-period", "");
        return finish(l, 0);
    case LOOK_REFUSE:
        return finish(l, decide_and_forward(l, &(struct reply){.text = "", .last = true}));
    case LOOK_BROKEN:
        return finish(l, VISIT_STUCK);
    default: /* LOOK_ASK */
        break;
    }
    if (l->options.pass != PASS_PROMPT)
        error = try_first_pass(l);
    if (error == VERIFY_NO_MATCH && l->options.pass != PASS_USE_FIRST)
        error = try_prompt(l);
    return finish(l, error);
}

/* --- Proof of it, where a change of the service waits for one --- */

/*
 * In PAM's own environment: who was let pass, until the program sets credentials. sudo goes on as
 * the user whose rights it gives, and sshd takes over what the process has that asks, but only
 * where all the rules let somebody pass there: a key that opens the door after a refusal proves
 * nothing.
 */
static const char passed[] = "DOORWARD_PASSED";
/* The same: the program only tries, as `doorward pam try` does. */
static const char no_proof[] = "DOORWARD_NO_PROOF";

static bool leave_proof(pam_handle_t *pamh, const char *step, const char *user, const char *reason)
{
    char plain_user[LOG_NAME_MAX];
    char plain_host[LOG_NAME_MAX];
    const struct proof proof = {
        .step = step,
        .user = loggable(user, "", plain_user),
        .host = loggable(item_of(pamh, PAM_RHOST), ":%", plain_host),
        .reason = reason,
    };

    return pam_getenv(pamh, no_proof) == NULL && proof_leave(item_of(pamh, PAM_SERVICE), &proof);
}

static void prove_passed(const struct login *l)
{
    char variable[sizeof passed + LOG_NAME_MAX]; /* no line has more of a name */

    if (!leave_proof(l->pamh, "auth", l->user, l->reason))
        return;
    snprintf(variable, sizeof variable, "%s=%s", passed, l->user);
    (void)pam_putenv(l->pamh, variable);
}

/* Forgets who was let pass before: no session is to have the variable, nor another login. */
static void forget_passed(pam_handle_t *pamh)
{
    if (pam_getenv(pamh, passed) != NULL)
        (void)pam_putenv(pamh, passed);
}

static void prove_accepted(pam_handle_t *pamh)
{
    const char *user = pam_getenv(pamh, passed);

    if (user != NULL)
        (void)leave_proof(pamh, "cred", user, NULL);
    forget_passed(pamh);
}

/* --- What libpam calls --- */

PAM_EXTERN __attribute__((visibility("default"))) int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    struct login l = {.pamh = pamh, .silent = (flags & PAM_SILENT) != 0, .reason = ""};
    int bad = options_parse(&l.options, argc, argv);
    int result;

    forget_passed(pamh);
    if (bad >= 0) {
        pam_syslog(pamh, LOG_ERR, "refusing everybody: unknown option or bad value: %s", argv[bad]);
        return PAM_AUTH_ERR;
    }
    (void)pam_get_user(pamh, &l.user, NULL); /* an error leaves it NULL */
    if (l.user == NULL)
        l.user = "";
    l.host = item_of(pamh, PAM_RHOST);
    l.service = item_of(pamh, PAM_SERVICE);
    l.place = (struct place){
        .strict_owner = l.options.strict_owner,
        .allow_readonly = l.options.allow_readonly,
        .allowed_perm = l.options.allowed_perm,
    };
    result = log_in(&l);
    visit_leave(&l.visit);
    if (result == PAM_SUCCESS || result == PAM_IGNORE)
        prove_passed(&l);
    return result;
}

PAM_EXTERN __attribute__((visibility("default"))) int pam_sm_setcred(pam_handle_t *pamh, int flags,
                                                                     int argc, const char **argv)
{
    (void)argc;
    (void)argv;
    if ((flags & PAM_DELETE_CRED) == 0)
        prove_accepted(pamh);
    return PAM_SUCCESS;
}
