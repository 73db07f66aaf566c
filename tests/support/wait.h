/* tests/support/wait.h: Waiting for a condition of another thread. */
#ifndef GW_TESTS_SUPPORT_WAIT_H
#define GW_TESTS_SUPPORT_WAIT_H

#include "tests/test.h"

#include "net/os/os.h"
#include "tests/support/machine.h"

/* A busy machine under a sanitizer is slow. A condition that is still false after this fails the
 * test. */
#define WAIT_NS ((uint64_t)30 * 1000000000u)

/* Waits until `condition` is true. Only on the test's thread. */
#define WAIT_FOR(condition)                                                                        \
    do {                                                                                           \
        uint64_t wait_end_ns = os_now_ns() + WAIT_NS;                                              \
        while (!(condition)) {                                                                     \
            if (os_now_ns() > wait_end_ns) {                                                       \
                fail_msg("this did not come: %s", #condition);                                     \
            }                                                                                      \
            machine_sleep_ms(1);                                                                   \
        }                                                                                          \
    } while (0)

#endif
