/* tests/support/bell.h: threads that wait until another one says that something has changed. */
#ifndef GW_TESTS_SUPPORT_BELL_H
#define GW_TESTS_SUPPORT_BELL_H

#include "net/os/os.h"

/* Belongs to one mutex, which guards what may change. Takes no memory of the heap. */
struct bell {
    uint64_t inside[8]; /* the system's */
};

void bell_init(struct bell *bell);
void bell_fini(struct bell *bell);

/* Gives `mutex` away, waits until the bell rings or for no reason, and has `mutex` again. */
void bell_wait(struct bell *bell, os_mutex *mutex);

/* Wakes all who wait. */
void bell_ring(struct bell *bell);

#endif
