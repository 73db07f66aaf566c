/* tests/scripted/broken.h: Failure of a test by the number of a broken rule. */
#ifndef GW_TESTS_SCRIPTED_BROKEN_H
#define GW_TESTS_SCRIPTED_BROKEN_H

#include <stdnoreturn.h>

/* Fails the running test with "rule 3: two receives in flight ...". `rule` is the number of the
 * rule in the backend contract. On a thread that is not the test's, the program aborts. */
noreturn void broken(int rule, const char *format, ...);

/* Marks the calling thread as the one that runs the tests. */
void broken_set_thread(void);

#endif
