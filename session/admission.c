/* session/admission.c: admission of connections, dialing, and the count of sessions. */
#include "session/admission.h"

#include "session/counters.h"
#include "session/end.h"
#include "session/internal.h"

#include "net/error.h"
#include "net/listener.h"
#include "net/port.h"

#include <stdlib.h>

/* ---- the count of sessions ---- */

/*
 * `admitted` is one word, so that the last session to leave can detect that it is the last:
 *
 *      drained | draining | references, 31 bits | sessions, 31 bits
 *
 * A reference is work that an ended session has left: a membership that leaves its group, an answer
 * posted to another turn, a rejected stream that sends CLOSE. When all is 0 but `draining`, one
 * thread sets `drained`; from then on nothing is admitted.
 */
#define SESSIONS  UINT64_C(0x7FFFFFFF)
#define SESSION   UINT64_C(1)
#define REFERENCE (UINT64_C(1) << 31)
#define DRAINING  (UINT64_C(1) << 62)
#define DRAINED   (UINT64_C(1) << 63)

/* Adds `unit`. Returns NONE; SERVER_FULL at the limit of sessions; SHUTDOWN when drained. */
static Gw__CloseReason enter(struct gw_session_manager *manager, uint64_t unit, uint64_t count_max)
{
    uint64_t admitted = atomic_load(&manager->admitted);
    do {
        if ((admitted & DRAINED) != 0) {
            return GW__CLOSE_REASON__SHUTDOWN;
        }
        if ((admitted & SESSIONS) >= count_max) {
            return GW__CLOSE_REASON__SERVER_FULL;
        }
    } while (!atomic_compare_exchange_weak(&manager->admitted, &admitted, admitted + unit));
    return GW__CLOSE_REASON__NONE;
}

static void leave(struct gw_session_manager *manager, uint64_t unit)
{
    if (atomic_fetch_sub(&manager->admitted, unit) - unit == DRAINING) {
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
    return enter(manager, REFERENCE, UINT64_MAX) == GW__CLOSE_REASON__NONE;
}

void gw__manager_unref(struct gw_session_manager *manager)
{
    leave(manager, REFERENCE);
}

void gw__manager_set_draining(struct gw_session_manager *manager)
{
    atomic_fetch_or(&manager->admitted, DRAINING);
}

bool gw__manager_is_draining(struct gw_session_manager *manager)
{
    return (atomic_load(&manager->admitted) & DRAINING) != 0;
}

void gw__manager_check_drained(struct gw_session_manager *manager)
{
    uint64_t empty = DRAINING;
    if (atomic_compare_exchange_strong(&manager->admitted, &empty, DRAINING | DRAINED)) {
        gw__manager_drained(manager);
    }
}

uint32_t gw_session_manager_count(const struct gw_session_manager *manager)
{
    return (uint32_t)(atomic_load(&manager->admitted) & SESSIONS);
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

static void on_rejected_close(struct gw_stream *stream, int reason, void *context)
{
    (void)stream;
    (void)reason;
    gw__manager_unref(context);
}

/* Without on_recv, received bytes are discarded. */
static const struct gw_stream_events full_events = {
    .on_open = on_full,
    .on_close = on_rejected_close,
};

static const struct gw_stream_events no_memory_events = {
    .on_open = on_no_memory,
    .on_close = on_rejected_close,
};

/* Sends CLOSE on a stream that does not become a session. When drained, does not start it. */
static void reject(struct gw_session_manager *manager, struct gw_stream *stream,
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

/* ---- pending sessions: connections without a HELLO ---- */

/*
 * A ring buffer of ids in the order of their connections. Any worker adds ids and removes the
 * oldest one; an id whose session has sent its HELLO or has ended is removed when it is the oldest.
 * When the buffer is full, the oldest id is overwritten: that session can no longer be displaced,
 * and ends at its greeting timeout.
 */
bool gw__pending_init(struct gw_session_manager *manager)
{
    uint32_t count = 1;
    while (count < manager->config.session_count_max) {
        count *= 2;
    }
    manager->pending_mask = count - 1;
    manager->pending_ids = calloc(count, sizeof(*manager->pending_ids));
    return manager->pending_ids != NULL;
}

void gw__pending_fini(struct gw_session_manager *manager)
{
    free(manager->pending_ids);
}

/* Returns the position of the oldest id; false when there is none. */
static bool oldest(struct gw_session_manager *manager, uint32_t first, uint32_t *position_out)
{
    uint32_t end = atomic_load(&manager->pending_end);
    uint32_t count_max = manager->pending_mask + 1;
    *position_out = end - first > count_max ? end - count_max : first;
    return end != first;
}

/*
 * Ends a session that is still pending. While it closes it counts as a reference and no longer as a
 * session. The reference is added before on_close can release it.
 */
static bool displace(struct gw_session_manager *manager, struct gw_session *session)
{
    uint8_t expected = GW_PENDING_YES;
    if (!gw__manager_ref(manager)) {
        return false;
    }
    if (!atomic_compare_exchange_strong(&session->pending, &expected, GW_PENDING_DISPLACED)) {
        gw__manager_unref(manager);
        return false;
    }
    struct gw_shard *shard = gw__shard(manager);
    gw__count(shard, &shard->displaced, 1);
    gw_session_end(session, GW__CLOSE_REASON__SERVER_FULL);
    gw__manager_leave(manager);
    return true;
}

/* A HELLO follows its connection immediately; a newer connection may still send it. */
static bool is_in_grace(const struct gw_session_manager *manager, const struct gw_session *session)
{
    uint64_t now_ms = (gw_port_now_ns(manager->port) - manager->begun_ns) / 1000000;
    return (uint32_t)now_ms - session->begun_ms < GW_HELLO_GRACE_MS;
}

/*
 * Removes the oldest id when its session has sent its HELLO or has ended. With `displaces` it also
 * displaces a pending session. Returns whether the next id may be examined.
 */
static bool remove_oldest(struct gw_session_manager *manager, bool displaces, bool *displaced_out)
{
    unsigned first = atomic_load(&manager->pending_first);
    uint32_t position;
    if (!oldest(manager, first, &position)) {
        return false;
    }
    gw_session_id id = atomic_load(&manager->pending_ids[position & manager->pending_mask]);
    struct gw_session *session = gw_session_manager_find(manager, id);
    bool is_pending = session != NULL && atomic_load(&session->pending) == GW_PENDING_YES;
    bool stays = is_pending && (!displaces || is_in_grace(manager, session));
    if (!stays && atomic_compare_exchange_strong(&manager->pending_first, &first, position + 1)) {
        *displaced_out = is_pending && displace(manager, session);
    }
    gw_session_unref(session);
    return !stays;
}

/* Removes up to two old ids for each new one, so that a full server has few to skip. */
void gw__pending_add(struct gw_session *session)
{
    struct gw_session_manager *manager = session->manager;
    bool ignored;
    if (manager->config.side != GW_SIDE_SERVER) {
        return;
    }
    if (remove_oldest(manager, false, &ignored)) {
        (void)remove_oldest(manager, false, &ignored);
    }
    atomic_store(&session->pending, GW_PENDING_YES);
    uint32_t position = atomic_fetch_add(&manager->pending_end, 1);
    atomic_store(&manager->pending_ids[position & manager->pending_mask], session->id);
}

bool gw__pending_end(struct gw_session *session)
{
    uint8_t before = GW_PENDING_YES;
    return atomic_compare_exchange_strong(&session->pending, &before, GW_PENDING_NO) ||
           before != GW_PENDING_DISPLACED;
}

/* Displaces the oldest pending session. Returns false when there is none. */
static bool displace_oldest(struct gw_session_manager *manager)
{
    bool displaced = false;
    if (!gw__manager_is_draining(manager)) {
        while (!displaced && remove_oldest(manager, true, &displaced)) {
        }
    }
    return displaced;
}

/* ---- new sessions ---- */

/* Counts and creates a session. Returns NONE, or the reason why there is none. */
static Gw__CloseReason create_admitted(struct gw_session_manager *manager, void *user,
                                       struct gw_session **session_out)
{
    Gw__CloseReason refusal = gw__manager_enter(manager);
    while (refusal == GW__CLOSE_REASON__SERVER_FULL && displace_oldest(manager)) {
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
        gw__misuse(manager, __func__, "only a server admits connections", 0);
        return;
    }
    struct gw_session *session;
    Gw__CloseReason refusal = create_admitted(manager, NULL, &session);
    if (refusal != GW__CLOSE_REASON__NONE) {
        reject(manager, stream, refusal);
        return;
    }
    count_begun(manager);
    session->stream = gw_stream_ref(stream);
    gw_stream_start(stream, gw__session_stream_events(manager), session);
}

static void on_accept(struct gw_listener *listener, struct gw_stream *stream, void *context)
{
    (void)listener;
    gw_session_manager_admit(context, stream);
}

static void on_listener_closed(struct gw_listener *listener, void *context)
{
    const struct gw_session_manager *manager = context;
    if (manager->events->on_listener_closed != NULL) {
        manager->events->on_listener_closed(listener, manager->context);
    }
}

static struct gw_stream_config
filtered_config(const struct gw_session_manager *manager,
                struct gw_filter_source *const filters[GW_STREAM_FILTER_COUNT_MAX])
{
    struct gw_stream_config config = gw_session_manager_stream_config(manager);
    for (int i = 0; i < GW_STREAM_FILTER_COUNT_MAX && filters[i] != NULL; i++) {
        config.filters[i] = filters[i];
    }
    return config;
}

static struct gw_filter_source *const no_filters[GW_STREAM_FILTER_COUNT_MAX];

int gw_session_manager_listen(struct gw_session_manager *manager, const struct gw_addr *addr,
                              struct gw_listener **listener_out)
{
    return gw_session_manager_listen_filtered(manager, addr, no_filters, listener_out);
}

int gw_session_manager_listen_filtered(
    struct gw_session_manager *manager, const struct gw_addr *addr,
    struct gw_filter_source *const filters[GW_STREAM_FILTER_COUNT_MAX],
    struct gw_listener **listener_out)
{
    static const struct gw_listener_events listener_events = {.on_accept = on_accept,
                                                              .on_close = on_listener_closed};
    if (manager->config.side != GW_SIDE_SERVER) {
        gw__misuse(manager, __func__, "only a server listens", 0);
        return GW_E_UNSUPPORTED;
    }
    const struct gw_listener_config config = {
        .addr = *addr,
        .stream = filtered_config(manager, filters),
    };
    return gw_listener_open(manager->port, &config, &listener_events, manager, listener_out);
}

gw_session_id gw_session_manager_dial(struct gw_session_manager *manager,
                                      const struct gw_addr *addr, const struct gw_addr *source,
                                      void *user)
{
    return gw_session_manager_dial_filtered(manager, addr, source, no_filters, user);
}

gw_session_id gw_session_manager_dial_filtered(
    struct gw_session_manager *manager, const struct gw_addr *addr, const struct gw_addr *source,
    struct gw_filter_source *const filters[GW_STREAM_FILTER_COUNT_MAX], void *user)
{
    if (manager->config.side != GW_SIDE_CLIENT) {
        gw__misuse(manager, __func__, "only a client dials", 0);
        return GW_SESSION_ID_NONE;
    }
    struct gw_session *session;
    if (gw__manager_is_draining(manager) ||
        create_admitted(manager, user, &session) != GW__CLOSE_REASON__NONE) {
        return GW_SESSION_ID_NONE;
    }
    /* on_close may run on a worker before gw_stream_dial() returns. */
    gw_session_ref(session);
    gw_session_id id = session->id;
    const struct gw_stream_config config = filtered_config(manager, filters);
    int error = gw_stream_dial(manager->port, addr, source, &config,
                               gw__session_stream_events(manager), session, &session->stream);
    if (error != GW_OK) {
        gw_session_unref(session);
        gw__manager_leave(manager);
        id = GW_SESSION_ID_NONE;
    } else {
        count_begun(manager);
        gw__slots_publish(&manager->slots, id);
    }
    gw_session_unref(session);
    return id;
}
