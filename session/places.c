/* session/places.c: how many are here, and who is the last to go. */
#include "session/internal.h"

/*
 * One word says who is here, so that the last one to go knows that it is the last:
 *
 *      drained | draining | holds, 31 bits | sessions, 31 bits
 *
 * A hold is what is left of sessions after their end: a membership that is on its way out of its
 * group, an answer that is on its way in, a stream that was turned away and reads why. When all is
 * 0 but `draining`, one thread sets `drained`, and from then on nothing comes in.
 */
#define SESSIONS UINT64_C(0x7FFFFFFF)
#define SESSION  UINT64_C(1)
#define HOLD     (UINT64_C(1) << 31)
#define DRAINING (UINT64_C(1) << 62)
#define DRAINED  (UINT64_C(1) << 63)

/* Returns why there is no room for one more, or NONE. SHUTDOWN: nothing may come in any more. */
static Gw__CloseReason enter(struct gw_session_manager *manager, uint64_t what, uint64_t count_max)
{
    uint64_t places = atomic_load(&manager->places);
    do {
        if ((places & DRAINED) != 0) {
            return GW__CLOSE_REASON__SHUTDOWN;
        }
        if ((places & SESSIONS) >= count_max) {
            return GW__CLOSE_REASON__SERVER_FULL;
        }
    } while (!atomic_compare_exchange_weak(&manager->places, &places, places + what));
    return GW__CLOSE_REASON__NONE;
}

static void leave(struct gw_session_manager *manager, uint64_t what)
{
    if (atomic_fetch_sub(&manager->places, what) - what == DRAINING) {
        gw__manager_check_drained(manager);
    }
}

Gw__CloseReason gw__manager_enter(struct gw_session_manager *manager)
{
    return enter(manager, SESSION, manager->config.session_count_max);
}

void gw__manager_leave(struct gw_session_manager *manager)
{
    leave(manager, SESSION);
}

bool gw__manager_ref(struct gw_session_manager *manager)
{
    return enter(manager, HOLD, UINT64_MAX) == GW__CLOSE_REASON__NONE;
}

void gw__manager_unref(struct gw_session_manager *manager)
{
    leave(manager, HOLD);
}

void gw__manager_set_draining(struct gw_session_manager *manager)
{
    atomic_fetch_or(&manager->places, DRAINING);
}

bool gw__manager_is_draining(struct gw_session_manager *manager)
{
    return (atomic_load(&manager->places) & DRAINING) != 0;
}

void gw__manager_check_drained(struct gw_session_manager *manager)
{
    uint64_t nobody = DRAINING;
    if (atomic_compare_exchange_strong(&manager->places, &nobody, DRAINING | DRAINED)) {
        gw__manager_drained(manager);
    }
}

uint32_t gw_session_manager_count(const struct gw_session_manager *manager)
{
    return (uint32_t)(atomic_load(&manager->places) & SESSIONS);
}
