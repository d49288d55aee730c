/*
 * Files: the secret file opened, checked, locked and replaced; a system file read; a file opened
 * that proofs of logins are written to (proof.h says what). Nothing else here opens files.
 * Everything is done with the rights that the caller has at that moment.
 */
#ifndef DOORWARD_STORE_H
#define DOORWARD_STORE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Where locks and state live that the secret file's own folder cannot hold: root's, gone at boot.
 */
#define STORE_RUN_FOLDER "/run/doorward"
/* Where doorward makes an empty file for each service whose change waits for a login: see proof.h.
 */
#define STORE_PENDING_FOLDER STORE_RUN_FOLDER "/pending"

enum {
    STORE_LOCK_WAIT_MS = 3000, /* how long a login waits for another one */
    STORE_PENDING_NAME_MAX = 64,
    STORE_PENDING_SIZE_MAX = 64 * 1024, /* bytes; nothing is appended to a file of as many */
};

enum store_error {
    STORE_MISSING = -101,     /* no such file, or no folder that could hold it */
    STORE_UNSAFE = -102,      /* its kind, mode, owner or size is not as it must be: store.fault */
    STORE_BUSY = -103,        /* somebody else kept the lock for STORE_LOCK_WAIT_MS */
    STORE_CANNOT_LOCK = -104, /* not by us on this file system: store_lock_in_run() */
    STORE_FAILED = -105,      /* a system call: store.fault, store.error_number */
    STORE_REPLACED = -106,    /* by somebody who does not lock it, an editor say */
};

struct store_rules {
    uid_t owner;           /* whose the file must be, */
    bool strict_owner;     /* where this is set */
    unsigned allowed_perm; /* mode bits that it may have, of 03777 */
};

/* A secret file. The owner zeroes it, and ends with store_close(). */
struct store {
    struct store_rules rules;
    bool open;
    int folder; /* of the file itself, where a link leads to it */
    int file;
    int lock; /* -1, or what else is locked: see store_lock() and store_lock_in_run() */
    char name[NAME_MAX + 1];
    struct stat stat;
    const char *fault; /* after an error: a static string that says what failed */
    int error_number;  /* after STORE_FAILED: its errno */
    long waited_ms;    /* for the lock */
};

/*
 * Opens and checks the file at an absolute path. A link at its end is followed (by the rights of
 * whoever runs this), and what it leads to is the file. Never waits for a FIFO or a device.
 */
int store_open(struct store *s, const char *path, const struct store_rules *rules);

/*
 * Locks the file against every other login and doorward itself, and opens it anew where it was
 * replaced meanwhile: afterwards the open file is the one that the path names. Where only what is
 * open for writing can be locked (NFS), it is opened once more for that.
 */
int store_lock(struct store *s);

/*
 * The same for a file that store_open() opened at `path` a while ago, without opening anything: the
 * rights that opened it are not needed. Any error but STORE_BUSY means: open it anew.
 */
int store_lock_open(struct store *s, const char *path);

/*
 * After STORE_CANNOT_LOCK: takes the lock in STORE_RUN_FOLDER, as root. store_refresh() must
 * follow, with the rights that opened the file.
 */
int store_lock_in_run(struct store *s);
int store_refresh(struct store *s);

/* Reads the whole file into *text, malloc()ed; the caller wipes and frees it. */
int store_read(struct store *s, char **text, size_t *len);

/*
 * Puts new content in the file's place: written to a new file beside it, synced, renamed, the
 * folder synced. The mode stays, and so do owner, group and SELinux label where that can be. On an
 * error the old file stays, but for one: after a failed sync of the folder either may be found
 * after a power cut.
 */
int store_replace(struct store *s, const char *text, size_t len);

/*
 * What a secret file on a disk that cannot be written has come to since: kept in STORE_RUN_FOLDER
 * under a name, as root, by who has the secret file's lock. STORE_MISSING where there is none.
 */
int store_read_in_run(struct store *s, const char *name, char **text, size_t *len);
int store_write_in_run(struct store *s, const char *name, const char *text, size_t len);
int store_remove_in_run(struct store *s, const char *name);
/* Whether there is a STORE_RUN_FOLDER at all; mostly there is none, and nothing to look for. */
bool store_has_run(void);

/* Unlocks and closes. Fine on a zeroed store, and twice. */
void store_close(struct store *s);

/*
 * Reads a file of at most max bytes that only root can have written: a regular one, root's, not
 * writable by group or others. *fault says what is wrong otherwise.
 */
int store_read_system(const char *path, size_t max, char **text, size_t *len, const char **fault);

/*
 * Opens a file in STORE_PENDING_FOLDER for appending: the caller closes it. -1 unless it is there,
 * a regular one with no other name and not too large, and root's alone like each folder on the way,
 * none of which is a link. Makes nothing and never waits; one call where there is no such folder.
 */
int store_open_pending(const char *name);

#endif
