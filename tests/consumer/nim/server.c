/* tests/consumer/nim/server.c: The server: its sessions and its listener. */
#include "nim.h"
#include "nim_server.gen.h"

#include <gangway/net/listener.h>

static struct gw_port *port;
static struct gw_session_manager *manager;
static struct gw_listener *listener;

static void on_greeted(struct gw_session *session, const Gw__HelloAck *ack, void *context)
{
    (void)ack;
    (void)context;
    table_join(gw_session_id_of(session));
}

static void on_end(struct gw_session *session, Gw__CloseReason reason, Gw__CloseReason peer_reason,
                   void *context)
{
    (void)reason;
    (void)peer_reason;
    (void)context;
    table_leave(gw_session_id_of(session));
}

bool server_open(struct gw_port *of, const char *address, struct gw_addr *addr_out)
{
    static const struct gw_session_events events = {.on_greeted = on_greeted, .on_end = on_end};
    const struct gw_session_manager_config config = {.side = GW_SIDE_SERVER};
    struct gw_addr addr;

    port = of;
    manager = gw_session_manager_create(port, &config, &nim_server_packets, &events, NULL);
    if (manager == NULL || !table_open(port, manager) || gw_addr_parse(address, &addr) != 0 ||
        gw_session_manager_listen(manager, &addr, &listener) != 0) {
        return false;
    }
    *addr_out = *gw_listener_addr(listener);
    return true;
}

void server_close_listener(void)
{
    gw_listener_close(listener);
}

static void on_drained(void *context)
{
    (void)context;
    gw_port_stop(port);
}

void server_drain(void)
{
    gw_session_manager_drain(manager, 1000, on_drained, NULL);
}

void server_close(void)
{
    table_close();
    gw_session_manager_destroy(manager);
}
