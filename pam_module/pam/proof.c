#include "proof.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store.h"

enum {
    LINE_SIZE = 1024, /* a step, a time, two names and a reason of the log's */
    NS_PER_MS = 1000 * 1000,
};

/* Whether a service's name may be a file's: no path, nothing hidden. */
static bool is_file_name(const char *service)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static const char later[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t len = strnlen(service, STORE_PENDING_NAME_MAX + 1);

    return len <= STORE_PENDING_NAME_MAX && strspn(service, first) > 0 &&
           strspn(service, later) == len;
}

/*
 * Writes without the signal that ends who writes more than RLIMIT_FSIZE allows: whoever starts su
 * sets that limit. The kernel sends it to the thread that writes, and here that takes it away.
 */
static bool write_once(int file, const char *line, size_t len)
{
    const struct timespec at_once = {0};
    sigset_t too_large;
    sigset_t before;
    ssize_t written;

    sigemptyset(&too_large);
    sigaddset(&too_large, SIGXFSZ);
    if (pthread_sigmask(SIG_BLOCK, &too_large, &before) != 0)
        return false;
    written = write(file, line, len);
    if (written < 0 && errno == EFBIG)
        (void)sigtimedwait(&too_large, NULL, &at_once);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return written == (ssize_t)len;
}

static const char *or_dash(const char *text)
{
    return text[0] != '\0' ? text : "-";
}

bool proof_leave(const char *service, const struct proof *proof)
{
    const char *reason = proof->reason != NULL ? proof->reason : "";
    char line[LINE_SIZE];
    struct timespec now;
    bool done = false;
    int file = -1;
    int len;

    if (geteuid() == 0 && is_file_name(service))
        file = store_open_pending(service);
    if (file < 0)
        return false;
    if (clock_gettime(CLOCK_BOOTTIME, &now) == 0) {
        len = snprintf(line, sizeof line, "%s %jd.%03ld %s %s%s%s\n", proof->step,
                       (intmax_t)now.tv_sec, now.tv_nsec / NS_PER_MS, or_dash(proof->user),
                       or_dash(proof->host), reason[0] != '\0' ? " " : "", reason);
        done = (size_t)len < sizeof line && write_once(file, line, (size_t)len);
    }
    close(file);
    return done;
}
