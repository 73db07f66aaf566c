/* session/door.c: who is let in, who is turned away, and whom we call. */
#include "session/counters.h"
#include "session/internal.h"

#include "net/error.h"

static void count_begun(struct gw_session_manager *manager)
{
    struct gw_shard *shard = gw__shard(manager);
    gw__count(shard, &shard->begun, 1);
}

static void on_full(struct gw_stream *stream, void *context)
{
    gw__farewell(context, NULL, stream, GW__CLOSE_REASON__SERVER_FULL);
}

static void on_no_memory(struct gw_stream *stream, void *context)
{
    gw__farewell(context, NULL, stream, GW__CLOSE_REASON__NO_MEMORY);
}

static void on_turned_away(struct gw_stream *stream, int reason, void *context)
{
    (void)stream;
    (void)reason;
    gw__manager_release(context);
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
    if (!gw__manager_hold(manager)) {
        return;
    }
    count_begun(manager);
    struct gw_shard *shard = gw__shard(manager);
    gw__count(shard, &shard->ended[reason], 1);
    bool full = reason == GW__CLOSE_REASON__SERVER_FULL;
    gw_stream_start(stream, full ? &full_events : &no_memory_events, manager);
}

/* Makes a session that has its place. Returns why not, or NONE. */
static Gw__CloseReason let_in(struct gw_session_manager *manager, void *user,
                              struct gw_session **session_out)
{
    Gw__CloseReason refusal = gw__manager_enter(manager);
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
