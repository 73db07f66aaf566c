/* tests/scripted/broken.c: Failure of a test by the number of a broken rule. */
#include "tests/scripted/broken.h"

#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

static _Thread_local bool is_test_thread;

void broken_set_thread(void)
{
    is_test_thread = true;
}

noreturn void broken(int rule, const char *format, ...)
{
    char text[400];
    va_list rest;
    va_start(rest, format);
    vsnprintf(text, sizeof text, format, rest);
    va_end(rest);
    fprintf(stderr, "rule %d: %s\n", rule, text);
    if (is_test_thread) {
        fail_msg("rule %d: %s", rule, text);
    }
    abort();
}
