/*
 * pam_record.so MODULE [ARGUMENT…]: runs another module's pam_sm_authenticate and pam_sm_setcred,
 * and tells pam_login what they returned, since libpam hides PAM_IGNORE and much else.
 */
#include "pam_record.h"

#include <dlfcn.h>
#include <stddef.h>
#include <unistd.h>

typedef int module_function(pam_handle_t *, int, int, const char **);

/* Loaded until pam_end, as libpam has it: it may leave data there with a function of its own. */
static void *module;

static void unload(pam_handle_t *pamh, void *data, int status)
{
    (void)pamh;
    (void)data;
    (void)status;
    dlclose(module);
    module = NULL;
}

static void load(pam_handle_t *pamh, const char *path)
{
    module = dlopen(path, RTLD_NOW);
    if (module != NULL && pam_set_data(pamh, "pam-record", NULL, unload) != PAM_SUCCESS)
        unload(pamh, NULL, PAM_SYSTEM_ERR);
}

/* A function of the module; NULL where it cannot be had. */
static module_function *find(pam_handle_t *pamh, const char *name, int argc, const char **argv)
{
    module_function *function = NULL;

    if (module == NULL && argc > 0)
        load(pamh, argv[0]);
    if (module != NULL)
        *(void **)&function = dlsym(module, name);
    return function;
}

int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    module_function *authenticate = find(pamh, "pam_sm_authenticate", argc, argv);
    const void *after = NULL;
    int result;

    if (authenticate == NULL)
        return PAM_OPEN_ERR;
    if (record_begin(pamh) != PAM_SUCCESS)
        return PAM_SYSTEM_ERR;
    (void)getppid(); /* in a trace of system calls, all between the two is the module's */
    result = authenticate(pamh, flags, argc - 1, argv + 1);
    (void)getppid();
    if (pam_get_item(pamh, PAM_AUTHTOK, &after) != PAM_SUCCESS)
        return PAM_SYSTEM_ERR;
    record_end(result, after);
    return result;
}

int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    module_function *setcred = find(pamh, "pam_sm_setcred", argc, argv);
    int result;

    if (setcred == NULL)
        return PAM_OPEN_ERR;
    record_setcred_begin();
    result = setcred(pamh, flags, argc - 1, argv + 1);
    record_setcred_end(result);
    return result;
}
