/*
 * Invariant: no argument and no template is read or written out of bounds; a path never holds a
 * user's name that has a slash in it.
 *
 * Input: words that end in NUL; the first is the login name, the second the home, the rest argv.
 */
#include <stdlib.h>
#include <string.h>

#include "../../pam_module/core/options.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum { WORDS_MAX = 16, PATH_CAP = 64 };

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    const char *words[WORDS_MAX] = {0};
    char path[PATH_CAP];
    struct options options;
    int count = 0;
    size_t at = 0;

    while (at < size && count < WORDS_MAX && memchr(data + at, '\0', size - at) != NULL) {
        words[count] = (const char *)data + at;
        at += strlen(words[count++]) + 1;
    }
    if (count < 2 || options_parse(&options, count - 2, words + 2) >= 0)
        return 0;
    if (options_secret_path(options.secret, words[0], words[1], path, sizeof path) == 0 &&
        (strlen(path) >= sizeof path || strchr(words[0], '/') != NULL || words[0][0] == '\0'))
        abort();
    return 0;
}
