/* tests/support/bell.h: A condition variable. */
#ifndef GW_TESTS_SUPPORT_BELL_H
#define GW_TESTS_SUPPORT_BELL_H

#include "net/os/os.h"

/* Belongs to one mutex, which guards the condition. Uses no heap memory. */
struct bell {
    uint64_t inside[8]; /* the system's object */
};

void bell_init(struct bell *bell);
void bell_fini(struct bell *bell);

/* Unlocks `mutex`, waits until the bell rings (or wakes spuriously), and locks `mutex` again. */
void bell_wait(struct bell *bell, os_mutex *mutex);

/* Wakes all waiting threads. */
void bell_ring(struct bell *bell);

#endif
