#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "../core/credential.h"

enum {
    OPEN_FLAGS = O_NONBLOCK | O_NOCTTY | O_CLOEXEC, /* and O_RDONLY, which is 0 */
    FOLDER_FLAGS = O_DIRECTORY | O_CLOEXEC,
    TEMPORARY_TRIES = 100,
    LOCK_PAUSE_MAX_MS = 50,
    LABEL_MAX = 1024,
};

static int failed(struct store *s, const char *fault)
{
    s->error_number = errno;
    s->fault = fault;
    return STORE_FAILED;
}

static int unsafe(struct store *s, const char *fault)
{
    s->fault = fault;
    return STORE_UNSAFE;
}

/* Checks the open file; nothing is said of a file by its name. */
static int check_file(struct store *s)
{
    if (fstat(s->file, &s->stat) != 0)
        return failed(s, "fstat");
    if (!S_ISREG(s->stat.st_mode))
        return unsafe(s, "not a regular file");
    if (s->stat.st_mode & 03777 & ~s->rules.allowed_perm)
        return unsafe(s, "its mode lets others in (chmod 0600, or see allowed_perm=)");
    if (s->rules.strict_owner && s->stat.st_uid != s->rules.owner)
        return unsafe(s, "it belongs to somebody else (see no_strict_owner)");
    if (s->stat.st_size < 1 || s->stat.st_size > CREDENTIAL_FILE_MAX)
        return unsafe(s, "its size is not from 1 to 65536 bytes");
    return 0;
}

/* Opens the folder and the file in it. STORE_MISSING as in ENOENT; a link fails with ELOOP. */
static int open_in_folder(struct store *s, const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t folder_len = slash == path ? 1 : (size_t)(slash - path);
    char folder[PATH_MAX];
    int ret;

    if (slash[1] == '\0') /* and not missing: nullok must not let everybody pass */
        return unsafe(s, "its path ends with a slash");
    if (folder_len >= sizeof folder || strlen(slash + 1) >= sizeof s->name)
        return unsafe(s, "its path is too long");
    memcpy(folder, path, folder_len);
    folder[folder_len] = '\0';
    memcpy(s->name, slash + 1, strlen(slash + 1) + 1);

    s->folder = open(folder, FOLDER_FLAGS | O_RDONLY);
    if (s->folder < 0 && errno == EACCES) /* it may be searched, and that is all a login needs */
        s->folder = open(folder, FOLDER_FLAGS | O_PATH);
    if (s->folder < 0)
        return errno == ENOENT ? STORE_MISSING : failed(s, "opening its folder");
    s->file = openat(s->folder, s->name, OPEN_FLAGS | O_NOFOLLOW);
    if (s->file < 0) {
        ret = errno == ENOENT ? STORE_MISSING : failed(s, "opening it");
        close(s->folder);
        return ret;
    }
    s->open = true;
    return 0;
}

int store_open(struct store *s, const char *path, const struct store_rules *rules)
{
    char *resolved;
    int ret;

    *s = (struct store){.rules = *rules, .lock = -1};
    if (path[0] != '/')
        return unsafe(s, "its path is not absolute");
    ret = open_in_folder(s, path);
    if (ret == STORE_FAILED && s->error_number == ELOOP) {
        resolved = realpath(path, NULL);
        if (resolved == NULL)
            return errno == ENOENT ? STORE_MISSING : failed(s, "following its link");
        ret = open_in_folder(s, resolved);
        free(resolved);
    }
    if (ret == 0)
        ret = check_file(s);
    return ret;
}

/*
 * Tries until STORE_LOCK_WAIT_MS are over, with longer and longer pauses; no clock and no signal is
 * used.
 */
static int flock_patiently(struct store *s, int fd)
{
    long pause_ms = 1;

    for (;;) {
        struct timespec pause = {.tv_nsec = pause_ms * 1000 * 1000};

        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return 0;
        if (errno == EBADF || errno == ENOLCK || errno == EOPNOTSUPP || errno == EINVAL)
            return STORE_CANNOT_LOCK;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return failed(s, "locking it");
        if (s->waited_ms >= STORE_LOCK_WAIT_MS)
            return STORE_BUSY;
        nanosleep(&pause, NULL);
        s->waited_ms += pause_ms;
        pause_ms = pause_ms * 2 < LOCK_PAUSE_MAX_MS ? pause_ms * 2 : LOCK_PAUSE_MAX_MS;
    }
}

/* Whether the folder still has this very file under its name: 1, 0, or an error. */
static int is_current(struct store *s)
{
    struct stat now;

    if (fstatat(s->folder, s->name, &now, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? STORE_MISSING : failed(s, "looking for it");
    return now.st_dev == s->stat.st_dev && now.st_ino == s->stat.st_ino;
}

static int reopen(struct store *s)
{
    int file = openat(s->folder, s->name, OPEN_FLAGS | O_NOFOLLOW);

    if (file < 0)
        return errno == ENOENT ? STORE_MISSING : failed(s, "opening it");
    close(s->file);
    s->file = file;
    return check_file(s);
}

/*
 * Locks the open file, through a second descriptor where one for reading is not enough. That may be
 * of a newer file: the caller looks whether the first one is still current.
 */
static int lock_file(struct store *s)
{
    int ret = flock_patiently(s, s->file);

    if (ret != STORE_CANNOT_LOCK)
        return ret;
    if (s->lock >= 0)
        close(s->lock);
    s->lock = openat(s->folder, s->name, OPEN_FLAGS | O_RDWR | O_NOFOLLOW);
    if (s->lock >= 0)
        return flock_patiently(s, s->lock);
    return errno == ENOENT ? STORE_MISSING : STORE_CANNOT_LOCK;
}

int store_lock(struct store *s)
{
    /* Whoever gets the lock of a file that was replaced meanwhile has waited in vain. */
    for (; s->waited_ms < STORE_LOCK_WAIT_MS; s->waited_ms++) {
        int ret = lock_file(s);
        int current;

        if (ret != 0)
            return ret;
        current = is_current(s);
        if (current < 0)
            return current;
        if (current)
            return check_file(s);
        ret = reopen(s);
        if (ret != 0)
            return ret;
    }
    return STORE_BUSY;
}

int store_lock_open(struct store *s, const char *path)
{
    struct stat now;
    int ret = flock_patiently(s, s->file);

    if (ret != 0)
        return ret;
    if (stat(path, &now) != 0 || now.st_dev != s->stat.st_dev || now.st_ino != s->stat.st_ino)
        return STORE_REPLACED;
    return check_file(s);
}

int store_refresh(struct store *s)
{
    int current = is_current(s);

    if (current < 0)
        return current;
    return current ? check_file(s) : reopen(s);
}

static bool is_root_s_alone(const struct stat *stat)
{
    return stat->st_uid == 0 && (stat->st_mode & 0022) == 0;
}

/* Opens STORE_RUN_FOLDER, which must be root's alone; `make` makes it where it is missing. */
static int open_run(struct store *s, bool make, int *run)
{
    struct stat stat;

    if (make && mkdir(STORE_RUN_FOLDER, 0700) != 0 && errno != EEXIST)
        return failed(s, "making " STORE_RUN_FOLDER);
    *run = open(STORE_RUN_FOLDER, FOLDER_FLAGS | O_RDONLY | O_NOFOLLOW);
    if (*run < 0)
        return errno == ENOENT ? STORE_MISSING : failed(s, "opening " STORE_RUN_FOLDER);
    if (fstat(*run, &stat) == 0 && is_root_s_alone(&stat))
        return 0;
    close(*run);
    return unsafe(s, STORE_RUN_FOLDER " is not root's alone");
}

int store_lock_in_run(struct store *s)
{
    struct stat folder;
    char name[64];
    int run;
    int ret = open_run(s, true, &run);

    if (ret != 0)
        return ret;
    if (fstat(s->folder, &folder) != 0) {
        ret = failed(s, "fstat");
        goto out;
    }
    snprintf(name, sizeof name, "lock-%jx-%jx", (uintmax_t)folder.st_dev, (uintmax_t)folder.st_ino);
    if (s->lock >= 0)
        close(s->lock);
    s->lock = openat(run, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    ret =
        s->lock < 0 ? failed(s, "making a lock in " STORE_RUN_FOLDER) : flock_patiently(s, s->lock);
out:
    close(run);
    return ret;
}

/* Reads a file of exactly `size` bytes; EAGAIN where it grew or shrank meanwhile. */
static int read_all(int fd, size_t size, char **text)
{
    char *buffer = malloc(size + 1);
    size_t got = 0;
    ssize_t n = -1;

    if (buffer == NULL)
        return -1;
    do { /* one byte more is asked for: the end is where that does not come */
        n = pread(fd, buffer + got, size + 1 - got, (off_t)got);
        if (n > 0)
            got += (size_t)n;
    } while ((n < 0 && errno == EINTR) || (n > 0 && got < size));
    if (n >= 0 && got == size) {
        buffer[size] = '\0';
        *text = buffer;
        return 0;
    }
    if (n >= 0)
        errno = EAGAIN;
    explicit_bzero(buffer, size + 1);
    free(buffer);
    return -1;
}

int store_read(struct store *s, char **text, size_t *len)
{
    *len = (size_t)s->stat.st_size;
    return read_all(s->file, *len, text) == 0 ? 0 : failed(s, "reading it");
}

static int write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        text += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Makes an empty file `name~XXXXXX` in the folder, as google-authenticator-libpam names it. */
static int make_temporary(struct store *s, char temporary[static NAME_MAX + 1])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    uint8_t random[6];
    char suffix[sizeof random + 1] = "";

    for (int i = 0; i < TEMPORARY_TRIES; i++) {
        int fd;

        if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
            return -1;
        for (size_t j = 0; j < sizeof random; j++)
            suffix[j] = letters[random[j] % (sizeof letters - 1)];
        if (snprintf(temporary, NAME_MAX + 1, "%s~%s", s->name, suffix) > NAME_MAX) {
            errno = ENAMETOOLONG;
            return -1;
        }
        fd = openat(s->folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    0600);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

/* Whether a file has an ACL, or may have one that cannot be read. */
static bool has_acl(int fd)
{
    return fgetxattr(fd, "system.posix_acl_access", NULL, 0) > 0 ||
           (errno != ENODATA && errno != EOPNOTSUPP);
}

/*
 * Gives the new file the old one's owner, group and mode. Nobody gets rights that they had not: a
 * group that cannot be kept has none, nor has one whose bits were the mask of an ACL.
 */
static int copy_owner_and_mode(const struct store *s, int fd)
{
    mode_t mode = s->stat.st_mode & 07777 & s->rules.allowed_perm;
    struct stat new;
    bool same_owner;

    if (fstat(fd, &new) != 0)
        return -1;
    same_owner = new.st_uid == s->stat.st_uid &&new.st_gid == s->stat.st_gid;
    if ((!same_owner && fchown(fd, s->stat.st_uid, s->stat.st_gid) != 0) || has_acl(s->file))
        mode &= ~(mode_t)0070;
    return fchmod(fd, mode);
}

/* Without SELinux, or where the policy has its own mind, there is nothing to be done. */
static void copy_label(const struct store *s, int fd)
{
    static const char name[] = "security.selinux";
    char label[LABEL_MAX];
    ssize_t len = fgetxattr(s->file, name, label, sizeof label);

    if (len > 0)
        (void)fsetxattr(fd, name, label, (size_t)len, 0);
}

int store_replace(struct store *s, const char *text, size_t len)
{
    char temporary[NAME_MAX + 1];
    int fd = make_temporary(s, temporary);
    int ret;

    if (fd < 0)
        return failed(s, "making a new file beside it");
    copy_label(s, fd);
    if (write_all(fd, text, len) != 0 || copy_owner_and_mode(s, fd) != 0 || fsync(fd) != 0) {
        ret = failed(s, "writing a new file beside it");
        close(fd);
        goto remove;
    }
    if (is_current(s) != 1) { /* an editor knows nothing of locks */
        ret = STORE_REPLACED;
        close(fd);
        goto remove;
    }
    if (close(fd) != 0 || renameat(s->folder, temporary, s->folder, s->name) != 0) {
        ret = failed(s, "replacing it");
        goto remove;
    }
    /* EINVAL: a file system without such a thing; EBADF: a folder that may not be read. */
    if (fsync(s->folder) != 0 && errno != EINVAL && errno != EBADF)
        return failed(s, "syncing its folder");
    return 0;
remove:
    unlinkat(s->folder, temporary, 0);
    return ret;
}

bool store_has_run(void)
{
    return access(STORE_RUN_FOLDER, F_OK) == 0 || errno != ENOENT;
}

int store_read_in_run(struct store *s, const char *name, char **text, size_t *len)
{
    struct stat stat;
    int run;
    int file;
    int ret = open_run(s, false, &run);

    if (ret != 0)
        return ret;
    file = openat(run, name, OPEN_FLAGS | O_NOFOLLOW);
    if (file < 0) {
        ret = errno == ENOENT ? STORE_MISSING : failed(s, "opening its state in " STORE_RUN_FOLDER);
    } else if (fstat(file, &stat) != 0 || read_all(file, (size_t)stat.st_size, text) != 0) {
        ret = failed(s, "reading its state in " STORE_RUN_FOLDER);
    } else {
        *len = (size_t)stat.st_size;
    }
    if (file >= 0)
        close(file);
    close(run);
    return ret;
}

int store_write_in_run(struct store *s, const char *name, const char *text, size_t len)
{
    char temporary[NAME_MAX + 1]; /* whoever has the secret file's lock has this one alone */
    int run;
    int file;
    int ret = open_run(s, true, &run);

    if (ret != 0)
        return ret;
    snprintf(temporary, sizeof temporary, "%s~", name);
    file = openat(run, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0 || write_all(file, text, len) != 0 || fsync(file) != 0 ||
        renameat(run, temporary, run, name) != 0) {
        ret = failed(s, "keeping its state in " STORE_RUN_FOLDER);
        unlinkat(run, temporary, 0);
    }
    if (file >= 0)
        close(file);
    close(run);
    return ret;
}

int store_remove_in_run(struct store *s, const char *name)
{
    int run;
    int ret = open_run(s, false, &run);

    if (ret != 0)
        return ret;
    if (unlinkat(run, name, 0) != 0)
        ret = errno == ENOENT ? STORE_MISSING : failed(s, "removing its state");
    close(run);
    return ret;
}

void store_close(struct store *s)
{
    if (!s->open)
        return;
    s->open = false;
    /* Closing is not enough: a child that another thread forked meanwhile has a copy of it. */
    (void)flock(s->lock >= 0 ? s->lock : s->file, LOCK_UN);
    if (s->lock >= 0)
        close(s->lock);
    close(s->file);
    close(s->folder);
}

int store_read_system(const char *path, size_t max, char **text, size_t *len, const char **fault)
{
    int fd = open(path, OPEN_FLAGS);
    struct stat stat;
    int ret = STORE_UNSAFE;

    if (fd < 0) {
        *fault = errno == ENOENT ? "there is no such file" : "it cannot be opened";
        return errno == ENOENT ? STORE_MISSING : STORE_FAILED;
    }
    if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode)) {
        *fault = "it is not a regular file";
    } else if (!is_root_s_alone(&stat)) {
        *fault = "somebody else than root can write it";
    } else if ((uintmax_t)stat.st_size > max) {
        *fault = "it is too large";
    } else if (read_all(fd, (size_t)stat.st_size, text) != 0) {
        *fault = "it cannot be read";
        ret = STORE_FAILED;
    } else {
        *len = (size_t)stat.st_size;
        ret = 0;
    }
    close(fd);
    return ret;
}

/* Opens what is below a folder, a link excepted; -1 unless it is of that kind and root's alone. */
static int open_root_s(int folder, const char *name, int flags, mode_t kind, struct stat *stat)
{
    int fd = openat(folder, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0)
        return -1;
    if (fstat(fd, stat) == 0 && (stat->st_mode & S_IFMT) == kind && is_root_s_alone(stat))
        return fd;
    close(fd);
    return -1;
}

/* Opens STORE_PENDING_FOLDER: at once, for mostly there is none, and then step by step from /. */
static int open_pending_folder(void)
{
    static const char *const steps[] = {"/", "run", "doorward", "pending"};
    struct stat stat;
    int folder = open(STORE_PENDING_FOLDER, FOLDER_FLAGS | O_PATH);

    for (size_t i = 0; folder >= 0 && i < sizeof steps / sizeof *steps; i++) {
        int above = folder;

        folder = open_root_s(above, steps[i], O_DIRECTORY, S_IFDIR, &stat);
        close(above);
    }
    return folder;
}

int store_open_pending(const char *name)
{
    struct stat stat;
    int folder = open_pending_folder();
    int file;

    if (folder < 0)
        return -1;
    file = open_root_s(folder, name, O_WRONLY | O_APPEND | O_NOCTTY, S_IFREG, &stat);
    close(folder);
    if (file >= 0 && (stat.st_nlink != 1 || stat.st_size >= STORE_PENDING_SIZE_MAX)) {
        close(file);
        return -1;
    }
    return file;
}
