/* tests/consumer/counter/server.c: lets clients in, and counts for each. */
#include "counter.h"
#include "counter_server.gen.h"

#include <gangway/net/listener.h>

#include <stdlib.h>

static struct gw_session_manager *manager;
static struct gw_listener *listener;
static void (*over)(void);

static void on_session_begin(struct gw_session *session, void *context)
{
    (void)context;
    struct count *count = calloc(1, sizeof *count);
    gw_session_set_user(session, count);
    if (count == NULL) {
        gw_session_end(session, GW__CLOSE_REASON__NO_MEMORY);
    }
}

static void on_session_end(struct gw_session *session, Gw__CloseReason reason,
                           Gw__CloseReason peer_reason, void *context)
{
    (void)reason;
    (void)peer_reason;
    (void)context;
    free(gw_session_user(session));
}

static void on_listener_closed(struct gw_listener *at, void *context)
{
    (void)at;
    (void)context;
    over();
}

bool server_open(struct gw_port *port, const char *address, struct gw_addr *addr_out)
{
    static const struct gw_session_events events = {
        .on_begin = on_session_begin,
        .on_end = on_session_end,
        .on_listener_closed = on_listener_closed,
    };
    const struct gw_session_manager_config config = {.side = GW_SIDE_SERVER};
    struct gw_addr addr;

    manager = gw_session_manager_create(port, &config, &counter_server_packets, &events, NULL);
    if (manager == NULL || gw_addr_parse(address, &addr) != 0 ||
        gw_session_manager_listen(manager, &addr, &listener) != 0) {
        return false;
    }
    *addr_out = *gw_listener_addr(listener);
    return true;
}

static void on_drained(void *context)
{
    (void)context;
    gw_listener_close(listener);
}

void server_end(void (*on_over)(void))
{
    over = on_over;
    gw_session_manager_drain(manager, 0, on_drained, NULL);
}

void server_close(void)
{
    gw_session_manager_destroy(manager);
}
