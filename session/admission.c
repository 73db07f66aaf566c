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
 * A reference is a pending session, or one that was displaced or refused, until it has closed; or
 * work that an ended session has left: a membership that leaves its group, an answer posted to
 * another turn. When all is 0 but `draining`, one thread sets `drained`; from then on nothing is
 * admitted.
 */
#define SESSIONS  UINT64_C(0x7FFFFFFF)
#define SESSION   UINT64_C(1)
#define REFERENCE (UINT64_C(1) << 31)
#define DRAINING  (UINT64_C(1) << 62)
#define DRAINED   (UINT64_C(1) << 63)

/* Adds `unit`. Returns false at the limit of sessions, and when drained. */
static bool enter(struct gw_session_manager *manager, uint64_t unit, uint64_t session_count_max)
{
    uint64_t admitted = atomic_load(&manager->admitted);
    do {
        if ((admitted & DRAINED) != 0 || (admitted & SESSIONS) >= session_count_max) {
            return false;
        }
    } while (!atomic_compare_exchange_weak(&manager->admitted, &admitted, admitted + unit));
    return true;
}

static void leave(struct gw_session_manager *manager, uint64_t unit)
{
    if (atomic_fetch_sub(&manager->admitted, unit) - unit == DRAINING) {
        gw__manager_check_drained(manager);
    }
}

/* The reference of a pending session becomes a session. Returns false at the limit of sessions. */
static bool become_session(struct gw_session_manager *manager)
{
    uint64_t admitted = atomic_load(&manager->admitted);
    do {
        if ((admitted & SESSIONS) >= manager->config.session_count_max) {
            return false;
        }
    } while (!atomic_compare_exchange_weak(&manager->admitted, &admitted,
                                           admitted + SESSION - REFERENCE));
    return true;
}

bool gw__manager_ref(struct gw_session_manager *manager)
{
    return enter(manager, REFERENCE, UINT64_MAX);
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

uint32_t gw_session_manager_pending_count(const struct gw_session_manager *manager)
{
    return atomic_load_explicit(&manager->pending.count, memory_order_relaxed);
}

/* ---- refused connections ---- */

/*
 * Counts a connection that is refused, until end_refusal(). Returns false when so many are closing
 * that this one is closed at once, without CLOSE. A half is reserved for other reasons than
 * ADDRESS_LIMIT, which one client can cause as often as it likes.
 */
static bool begin_refusal(struct gw_session_manager *manager, Gw__CloseReason reason)
{
    bool is_of_address = reason == GW__CLOSE_REASON__ADDRESS_LIMIT;
    uint32_t count_max = is_of_address ? GW_REFUSED_COUNT_MAX / 2 : GW_REFUSED_COUNT_MAX;
    return atomic_fetch_add(&manager->refused_count, 1) < count_max;
}

static void end_refusal(struct gw_session_manager *manager)
{
    atomic_fetch_sub(&manager->refused_count, 1);
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

static void on_address_limit(struct gw_stream *stream, void *context)
{
    gw__stream_finish_with_close(context, NULL, stream, GW__CLOSE_REASON__ADDRESS_LIMIT, NULL);
}

static void on_no_memory(struct gw_stream *stream, void *context)
{
    gw__stream_finish_with_close(context, NULL, stream, GW__CLOSE_REASON__NO_MEMORY, NULL);
}

static void on_rejected_close(struct gw_stream *stream, int reason, void *context)
{
    (void)stream;
    (void)reason;
    end_refusal(context);
    gw__manager_unref(context);
}

/* Without on_recv, received bytes are discarded. */
static const struct gw_stream_events *rejected_events(Gw__CloseReason reason)
{
    static const struct gw_stream_events full = {
        .on_open = on_full,
        .on_close = on_rejected_close,
    };
    static const struct gw_stream_events address_limit = {
        .on_open = on_address_limit,
        .on_close = on_rejected_close,
    };
    static const struct gw_stream_events no_memory = {
        .on_open = on_no_memory,
        .on_close = on_rejected_close,
    };
    return reason == GW__CLOSE_REASON__SERVER_FULL     ? &full
           : reason == GW__CLOSE_REASON__ADDRESS_LIMIT ? &address_limit
                                                       : &no_memory;
}

/*
 * Sends CLOSE on a stream that does not become a session. When too many are closing, does not start
 * it: then its listener closes it. Releases a reference to the manager when it has closed.
 */
static void reject(struct gw_session_manager *manager, struct gw_stream *stream,
                   Gw__CloseReason reason)
{
    count_begun(manager);
    struct gw_shard *shard = gw__shard(manager);
    gw__count(shard, &shard->ended[reason], 1);
    gw__count(shard, &shard->ended_ungreeted[reason], 1);
    if (begin_refusal(manager, reason)) {
        gw_stream_start(stream, rejected_events(reason), manager);
    } else {
        end_refusal(manager);
        gw__manager_unref(manager);
    }
}

/* ---- pending sessions: connections without a HELLO ---- */

/*
 * Ends a session that is not pending any more and does not become a session. Its on_close calls
 * end_refusal().
 */
static void refuse(struct gw_session *session, Gw__CloseReason reason, bool sends_close)
{
    gw_session_end(session, reason);
    if (!sends_close) {
        gw_stream_close(session->stream, (int)reason);
    }
}

/*
 * Displaces the oldest pending session. Returns false when there is none. The refusal is counted
 * before on_close can end it. A session that find() does not return yet ends in on_open.
 */
static bool displace_oldest(struct gw_session_manager *manager)
{
    bool sends_close = begin_refusal(manager, GW__CLOSE_REASON__SERVER_FULL);
    gw_session_id id = gw__pending_displace(&manager->pending);
    if (id == GW_SESSION_ID_NONE) {
        end_refusal(manager);
        return false;
    }
    struct gw_shard *shard = gw__shard(manager);
    gw__count(shard, &shard->displaced, 1);
    struct gw_session *session = gw_session_manager_find(manager, id);
    if (session != NULL) {
        refuse(session, GW__CLOSE_REASON__SERVER_FULL, sends_close);
        gw_session_unref(session);
    }
    return true;
}

void gw__session_check_displaced(struct gw_session *session)
{
    struct gw_session_manager *manager = session->manager;
    if (manager->config.side == GW_SIDE_SERVER &&
        !gw__pending_has(&manager->pending, session->pending, session->id)) {
        gw_session_end(session, GW__CLOSE_REASON__SERVER_FULL);
    }
}

/* Refuses a session in its turn, which has released its entry. */
static bool refuse_here(struct gw_session *session, Gw__CloseReason reason)
{
    refuse(session, reason, begin_refusal(session->manager, reason));
    return false;
}

/* Releases the entry of a pending session. Returns false when it was displaced, and ends it. */
static bool release_entry(struct gw_session *session)
{
    bool was_pending =
        gw__pending_remove(&session->manager->pending, session->pending, session->id);
    if (!was_pending) {
        gw_session_end(session, GW__CLOSE_REASON__SERVER_FULL);
    }
    return was_pending;
}

bool gw__session_check_address(struct gw_session *session)
{
    struct gw_session_manager *manager = session->manager;
    if (gw__address_move(manager, gw_session_peer(session), &session->address)) {
        return true;
    }
    return release_entry(session) && refuse_here(session, GW__CLOSE_REASON__ADDRESS_LIMIT);
}

bool gw__session_enter(struct gw_session *session)
{
    if (!release_entry(session)) {
        return false;
    }
    if (!become_session(session->manager)) {
        return refuse_here(session, GW__CLOSE_REASON__SERVER_FULL);
    }
    session->hello_done = true;
    return true;
}

bool gw__session_leave_pending(struct gw_session *session)
{
    struct gw_session_manager *manager = session->manager;
    gw__address_leave(manager, session->address);
    if (session->hello_done || manager->config.side != GW_SIDE_SERVER) {
        return false;
    }
    if (!gw__pending_remove(&manager->pending, session->pending, session->id)) {
        end_refusal(manager); /* it was displaced or refused */
    }
    return true;
}

void gw__manager_leave(struct gw_session_manager *manager, bool was_pending)
{
    leave(manager, was_pending ? REFERENCE : SESSION);
}

/* ---- new sessions ---- */

/* Creates a pending session. Returns NONE, or the reason why there is none. */
static Gw__CloseReason create_pending(struct gw_session_manager *manager,
                                      struct gw_session **session_out)
{
    struct gw_session *session = gw__session_create(manager, NULL);
    if (session == NULL) {
        return GW__CLOSE_REASON__NO_MEMORY;
    }
    do {
        session->pending = gw__pending_add(&manager->pending, session->id);
    } while (session->pending == 0 && displace_oldest(manager));
    if (session->pending == 0) {
        gw_session_unref(session);
        return GW__CLOSE_REASON__SERVER_FULL;
    }
    *session_out = session;
    return GW__CLOSE_REASON__NONE;
}

static Gw__CloseReason admit(struct gw_session_manager *manager, struct gw_stream *stream)
{
    struct gw_session *session;
    uint32_t address = 0;
    if (!gw_stream_awaits_peer(stream) &&
        !gw__address_enter(manager, gw_stream_peer(stream), &address)) {
        return GW__CLOSE_REASON__ADDRESS_LIMIT;
    }
    Gw__CloseReason refusal = create_pending(manager, &session);
    if (refusal != GW__CLOSE_REASON__NONE) {
        gw__address_leave(manager, address);
        return refusal;
    }
    session->address = address;
    session->stream = gw_stream_ref(stream);
    count_begun(manager);
    gw_stream_start(stream, gw__session_stream_events(manager), session);
    return GW__CLOSE_REASON__NONE;
}

/* A pending session is a reference to the manager, until gw__session_enter(). */
void gw_session_manager_admit(struct gw_session_manager *manager, struct gw_stream *stream)
{
    if (manager->config.side != GW_SIDE_SERVER) {
        gw__misuse(manager, __func__, "only a server admits connections", 0);
        return;
    }
    if (!gw__manager_ref(manager)) {
        return; /* it is drained: the listener closes the stream */
    }
    Gw__CloseReason refusal = admit(manager, stream);
    if (refusal != GW__CLOSE_REASON__NONE) {
        reject(manager, stream, refusal);
    }
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
    if (gw__manager_is_draining(manager) ||
        !enter(manager, SESSION, manager->config.session_count_max)) {
        return GW_SESSION_ID_NONE;
    }
    struct gw_session *session = gw__session_create(manager, user);
    if (session == NULL) {
        leave(manager, SESSION);
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
        leave(manager, SESSION);
        id = GW_SESSION_ID_NONE;
    } else {
        count_begun(manager);
        gw__slots_publish(&manager->slots, id);
    }
    gw_session_unref(session);
    return id;
}
