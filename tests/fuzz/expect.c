/* tests/fuzz/expect.c: Assertion that is active in every build. */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>

void fuzz_expect(int held, const char *what)
{
    if (!held) {
        fprintf(stderr, "fuzz: %s\n", what);
        abort();
    }
}
