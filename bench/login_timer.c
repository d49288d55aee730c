/*
 * login_timer CONFDIR WARM-UP SERVICE USER FILE [memory]: logs in through libpam, again and again,
 * each time from pam_start, which loads the module, to pam_end, which unloads it.
 *
 * A line `TIME REPLY` comes in for each login: what its clock says in Unix seconds, and the answer
 * to its prompts. After an empty line the first login is made, through the service WARM-UP, and
 * `ready` goes out. The others, through SERVICE, begin when stdin ends, so that several of these
 * programs can be let go at once.
 *
 * A line comes out for each but the first: RESULT PROMPTS REWRITTEN BEGIN AUTHENTICATE WHOLE
 * RESIDENT DIRTY. That is what pam_authenticate returned, how often it asked, whether FILE was
 * replaced or changed (0 or 1), when pam_start was called (CLOCK_MONOTONIC), and how long
 * pam_authenticate took, and all from pam_start to pam_end, in ns. With `memory` the last two are
 * by how many kB the process had grown before pam_end, in all and in pages that it had written to,
 * and the times mean nothing; without, they are 0.
 */
#include <inttypes.h>
#include <security/pam_appl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum { LOGINS_MAX = 65536, REPLY_MAX = 16 };

struct memory {
    long resident;
    long dirty;
};

struct login {
    long long time;
    char reply[REPLY_MAX];
    int result;
    int prompts;
    bool rewritten;
    int64_t begin;
    int64_t authenticate;
    int64_t whole;
    struct memory growth;
};

static struct login logins[LOGINS_MAX];
static time_t fake_time;

/* --- Stand-ins for libc, found first by every module that is loaded --- */

int clock_gettime(clockid_t clock, struct timespec *t)
{
    if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)
        return (int)syscall(SYS_clock_gettime, clock, t);
    *t = (struct timespec){.tv_sec = fake_time};
    return 0;
}

time_t time(time_t *t)
{
    if (t != NULL)
        *t = fake_time;
    return fake_time;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
    (void)zone;
    *t = (struct timeval){.tv_sec = fake_time};
    return 0;
}

/* --- What is measured --- */

static int64_t nanoseconds(void)
{
    struct timespec now;

    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static struct memory memory_used(void)
{
    struct memory used = {0};
    char line[256];
    FILE *rollup = fopen("/proc/self/smaps_rollup", "re");

    while (rollup != NULL && fgets(line, sizeof line, rollup) != NULL) {
        (void)sscanf(line, "Rss: %ld kB", &used.resident);
        (void)sscanf(line, "Private_Dirty: %ld kB", &used.dirty);
    }
    if (rollup != NULL)
        fclose(rollup);
    return used;
}

/* Whether a file is another one than it was, or has other contents. Where there is none, zeros. */
static bool differs(const struct stat *before, const char *path)
{
    struct stat now = {0};

    (void)stat(path, &now);
    return now.st_ino != before->st_ino || now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
           now.st_mtim.tv_nsec != before->st_mtim.tv_nsec;
}

static int converse(int count, const struct pam_message **messages, struct pam_response **responses,
                    void *context)
{
    struct login *login = context;
    struct pam_response *answers = calloc((size_t)count, sizeof *answers);

    if (answers == NULL)
        return PAM_BUF_ERR;
    for (int i = 0; i < count; i++) {
        if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF) {
            login->prompts++;
            answers[i].resp = strdup(login->reply);
        }
    }
    *responses = answers;
    return PAM_SUCCESS;
}

/* Only what stands between two calls of nanoseconds() is timed. */
static void log_in(struct login *login, const char *confdir, const char *service, const char *user,
                   const char *file, bool with_memory)
{
    const struct pam_conv conversation = {converse, login};
    pam_handle_t *pamh = NULL;
    struct memory before = {0};
    struct stat file_before = {0};
    int64_t authenticate_begin;

    closelog(); /* a new process would have to connect to the log first */
    (void)stat(file, &file_before);
    fake_time = (time_t)login->time;
    if (with_memory)
        before = memory_used();

    login->begin = nanoseconds();
    if (pam_start_confdir(service, user, &conversation, confdir, &pamh) != PAM_SUCCESS) {
        fprintf(stderr, "login_timer: pam_start failed for %s/%s\n", confdir, service);
        exit(1);
    }
    authenticate_begin = nanoseconds();
    login->result = pam_authenticate(pamh, 0);
    login->authenticate = nanoseconds() - authenticate_begin;
    if (with_memory) {
        struct memory after = memory_used();

        login->growth.resident = after.resident - before.resident;
        login->growth.dirty = after.dirty - before.dirty;
    }
    pam_end(pamh, login->result);
    login->whole = nanoseconds() - login->begin;
    login->rewritten = differs(&file_before, file);
}

int main(int argc, char *argv[])
{
    bool with_memory = argc == 7 && strcmp(argv[6], "memory") == 0;
    size_t count = 0;
    char line[64];

    if (argc != 6 && !with_memory)
        return 2;
    while (fgets(line, sizeof line, stdin) != NULL && line[0] != '\n') {
        if (count == LOGINS_MAX ||
            sscanf(line, "%lld %15s", &logins[count].time, logins[count].reply) != 2)
            return 2;
        count++;
    }
    log_in(&logins[0], argv[1], argv[2], argv[4], argv[5], with_memory);
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF)
        ;
    for (size_t i = 1; i < count; i++)
        log_in(&logins[i], argv[1], argv[3], argv[4], argv[5], with_memory);
    for (size_t i = 1; i < count; i++) {
        const struct login *l = &logins[i];

        printf("%d %d %d %" PRId64 " %" PRId64 " %" PRId64 " %ld %ld\n", l->result, l->prompts,
               l->rewritten, l->begin, l->authenticate, l->whole, l->growth.resident,
               l->growth.dirty);
    }
    return 0;
}
