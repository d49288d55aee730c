/*
 * malloc, calloc and realloc as libpam and every module find them first, in front of libc's, and of
 * AddressSanitizer's where the program is built with that.
 */
#include "nomem.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

void *sanitizer_malloc(size_t size) __asm__("__interceptor_malloc") __attribute__((weak));
void *sanitizer_calloc(size_t n, size_t size) __asm__("__interceptor_calloc") __attribute__((weak));
void *sanitizer_realloc(void *p, size_t size) __asm__("__interceptor_realloc")
    __attribute__((weak));

static long failing;
static long count;

void nomem_begin(long n)
{
    failing = n;
    count = 0;
}

long nomem_end(void)
{
    failing = 0;
    return count;
}

static bool fails(void)
{
    if (++count != failing)
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    static void *(*next)(size_t);

    if (next == NULL) {
        next = sanitizer_malloc;
        if (next == NULL)
            *(void **)&next = dlsym(RTLD_NEXT, "malloc");
    }
    return fails() ? NULL : next(size);
}

void *calloc(size_t n, size_t size)
{
    static void *(*next)(size_t, size_t);

    if (next == NULL) {
        next = sanitizer_calloc;
        if (next == NULL)
            *(void **)&next = dlsym(RTLD_NEXT, "calloc");
    }
    return fails() ? NULL : next(n, size);
}

void *realloc(void *p, size_t size)
{
    static void *(*next)(void *, size_t);

    if (next == NULL) {
        next = sanitizer_realloc;
        if (next == NULL)
            *(void **)&next = dlsym(RTLD_NEXT, "realloc");
    }
    return fails() ? NULL : next(p, size);
}
