/* session/spin_lock.h: A lock that is held for a few instructions. Private to session. */
#ifndef GW_SESSION_SPIN_LOCK_H
#define GW_SESSION_SPIN_LOCK_H

#include <stdatomic.h>

/* Takes and releases the lock. Its holder calls nothing that waits, and no callback. Thread: any.
 */
static inline void gw__spin_lock(atomic_flag *lock)
{
    while (atomic_flag_test_and_set_explicit(lock, memory_order_acquire)) {
    }
}

static inline void gw__spin_unlock(atomic_flag *lock)
{
    atomic_flag_clear_explicit(lock, memory_order_release);
}

#endif
