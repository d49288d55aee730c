#include "visit.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rights.h"

static int act(struct visit *v, const struct place *place, bool all_groups,
               int (*action)(struct visit *, const struct place *))
{
    struct rights rights;
    int ret;

    if (!rights_take(&rights, place->rights, all_groups)) {
        v->store.fault = "taking on its owner's rights";
        v->store.error_number = EPERM;
        return STORE_FAILED;
    }
    ret = action(v, place);
    return rights_return(&rights) ? ret : VISIT_STUCK;
}

/*
 * Does something with the rights that the file needs, and goes back to the caller's. Mostly the
 * account's own id is enough; only where it is not are its groups looked up, which may ask a
 * directory on the network.
 */
static int with_rights(struct visit *v, const struct place *place,
                       int (*action)(struct visit *, const struct place *))
{
    int ret = act(v, place, false, action);

    if (ret == STORE_FAILED && v->store.error_number == EACCES)
        ret = act(v, place, true, action);
    return ret;
}

static int open_file(struct visit *v, const struct place *place)
{
    const struct store_rules rules = {
        .owner = place->rights->pw_uid,
        .strict_owner = place->strict_owner,
        .allowed_perm = place->allowed_perm,
    };

    long waited_ms = v->store.waited_ms;
    int ret;

    store_close(&v->store); /* of a try before this one */
    ret = store_open(&v->store, place->path, &rules);
    v->store.waited_ms = waited_ms;
    return ret;
}

static int open_and_lock(struct visit *v, const struct place *place)
{
    int ret = open_file(v, place);

    return ret == 0 ? store_lock(&v->store) : ret;
}

static int refresh(struct visit *v, const struct place *place)
{
    (void)place;
    return store_refresh(&v->store);
}

static int replace(struct visit *v, const struct place *place)
{
    (void)place;
    return store_replace(&v->store, v->credential.text, v->credential.len);
}

/* Only root can read or keep a state elsewhere. */
static bool may_be_elsewhere(const struct place *place)
{
    return geteuid() == 0 && (place->allow_readonly || store_has_run());
}

/* Names the state, by the file's path, and the file as it is now, by its content and last change.
 */
static void name_state(struct visit *v, const struct place *place)
{
    const struct stat *file = &v->store.stat;
    char fingerprint[CREDENTIAL_FINGERPRINT_LEN + 1];

    credential_fingerprint(place->path, strlen(place->path), fingerprint);
    snprintf(v->name, sizeof v->name, "state-%s", fingerprint);
    credential_fingerprint(v->credential.text, v->credential.len, fingerprint);
    snprintf(v->version, sizeof v->version, "%s-%jx-%jx-%lx\n", fingerprint,
             (uintmax_t)file->st_ino, (uintmax_t)file->st_ctim.tv_sec, file->st_ctim.tv_nsec);
}

/* Takes over the state that is kept elsewhere, where it is one of the file as it is now. */
static int read_elsewhere(struct visit *v)
{
    const size_t version_len = strlen(v->version);
    char *text;
    size_t len;
    int ret = store_read_in_run(&v->store, v->name, &text, &len);

    if (ret != 0)
        return ret == STORE_MISSING ? 0 : ret;
    v->kept_elsewhere = len > version_len && memcmp(text, v->version, version_len) == 0;
    if (v->kept_elsewhere) {
        credential_wipe(&v->credential);
        ret = credential_init(&v->credential, text + version_len, len - version_len);
    }
    explicit_bzero(text, len);
    free(text);
    return ret;
}

static int keep_elsewhere(struct visit *v)
{
    struct credential state = {0};
    int ret = credential_init(&state, v->credential.text, v->credential.len);

    if (ret == 0)
        ret = credential_insert(&state, 0, v->version, strlen(v->version));
    if (ret == 0)
        ret = store_write_in_run(&v->store, v->name, state.text, state.len);
    credential_wipe(&state);
    v->kept_elsewhere = ret == 0;
    return ret;
}

/* Reads the file, or what it has come to since. */
static int read_file(struct visit *v, const struct place *place)
{
    char *text;
    size_t len;
    int ret = store_read(&v->store, &text, &len);

    credential_wipe(&v->credential);
    v->kept_elsewhere = false;
    if (ret != 0)
        return ret;
    ret = credential_init(&v->credential, text, len);
    explicit_bzero(text, len);
    free(text);
    if (ret != 0 || !may_be_elsewhere(place))
        return ret;
    name_state(v, place);
    return read_elsewhere(v);
}

int visit_look(struct visit *v, const struct place *place)
{
    int ret = place->rights != NULL ? with_rights(v, place, open_file) : VISIT_NO_FILE;

    return ret == 0 ? read_file(v, place) : ret;
}

void visit_pause(struct visit *v)
{
    credential_wipe(&v->credential);
}

/* Opens and locks the file, whatever was open before. */
static int open_anew(struct visit *v, const struct place *place)
{
    int ret = with_rights(v, place, open_and_lock);

    if (ret == STORE_CANNOT_LOCK) {
        ret = store_lock_in_run(&v->store);
        if (ret == 0)
            ret = with_rights(v, place, refresh);
    }
    return ret;
}

int visit_enter(struct visit *v, const struct place *place)
{
    int ret = VISIT_NO_FILE;

    if (v->store.open)
        ret = store_lock_open(&v->store, place->path);
    if (place->rights != NULL && ret != 0 && ret != STORE_BUSY)
        ret = open_anew(v, place);
    return ret == 0 ? read_file(v, place) : ret;
}

int visit_save(struct visit *v, const struct place *place)
{
    int ret;

    if (!v->credential.changed)
        return 0;
    ret = with_rights(v, place, replace);
    if (ret == 0 && v->kept_elsewhere) {
        v->kept_elsewhere = false;
        (void)store_remove_in_run(&v->store, v->name); /* nobody looks for that name any more */
    }
    if (ret != STORE_FAILED)
        return ret;
    v->write_error = v->store.error_number;
    return place->allow_readonly && v->name[0] != '\0' ? keep_elsewhere(v) : ret;
}

void visit_leave(struct visit *v)
{
    credential_wipe(&v->credential);
    store_close(&v->store);
}
