/*
 * Invariant: no file is read out of bounds; a file with a problem lets nobody skip; one that lets
 * somebody skip says so again, and lets nobody skip once a bad line is added to its end.
 */
#include <stdlib.h>
#include <string.h>

#include "../../pam_module/core/access.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static int membership(const void *context, const char *group)
{
    (void)context;
    if (strcmp(group, "down") == 0)
        return ACCESS_NOT_KNOWN;
    return strcmp(group, "staff") == 0 ? ACCESS_MEMBER : ACCESS_NO_GROUP;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static const char bad[] = "\n+ : ALL";
    static const char *const hosts[] = {"", "10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1", "name"};
    char *text = malloc(size + sizeof bad);

    if (text == NULL)
        abort();
    memcpy(text, data, size);
    memcpy(text + size, bad, sizeof bad - 1);
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        const struct access_login login = {
            .user = "alice", .host = hosts[i], .membership = membership};
        struct access_problem problem;
        bool skips = access_skips((const char *)data, size, &login, &problem);

        if (skips &&
            (problem.line != 0 || !access_skips((const char *)data, size, &login, &problem)))
            abort();
        if ((problem.line != 0) != (problem.what != NULL))
            abort();
        if (access_skips(text, size + sizeof bad - 1, &login, &problem) || problem.line == 0)
            abort();
    }
    free(text);
    return 0;
}
