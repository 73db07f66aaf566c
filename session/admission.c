/* session/admission.c: Admission of connections, outgoing connections, and the count of sessions.
 */
#include "session/admission.h"

#include "session/counters.h"
#include "session/end.h"
#include "session/internal.h"

#include "net/error.h"
#include "net/port.h"

#include <stdlib.h>

/* ---- the count of sessions ---- */

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

static void count_begun(struct gw_session_manager *manager)
{
    struct gw_shard *shard = gw__shard(manager);
    gw__count(shard, &shard->begun, 1);
}

static void on_full(struct gw_stream *stream, void *context)
{
    gw__stream_finish_with_close(context, NULL, stream, GW__CLOSE_REASON__SERVER_FULL, NULL);
}

static void on_no_memory(struct gw_stream *stream, void *context)
{
    gw__stream_finish_with_close(context, NULL, stream, GW__CLOSE_REASON__NO_MEMORY, NULL);
}

static void on_turned_away(struct gw_stream *stream, int reason, void *context)
{
    (void)stream;
    (void)reason;
    gw__manager_unref(context);
}

/* Without on_recv: what is said here is discarded. */
static const struct gw_stream_events full_events = {
    .on_open = on_full,
    .on_close = on_turned_away,
};

static const struct gw_stream_events no_memory_events = {
    .on_open = on_no_memory,
    .on_close = on_turned_away,
};

/* Tells a stream why it does not become a session. After the end of all, it is just not started. */
static void turn_away(struct gw_session_manager *manager, struct gw_stream *stream,
                      Gw__CloseReason reason)
{
    if (!gw__manager_ref(manager)) {
        return;
    }
    count_begun(manager);
    struct gw_shard *shard = gw__shard(manager);
    gw__count(shard, &shard->ended[reason], 1);
    bool full = reason == GW__CLOSE_REASON__SERVER_FULL;
    gw_stream_start(stream, full ? &full_events : &no_memory_events, manager);
}

/* ---- connections without a HELLO ---- */

/*
 * A circle of ids in the order in which their connections came. Any worker adds one, and takes the
 * oldest; an id whose session has sent its HELLO, or has ended, stays until it is the oldest. When
 * the circle is full, the oldest is overwritten: that session cannot be displaced any more, and its
 * greeting deadline ends it.
 */
bool gw__silent_init(struct gw_session_manager *manager)
{
    uint32_t count = 1;
    while (count < manager->config.session_count_max) {
        count *= 2;
    }
    manager->silent_mask = count - 1;
    manager->silent = calloc(count, sizeof(*manager->silent));
    return manager->silent != NULL;
}

void gw__silent_fini(struct gw_session_manager *manager)
{
    free(manager->silent);
}

/* Where the oldest id is; false when there is none. */
static bool oldest(struct gw_session_manager *manager, uint32_t first, uint32_t *place_out)
{
    uint32_t end = atomic_load(&manager->silent_end);
    uint32_t count_max = manager->silent_mask + 1;
    *place_out = end - first > count_max ? end - count_max : first;
    return end != first;
}

/*
 * Ends a session that is still silent. While it closes it counts as a hold, and no longer as a
 * session. The hold is taken before anybody can release it.
 */
static bool displace(struct gw_session_manager *manager, struct gw_session *session)
{
    uint8_t lasts = GW_SILENCE_LASTS;
    if (!gw__manager_ref(manager)) {
        return false;
    }
    if (!atomic_compare_exchange_strong(&session->silence, &lasts, GW_SILENCE_DISPLACED)) {
        gw__manager_unref(manager);
        return false;
    }
    struct gw_shard *shard = gw__shard(manager);
    gw__count(shard, &shard->displaced, 1);
    gw_session_end(session, GW__CLOSE_REASON__SERVER_FULL);
    gw__manager_leave(manager);
    return true;
}

/* A HELLO comes right behind the connection: a younger one is not called silent. */
static bool is_young(const struct gw_session_manager *manager, const struct gw_session *session)
{
    uint64_t now_ms = (gw_port_now_ns(manager->port) - manager->begun_ns) / 1000000;
    return (uint32_t)now_ms - session->begun_ms < GW_SILENCE_MS_MIN;
}

/*
 * Takes the oldest id out when its session has sent its HELLO or is gone, and with `displaces` also
 * when it is silent. Returns whether there may be another one to look at.
 */
static bool take_oldest(struct gw_session_manager *manager, bool displaces, bool *displaced_out)
{
    unsigned first = atomic_load(&manager->silent_first);
    uint32_t place;
    if (!oldest(manager, first, &place)) {
        return false;
    }
    gw_session_id id = atomic_load(&manager->silent[place & manager->silent_mask]);
    struct gw_session *session = gw_session_manager_find(manager, id);
    bool lasts = session != NULL && atomic_load(&session->silence) == GW_SILENCE_LASTS;
    bool stays = lasts && (!displaces || is_young(manager, session));
    if (!stays && atomic_compare_exchange_strong(&manager->silent_first, &first, place + 1)) {
        *displaced_out = lasts && displace(manager, session);
    }
    gw_session_unref(session);
    return !stays;
}

/* Few at a time leave the front as others come, so that a full server finds few to pass over. */
void gw__silent_add(struct gw_session *session)
{
    struct gw_session_manager *manager = session->manager;
    bool ignored;
    if (manager->config.side != GW_SIDE_SERVER) {
        return;
    }
    if (take_oldest(manager, false, &ignored)) {
        (void)take_oldest(manager, false, &ignored);
    }
    atomic_store(&session->silence, GW_SILENCE_LASTS);
    uint32_t place = atomic_fetch_add(&manager->silent_end, 1);
    atomic_store(&manager->silent[place & manager->silent_mask], session->id);
}

bool gw__silent_end(struct gw_session *session)
{
    uint8_t lasts = GW_SILENCE_LASTS;
    return atomic_compare_exchange_strong(&session->silence, &lasts, GW_SILENCE_OVER) ||
           lasts != GW_SILENCE_DISPLACED;
}

/* Ends the oldest session without a HELLO. Returns false when there is none. */
static bool make_room(struct gw_session_manager *manager)
{
    bool displaced = false;
    if (!gw__manager_is_draining(manager)) {
        while (!displaced && take_oldest(manager, true, &displaced)) {
        }
    }
    return displaced;
}

/* ---- in ---- */

/* Makes a session that has its place. Returns why not, or NONE. */
static Gw__CloseReason let_in(struct gw_session_manager *manager, void *user,
                              struct gw_session **session_out)
{
    Gw__CloseReason refusal = gw__manager_enter(manager);
    while (refusal == GW__CLOSE_REASON__SERVER_FULL && make_room(manager)) {
        refusal = gw__manager_enter(manager);
    }
    if (refusal != GW__CLOSE_REASON__NONE) {
        return refusal;
    }
    *session_out = gw__session_create(manager, user);
    if (*session_out == NULL) {
        gw__manager_leave(manager);
        return GW__CLOSE_REASON__NO_MEMORY;
    }
    return GW__CLOSE_REASON__NONE;
}

void gw_session_manager_admit(struct gw_session_manager *manager, struct gw_stream *stream)
{
    if (manager->config.side != GW_SIDE_SERVER) {
        gw__misuse(manager, __func__, "connections come in on a server's side", 0);
        return;
    }
    struct gw_session *session;
    Gw__CloseReason refusal = let_in(manager, NULL, &session);
    if (refusal != GW__CLOSE_REASON__NONE) {
        turn_away(manager, stream, refusal);
        return;
    }
    count_begun(manager);
    session->stream = gw_stream_ref(stream);
    gw_stream_start(stream, &gw__session_stream_events, session);
}

gw_session_id gw_session_manager_dial(struct gw_session_manager *manager,
                                      const struct gw_addr *addr, const struct gw_addr *source,
                                      void *user)
{
    if (manager->config.side != GW_SIDE_CLIENT) {
        gw__misuse(manager, __func__, "a client's side dials", 0);
        return GW_SESSION_ID_NONE;
    }
    struct gw_session *session;
    if (gw__manager_is_draining(manager) ||
        let_in(manager, user, &session) != GW__CLOSE_REASON__NONE) {
        return GW_SESSION_ID_NONE;
    }
    /* Its life may be over before it has begun here. */
    gw_session_ref(session);
    gw_session_id id = session->id;
    const struct gw_stream_config config = gw_session_manager_stream_config(manager);
    int error = gw_stream_dial(manager->port, addr, source, &config, &gw__session_stream_events,
                               session, &session->stream);
    if (error != GW_OK) {
        gw_session_unref(session);
        gw__manager_leave(manager);
        id = GW_SESSION_ID_NONE;
    } else {
        count_begun(manager);
        gw__slots_show(&manager->slots, id);
    }
    gw_session_unref(session);
    return id;
}
