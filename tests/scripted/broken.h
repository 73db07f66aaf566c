/* tests/scripted/broken.h: saying that a rule was broken, in one line, and failing the test. */
#ifndef GW_TESTS_SCRIPTED_BROKEN_H
#define GW_TESTS_SCRIPTED_BROKEN_H

#include <stdnoreturn.h>

/*
 * Fails the test that runs with "rule 3: two receives in flight ...". `rule` is the number of the
 * contract's rule. On a thread that is not the test's, or when a test is to die at once, the
 * program ends.
 */
noreturn void broken(int rule, const char *format, ...);

/* The calling thread is the one of the tests. */
void broken_set_thread(void);

#endif
