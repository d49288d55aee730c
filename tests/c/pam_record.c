/*
 * pam_record.so MODULE [ARGUMENT…]: runs another module's pam_sm_authenticate, and tells pam_login
 * what it returned, since libpam hides PAM_IGNORE and much else.
 */
#include "pam_record.h"

#include <dlfcn.h>
#include <stddef.h>
#include <unistd.h>

int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    int (*authenticate)(pam_handle_t *, int, int, const char **);
    const void *after = NULL;
    void *module = argc < 1 ? NULL : dlopen(argv[0], RTLD_NOW);
    int result;

    if (module == NULL)
        return PAM_OPEN_ERR;
    *(void **)&authenticate = dlsym(module, "pam_sm_authenticate");
    if (authenticate == NULL)
        return PAM_SYMBOL_ERR;
    if (record_begin(pamh) != PAM_SUCCESS)
        return PAM_SYSTEM_ERR;
    (void)getppid(); /* in a trace of system calls, all between the two is the module's */
    result = authenticate(pamh, flags, argc - 1, argv + 1);
    (void)getppid();
    if (pam_get_item(pamh, PAM_AUTHTOK, &after) != PAM_SUCCESS)
        return PAM_SYSTEM_ERR;
    record_end(result, after);
    dlclose(module);
    return result;
}

int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
    (void)pamh;
    (void)flags;
    (void)argc;
    (void)argv;
    return PAM_SUCCESS;
}
