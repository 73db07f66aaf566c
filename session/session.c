/* session/session.c: the lifetime of a session: its creation, its stream events, its end. */
#include "session/session.h"

#include "session/admission.h"
#include "session/counters.h"
#include "session/deadline.h"
#include "session/end.h"
#include "session/internal.h"
#include "session/open_requests.h"
#include "session/receive.h"

#include <assert.h>
#include <stdlib.h>

struct gw_session *gw__session_create(struct gw_session_manager *manager, void *user)
{
    struct gw_session *session = calloc(1, sizeof(*session));
    if (session == NULL) {
        return NULL;
    }
    session->id = gw__slots_acquire(&manager->slots, session);
    if (session->id == GW_SESSION_ID_NONE) {
        free(session);
        return NULL;
    }
    session->manager = manager;
    session->user = user;
    session->stage_bit = 1; /* the game's stage 0 */
    atomic_init(&session->greeted, false);
    atomic_init(&session->ended, false);
    return session;
}

struct gw_session *gw_session_ref(struct gw_session *session)
{
    gw__slots_ref(&session->manager->slots, session->id);
    return session;
}

void gw_session_unref(struct gw_session *session)
{
    if (session != NULL && gw__slots_unref(&session->manager->slots, session->id)) {
        gw_stream_unref(session->stream);
        free(session->buckets);
        free(session);
    }
}

static void on_open(struct gw_stream *stream, void *context)
{
    (void)stream;
    struct gw_session *session = context;
    struct gw_session_manager *manager = session->manager;
    gw__slots_publish(&manager->slots, session->id);
    session->begun_ms = gw__session_now_ms(session);
    gw__session_update_deadline(session);
    gw__session_check_displaced(session);
    if (gw__manager_is_draining(manager)) {
        gw_session_end(session, GW__CLOSE_REASON__SHUTDOWN);
    }
    if (manager->events->on_begin != NULL) {
        manager->events->on_begin(session, manager->context);
    }
}

/*
 * Before on_end, find() stops returning the session, and packets to it are dropped. After on_end it
 * leaves its groups: tasks that on_end posts to the groups' owners run before that, and on_drained
 * is called after them.
 */
static void end(struct gw_session *session, Gw__CloseReason reason)
{
    struct gw_session_manager *manager = session->manager;
    atomic_store(&session->ended, true);
    gw__slots_end(&manager->slots, session->id);
    struct gw_shard *shard = gw__shard(manager);
    gw__count(shard, &shard->ended[gw_close_reason_index(reason)], 1);
    if (!session->greeted) {
        gw__count(shard, &shard->ended_ungreeted[gw_close_reason_index(reason)], 1);
        gw__hint(session, gw_session_problem(session));
    }
    gw__open_requests_end(session);
    manager->events->on_end(session, reason, (Gw__CloseReason)session->peer_reason,
                            manager->context);
    gw__session_leave_groups(session);
}

static void on_close(struct gw_stream *stream, int reason, void *context)
{
    (void)stream;
    struct gw_session *session = context;
    struct gw_session_manager *manager = session->manager;
    end(session, gw__reason_of_stream(reason));
    bool was_pending = gw__session_leave_pending(session);
    gw_session_unref(session);
    gw__manager_leave(manager, was_pending);
}

/* The coalescing key is the id of the packet. */
static void on_lost(struct gw_stream *stream, uint16_t key, void *context)
{
    (void)stream;
    struct gw_session *session = context;
    struct gw_session_manager *manager = session->manager;
    struct gw_shard *shard = gw__shard(manager);
    const struct gw_packet *packet = gw__packet_to_send(manager, key);
    if (packet == NULL) {
        return; /* the program has marked a buffer itself */
    }
    gw__count(shard, &gw__packet_counters(manager, shard, packet)->lost, 1);
    if (manager->events->on_lost != NULL) {
        manager->events->on_lost(session, key, manager->context);
    }
}

static void on_send_low(struct gw_stream *stream, void *context)
{
    (void)stream;
    struct gw_session *session = context;
    if (!gw_session_has_ended(session)) {
        session->manager->events->on_send_low(session, session->manager->context);
    }
}

/* Only with on_send_low the stream watches its queue. */
const struct gw_stream_events *gw__session_stream_events(const struct gw_session_manager *manager)
{
    static const struct gw_stream_events events = {
        .on_open = on_open,
        .on_recv = gw__session_on_recv,
        .on_recv_end = gw__session_on_recv_end,
        .on_deadline = gw__session_on_deadline,
        .on_lost = on_lost,
        .on_close = on_close,
    };
    static const struct gw_stream_events events_with_send_low = {
        .on_open = on_open,
        .on_recv = gw__session_on_recv,
        .on_recv_end = gw__session_on_recv_end,
        .on_deadline = gw__session_on_deadline,
        .on_lost = on_lost,
        .on_send_low = on_send_low,
        .on_close = on_close,
    };
    return manager->events->on_send_low != NULL ? &events_with_send_low : &events;
}

gw_session_id gw_session_id_of(const struct gw_session *session)
{
    return session->id;
}

const struct gw_addr *gw_session_peer(const struct gw_session *session)
{
    return gw_stream_peer(session->stream);
}

const char *gw_session_problem(const struct gw_session *session)
{
    return gw_stream_problem(session->stream);
}

uint32_t gw_session_send_queue_bytes(const struct gw_session *session)
{
    return gw_stream_send_queue_bytes(session->stream);
}

struct gw_turn *gw_session_turn(struct gw_session *session)
{
    return gw_stream_turn(session->stream);
}

struct gw_session_manager *gw_session_manager_of(const struct gw_session *session)
{
    return session->manager;
}

void gw_session_set_user(struct gw_session *session, void *user)
{
    assert(gw_turn_check(gw_session_turn(session), __func__));
    session->user = user;
}

void *gw_session_user(const struct gw_session *session)
{
    assert(gw_turn_check(gw_stream_turn(session->stream), __func__));
    return session->user;
}
