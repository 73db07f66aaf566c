// tests/consumer/plugin/plugin.cc: A server and a client in C++, on two threads of their own.
#include "counter.gen.h"
#include "counter_client.gen.h"
#include "counter_server.gen.h"

#include <gangway/net/workers.h>
#include <gangway/net/error.h>
#include <gangway/net/listener.h>
#include <gangway/net/log.h>
#include <gangway/net/port.h>
#include <gangway/net/turn.h>
#include <gangway/session/manager.h>
#include <gangway/session/request.h>

#include <cstdio>
#include <string>

namespace
{

/* The sum, with a turn of its own. */
struct Sum {
    gw_turn turn{};
    gw_task end{};
    long long sum = 0;
    bool freed = false;
};

gw_port *port;
gw_session_manager *server;
gw_session_manager *client;
gw_listener *listener;
Sum *counter;

void log_write(gw_log_level level, const char *event, const gw_log_field *, size_t, void *)
{
    if (level <= GW_LOG_WARNING) {
        std::fprintf(stderr, "plugin: %s: %s\n", gw_log_level_name(level), event);
    }
}

void on_accept(gw_listener *, gw_stream *stream, void *)
{
    gw_session_manager_admit(server, stream);
}

void on_listener_close(gw_listener *, void *)
{
    gw_port_stop(port);
}

void on_server_drained(void *)
{
    gw_listener_close(listener);
}

void on_client_drained(void *)
{
    gw_session_manager_drain(server, 0, on_server_drained, nullptr);
}

void on_sum_end(gw_task *)
{
    gw_session_manager_drain(client, 0, on_client_drained, nullptr);
}

void on_sum_free(gw_turn *turn)
{
    reinterpret_cast<Sum *>(turn)->freed = true;
}

void on_client_begin(gw_session *session, void *)
{
    std::string name = "plugin";
    Gw__Hello hello = GW__HELLO__INIT;
    hello.name = name.data();
    gw_session_hello(session, &hello);
}

void on_client_greeted(gw_session *session, const Gw__HelloAck *, void *)
{
    Counter__Begin begin = COUNTER__BEGIN__INIT;
    begin.value = 40;
    counter_send_begin(session, &begin);
    Counter__Add add = COUNTER__ADD__INIT;
    add.value = 2;
    counter_send_add(session, &add);
}

void on_client_end(gw_session *, Gw__CloseReason, Gw__CloseReason, void *)
{
    gw_turn_post(&counter->turn, &counter->end);
}

void on_server_end(gw_session *, Gw__CloseReason, Gw__CloseReason, void *)
{
}

bool open()
{
    static gw_session_events server_events{};
    server_events.on_end = on_server_end;
    static gw_session_events client_events{};
    client_events.on_begin = on_client_begin;
    client_events.on_greeted = on_client_greeted;
    client_events.on_end = on_client_end;
    static const gw_listener_events listener_events{on_accept, on_listener_close};

    gw_port_config config{};
    config.worker_count = 2;
    config.stream_count_max = 16;
    config.log.write = log_write;
    if (gw_port_create(&config, &port) != GW_OK) {
        return false;
    }
    gw_turn_init(&counter->turn, port, on_sum_free);
    counter->end.run = on_sum_end;

    gw_session_manager_config server_config{};
    server_config.side = GW_SIDE_SERVER;
    server = gw_session_manager_create(port, &server_config, &counter_server_packets,
                                       &server_events, nullptr);
    gw_session_manager_config client_config{};
    client_config.side = GW_SIDE_CLIENT;
    client = gw_session_manager_create(port, &client_config, &counter_client_packets,
                                       &client_events, nullptr);
    gw_listener_config at{};
    if (server == nullptr || client == nullptr || gw_addr_parse("127.0.0.1:0", &at.addr) != GW_OK) {
        return false;
    }
    at.stream = gw_session_manager_stream_config(server);
    return gw_listener_open(port, &at, &listener_events, nullptr, &listener) == GW_OK &&
           gw_session_manager_dial(client, gw_listener_addr(listener), nullptr, nullptr) !=
               GW_SESSION_ID_NONE;
}

} // namespace

void counter_on_begin(gw_session *session, const gw_frame *, const Counter__Begin *begin)
{
    counter->sum = begin->value;
    gw_session_set_stage(session, COUNTER__STAGE__COUNTING);
}

void counter_on_add(gw_session *session, const gw_frame *, const Counter__Add *add)
{
    const gw_log_field fields[] = {GW_LOG_NUMBER("value", add->value), GW_LOG_TEXT("unit", "one")};
    gw_log_write(gw_port_log(port), GW_LOG_DEBUG, "added", fields, 2);
    Counter__Sum sum = COUNTER__SUM__INIT;
    sum.value = counter->sum + add->value;
    counter_send_sum(session, &sum);
}

void counter_client_on_sum(gw_session *session, const gw_frame *, const Counter__Sum *sum)
{
    counter->sum = sum->value;
    gw_session_end(session, GW__CLOSE_REASON__SHUTDOWN);
}

/* Called by the host. Returns 40 + 2, added over the wire, or -1. */
extern "C" __attribute__((visibility("default"))) long long plugin_count()
{
    counter = new Sum;
    gw_workers *workers = nullptr;
    if (!open() || gw_workers_start(port, &workers) != GW_OK || gw_workers_join(workers) != GW_OK) {
        return -1;
    }
    gw_turn_unref(&counter->turn);
    gw_session_manager_destroy(client);
    gw_session_manager_destroy(server);
    gw_port_destroy(port);
    long long sum = counter->freed ? counter->sum : -1;
    delete counter;
    return sum;
}
