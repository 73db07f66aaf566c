/* tests/support/wait.h: waiting for what must come true, without guessing how long it takes. */
#ifndef GW_TESTS_SUPPORT_WAIT_H
#define GW_TESTS_SUPPORT_WAIT_H

#include "tests/test.h"

#include "net/os/os.h"
#include "tests/support/machine.h"

/* A noisy machine under a sanitizer is slow; what never comes fails the test after this. */
#define WAIT_NS ((uint64_t)30 * 1000000000u)

/* Waits until `condition` is true. Only on the thread of the test. */
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
