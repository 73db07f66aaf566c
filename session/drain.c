/* session/drain.c: graceful shutdown of all sessions. */
#include "session/admission.h"
#include "session/internal.h"

#include "net/container_of.h"
#include "net/port.h"

#define NANOSECONDS_PER_MS UINT64_C(1000000)

/* When clients reconnect, at random, so that they do not reconnect all at the same time. */
enum { RETRY_MIN_MS = 500, RETRY_MAX_MS = 5000 };

static struct gw_buf *encode_go_away(const struct gw_session_manager *manager)
{
    Gw__GoAway go_away = GW__GO_AWAY__INIT;
    go_away.deadline_ms = manager->drain_ms;
    go_away.retry_min_ms = RETRY_MIN_MS;
    go_away.retry_max_ms = RETRY_MAX_MS;
    return gw_session_encode(GW_CONTROL_GO_AWAY, &go_away.base);
}

/* Without a GOAWAY (client side, or out of memory) the session ends at the deadline. */
static void announce(struct gw_session *session, void *context)
{
    struct gw_buf *go_away = context;
    if (!atomic_load(&session->greeted)) {
        gw_session_end(session, GW__CLOSE_REASON__SHUTDOWN);
    } else if (go_away != NULL) {
        gw_session_send_encoded(session, go_away);
    }
}

static void end_session(struct gw_session *session, void *context)
{
    (void)context;
    gw_session_end(session, GW__CLOSE_REASON__SHUTDOWN);
}

static void on_deadline(struct gw_timer *timer)
{
    struct gw_session_manager *manager =
        GW_CONTAINER_OF(timer, struct gw_session_manager, drain_timer);
    gw_session_manager_each(manager, end_session, NULL);
}

/* A session that begins after set_draining() ends in on_open; every earlier one is visited. */
static void run_drain(struct gw_task *task)
{
    struct gw_session_manager *manager =
        GW_CONTAINER_OF(task, struct gw_session_manager, drain_task);
    bool sends_go_away = manager->config.side == GW_SIDE_SERVER;
    struct gw_buf *go_away = sends_go_away ? encode_go_away(manager) : NULL;
    gw__manager_set_draining(manager);
    gw_timer_set(&manager->drain_timer,
                 gw_port_now_ns(manager->port) + manager->drain_ms * NANOSECONDS_PER_MS);
    gw_session_manager_each(manager, announce, go_away);
    gw_buf_unref(go_away);
    gw__manager_check_drained(manager);
}

static void run_drained(struct gw_task *task)
{
    struct gw_session_manager *manager =
        GW_CONTAINER_OF(task, struct gw_session_manager, drained_task);
    gw_timer_stop(&manager->drain_timer);
    manager->on_drained(manager->drained_context);
}

void gw__manager_drained(struct gw_session_manager *manager)
{
    gw_turn_post(&manager->turn, &manager->drained_task);
}

void gw__drain_init(struct gw_session_manager *manager)
{
    manager->drain_task.run = run_drain;
    manager->drained_task.run = run_drained;
    gw_timer_init(&manager->drain_timer, &manager->turn, on_deadline);
}

void gw_session_manager_drain(struct gw_session_manager *manager, uint32_t drain_ms,
                              void (*on_drained)(void *context), void *context)
{
    if (on_drained == NULL || manager->on_drained != NULL) {
        gw__misuse(manager, __func__, "it is called once, with an on_drained", drain_ms);
        return;
    }
    manager->drain_ms = drain_ms;
    manager->on_drained = on_drained;
    manager->drained_context = context;
    gw_turn_post(&manager->turn, &manager->drain_task);
}
