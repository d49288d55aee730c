/*
 * pam_login CONFDIR SERVICE USER [OPTION…]: one pam_authenticate through libpam, spoken to over
 * stdin and stdout, so that a test can do anything it likes while a prompt is open.
 *
 *   time=N        the clock stands at N s, for libpam and every module
 *   rhost=HOST    PAM_RHOST
 *   flags=N       the flags of pam_authenticate
 *   setcred=N     pam_setcred with these flags afterwards, whatever came of it
 *   become=USER   PAM_USER before that: whose rights the program gives, as sudo does
 *   uid=N gid=N   run as this user, with no other group
 *   authtok=HEX   PAM_AUTHTOK before the module runs (through pam_record.so)
 *   noflock       as on NFS, flock fails with EBADF on what is open for reading alone
 *   anycase       the passwd database does not tell capitals from small letters
 *   fsize=N       no file may grow beyond N bytes (RLIMIT_FSIZE) while the module runs
 *   nomem=N       the Nth allocation that is made while the module runs fails
 *
 * An empty USER leaves PAM_USER unset. All text goes over the pipes in hexadecimal. For each
 * message a line `STYLE HEX` comes out; to a prompt a line `=HEX`, `NULL`, `ERR`, or `ERR=HEX` (it
 * answers and fails) goes in. The last line is `result LIBPAM MODULE AUTHTOK IDS ALLOCATIONS CRED`:
 * pam_authenticate's return code, the module's own (-1 where pam_record.so is not in the stack),
 * PAM_AUTHTOK afterwards (`=HEX`, or `-` where unset), `kept` or `changed` for the process's ids,
 * groups, umask, folder and number of open files, how many allocations were made while the
 * module ran, and what its pam_sm_setcred returned, or -1. It comes after pam_end, and then the
 * process waits for the end of stdin, so that a test can search its memory: replies are kept there
 * in hexadecimal alone, but for what libpam gets.
 */
#include "nomem.h"
#include "pam_record.h"

#include <ctype.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_LEN = 16384, GROUPS_MAX = 64, STACK_GAP = 64 * 1024 };

static long long fake_time = -1;
static int flock_works = 1;
static int any_case;
static const char *authtok_before; /* in hexadecimal */
static rlim_t file_size_limit = RLIM_INFINITY;
static long failing_allocation;
static long allocations;
static int module_result = -1;
static int setcred_result = -1;
static char authtok_after[1 + LINE_MAX_LEN] = "-";

/* --- Stand-ins for libc, found first by every module that is loaded --- */

int clock_gettime(clockid_t clock, struct timespec *t)
{
    if (fake_time < 0 || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
        return (int)syscall(SYS_clock_gettime, clock, t);
    *t = (struct timespec){.tv_sec = (time_t)fake_time};
    return 0;
}

time_t time(time_t *t)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (t != NULL)
        *t = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
    struct timespec now;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    *t = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return 0;
}

/* <sys/file.h> is left out, for the one flag that matters here. */
int flock(int fd, int operation);
int flock(int fd, int operation)
{
    if (!flock_works && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY) {
        errno = EBADF;
        return -1;
    }
    return (int)syscall(SYS_flock, fd, operation);
}

int getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size,
               struct passwd **result)
{
    int (*real)(const char *, struct passwd *, char *, size_t, struct passwd **);
    char folded[NAME_MAX + 1];
    size_t len = strnlen(name, NAME_MAX);

    for (size_t i = 0; i < len; i++)
        folded[i] = (char)(any_case ? tolower((unsigned char)name[i]) : name[i]);
    folded[len] = '\0';
    *(void **)&real = dlsym(RTLD_NEXT, "getpwnam_r");
    return real(folded, entry, buffer, size, result);
}

/* --- What pam_record.so asks and tells --- */

static void to_hex(const char *text, char out[static LINE_MAX_LEN])
{
    size_t len = 0;

    for (; *text != '\0' && len + 3 < LINE_MAX_LEN; text++)
        len += (size_t)snprintf(out + len, 3, "%02x", (unsigned)(unsigned char)*text);
    out[len] = '\0';
}

static void from_hex(const char *hex, char out[static LINE_MAX_LEN])
{
    size_t len = 0;
    unsigned byte;

    for (; len + 1 < LINE_MAX_LEN && sscanf(hex, "%2x", &byte) == 1; hex += 2)
        out[len++] = (char)byte;
    out[len] = '\0';
}

/* The soft limit alone, so that it can be lifted again for what measures coverage. */
static void limit_file_size(rlim_t bytes)
{
    struct rlimit limit;

    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
}

int record_begin(pam_handle_t *pamh)
{
    char text[LINE_MAX_LEN];
    int result = PAM_SUCCESS;

    if (authtok_before != NULL) {
        from_hex(authtok_before, text);
        result = pam_set_item(pamh, PAM_AUTHTOK, text);
        explicit_bzero(text, sizeof text);
    }
    limit_file_size(file_size_limit);
    nomem_begin(failing_allocation);
    return result;
}

void record_end(int result, const char *after)
{
    allocations = nomem_end();
    limit_file_size(RLIM_INFINITY);
    module_result = result;
    if (after != NULL) {
        authtok_after[0] = '=';
        to_hex(after, authtok_after + 1);
    }
}

void record_setcred_begin(void)
{
    limit_file_size(file_size_limit);
}

void record_setcred_end(int result)
{
    limit_file_size(RLIM_INFINITY);
    setcred_result = result;
}

/* What stands behind a name, or NULL where the argument is another one. */
static const char *option(const char *arg, const char *name)
{
    size_t len = strlen(name);

    return strncmp(arg, name, len) == 0 ? arg + len : NULL;
}

/* --- The conversation --- */

static const char *style_name(int style)
{
    switch (style) {
    case PAM_PROMPT_ECHO_OFF:
        return "ECHO_OFF";
    case PAM_PROMPT_ECHO_ON:
        return "ECHO_ON";
    case PAM_ERROR_MSG:
        return "ERROR_MSG";
    case PAM_TEXT_INFO:
        return "TEXT_INFO";
    default:
        return "UNKNOWN";
    }
}

/* Answers one message; the response's text stays NULL where the answer is NULL, or is none. */
static int answer(const struct pam_message *message, struct pam_response *response)
{
    char hex[LINE_MAX_LEN];
    char line[LINE_MAX_LEN];
    char text[LINE_MAX_LEN];
    const char *value;

    to_hex(message->msg, hex);
    printf("%s %s\n", style_name(message->msg_style), hex);
    fflush(stdout);
    if (message->msg_style != PAM_PROMPT_ECHO_OFF && message->msg_style != PAM_PROMPT_ECHO_ON)
        return PAM_SUCCESS;
    if (fgets(line, sizeof line, stdin) == NULL)
        return PAM_CONV_ERR;
    value = option(line, "=");
    if (value == NULL)
        value = option(line, "ERR=");
    if (value != NULL) {
        from_hex(value, text);
        response->resp = strdup(text);
        explicit_bzero(text, sizeof text);
    }
    return option(line, "ERR") != NULL ? PAM_CONV_ERR : PAM_SUCCESS;
}

static int converse(int count, const struct pam_message **messages, struct pam_response **responses,
                    void *context)
{
    struct pam_response *answers = calloc((size_t)count, sizeof *answers);
    int result = PAM_SUCCESS;

    (void)context;
    if (answers == NULL)
        return PAM_BUF_ERR;
    for (int i = 0; i < count && result == PAM_SUCCESS; i++)
        result = answer(messages[i], &answers[i]);
    if (result == PAM_SUCCESS || answers[0].resp != NULL)
        *responses = answers;
    else
        free(answers);
    return result;
}

/* --- The process, before and after --- */

struct identity {
    uid_t uids[3];
    gid_t gids[3];
    int fsuid;
    int fsgid;
    int group_count;
    gid_t groups[GROUPS_MAX];
    mode_t mask;
    int open_files;
    char folder[4096];
};

static int count_open_files(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    if (folder == NULL)
        return -1;
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static void identity_read(struct identity *id)
{
    memset(id, 0, sizeof *id);
    getresuid(&id->uids[0], &id->uids[1], &id->uids[2]);
    getresgid(&id->gids[0], &id->gids[1], &id->gids[2]);
    id->fsuid = setfsuid((uid_t)-1);
    id->fsgid = setfsgid((gid_t)-1);
    id->group_count = getgroups(GROUPS_MAX, id->groups);
    id->mask = umask(077);
    umask(id->mask);
    id->open_files = count_open_files();
    if (getcwd(id->folder, sizeof id->folder) == NULL)
        id->folder[0] = '\0';
}

/*
 * Runs pam_authenticate further down the stack than all that follows, so that what it leaves there
 * is not written over.
 */
static int authenticate_far_down(pam_handle_t *pamh, int flags)
{
    char gap[STACK_GAP];
    int result;

    explicit_bzero(gap, sizeof gap);
    result = pam_authenticate(pamh, flags);
    explicit_bzero(gap, sizeof gap); /* which keeps it on the stack until here */
    return result;
}

/*
 * Looks accounts and groups up, as a program that logs people in has done before. Memory that is
 * short at the first time crashes glibc itself (nss_database_check_reload_and_get, 2.36).
 */
static void ask_nss_once(void)
{
    gid_t groups[1];
    int count = 1;

    getpwuid(0);
    getgrgid(0);
    getgrouplist("root", 0, groups, &count);
}

int main(int argc, char *argv[])
{
    const struct pam_conv conversation = {converse, NULL};
    struct identity before;
    struct identity after;
    pam_handle_t *pamh = NULL;
    const char *rhost = NULL;
    const char *become = NULL;
    const char *value;
    int flags = 0;
    int setcred_flags = -1;
    int result;
    uid_t uid = (uid_t)-1;
    gid_t gid = (gid_t)-1;

    if (argc < 4)
        return 2;
    for (int i = 4; i < argc; i++) {
        if ((value = option(argv[i], "time=")) != NULL) {
            fake_time = atoll(value);
        } else if ((value = option(argv[i], "rhost=")) != NULL) {
            rhost = value;
        } else if ((value = option(argv[i], "flags=")) != NULL) {
            flags = atoi(value);
        } else if ((value = option(argv[i], "setcred=")) != NULL) {
            setcred_flags = atoi(value);
        } else if ((value = option(argv[i], "become=")) != NULL) {
            become = value;
        } else if ((value = option(argv[i], "uid=")) != NULL) {
            uid = (uid_t)atoi(value);
        } else if ((value = option(argv[i], "gid=")) != NULL) {
            gid = (gid_t)atoi(value);
        } else if ((value = option(argv[i], "authtok=")) != NULL) {
            authtok_before = value;
        } else if ((value = option(argv[i], "fsize=")) != NULL) {
            file_size_limit = (rlim_t)atoll(value);
        } else if ((value = option(argv[i], "nomem=")) != NULL) {
            failing_allocation = atol(value);
        } else if (strcmp(argv[i], "noflock") == 0) {
            flock_works = 0;
        } else if (strcmp(argv[i], "anycase") == 0) {
            any_case = 1;
        } else {
            return 2;
        }
    }
    if (gid != (gid_t)-1 && (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0))
        return 2;
    if (uid != (uid_t)-1 && setresuid(uid, uid, uid) != 0)
        return 2;
    if (pam_start_confdir(argv[2], argv[3][0] != '\0' ? argv[3] : NULL, &conversation, argv[1],
                          &pamh) != PAM_SUCCESS)
        return 2;
    if (rhost != NULL && pam_set_item(pamh, PAM_RHOST, rhost) != PAM_SUCCESS)
        return 2;
    ask_nss_once();
    identity_read(&before);
    result = authenticate_far_down(pamh, flags);
    if (become != NULL && pam_set_item(pamh, PAM_USER, become) != PAM_SUCCESS)
        return 2;
    if (setcred_flags >= 0)
        (void)pam_setcred(pamh, setcred_flags);
    identity_read(&after);
    pam_end(pamh, result);
    printf("result %d %d %s %s %ld %d\n", result, module_result, authtok_after,
           memcmp(&before, &after, sizeof before) == 0 ? "kept" : "changed", allocations,
           setcred_result);
    fflush(stdout);
    while (getchar() != EOF)
        ;
    return 0;
}
