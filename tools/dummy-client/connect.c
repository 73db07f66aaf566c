/* tools/dummy-client/connect.c: the address and the byte filters of the clients' connections. */
#include "tools/dummy-client/connect.h"
#include "net/error.h"
#include "net/filter/source.h"
#include "net/filter/tls.h"
#include "net/filter/websocket.h"
#include "net/lookup.h"
#include "net/port.h"
#include "net/stream.h"
#include "net/workers.h"
#include "tools/dummy-client/options.h"
#include <stdio.h>

static bool explain(const struct dummy_options *options, const char *why, struct problem *problem)
{
    char text[URL_TEXT_BYTES];
    return problem_set(problem, "--connect %s: %s", url_format(&options->connect, text), why);
}

static bool add_tls(struct dummy_options *options, int index, struct problem *problem)
{
    char why[GW_TLS_PROBLEM_BYTES];
    const struct gw_tls_client_config config = {
        .ca_path = options->tls_ca,
        .insecure = options->tls_insecure,
        .server_name = options->connect.host,
        .alpn = url_has_websocket(&options->connect) ? "http/1.1" : "gangway/1",
    };
    return gw_tls_client_create(&config, &options->filters[index], why) == GW_OK ||
           explain(options, why, problem);
}

static bool add_websocket(struct dummy_options *options, int index, struct problem *problem)
{
    char host[URL_HOST_BYTES + 8];
    const struct url *url = &options->connect;
    const struct gw_websocket_client_config config = {.host = host, .path = url->path};
    if (url->is_name) {
        snprintf(host, sizeof host, "%s:%u", url->host, (unsigned)url->addr.port);
    } else {
        gw_addr_format(&url->addr, host);
    }
    int error = gw_websocket_client_create(&config, &options->filters[index]);
    return error == GW_OK || explain(options,
                                     error == GW_E_UNSUPPORTED
                                         ? "this build is without WebSocket; build it with libwslay"
                                         : gw_error_text(error),
                                     problem);
}

/* ---- the address of a host name ---- */

/* On a port of its own with one worker, which runs until an address is chosen. */
struct choice {
    struct gw_lookup lookup;
    struct gw_turn turn;
    struct gw_port *port;
    uint32_t index; /* of the address that is tried, or was chosen */
    bool is_chosen;
    bool is_ipv4; /* the clients have IPv4 addresses: see --source */
    int result;
};

static void on_open(struct gw_stream *stream, void *context)
{
    struct choice *choice = context;
    choice->is_chosen = true;
    gw_stream_close(stream, GW_E_CLOSED);
}

static void try_address(struct choice *choice);

static void on_close(struct gw_stream *stream, int reason, void *context)
{
    struct choice *choice = context;
    (void)stream;
    (void)reason;
    if (choice->is_chosen) {
        gw_port_stop(choice->port);
    } else {
        choice->index++;
        try_address(choice);
    }
}

/* Connects to one address after the other. When none accepts, the clients report that of the
 * first. */
static void try_address(struct choice *choice)
{
    static const struct gw_stream_events events = {.on_open = on_open, .on_close = on_close};
    const struct gw_stream_config config = {.recv_bytes_max = 1024, .send_queue_bytes_max = 1024};
    struct gw_lookup *lookup = &choice->lookup;
    for (; lookup->addr_count > 1 && choice->index < lookup->addr_count; choice->index++) {
        struct gw_stream *stream;
        if (choice->is_ipv4 && !gw_addr_is_ipv4(&lookup->addrs[choice->index])) {
            continue;
        }
        if (gw_stream_dial(choice->port, &lookup->addrs[choice->index], NULL, &config, &events,
                           choice, &stream) == GW_OK) {
            gw_stream_unref(stream);
            return;
        }
    }
    choice->index = 0;
    gw_port_stop(choice->port);
}

static void on_looked_up(struct gw_lookup *lookup, int result)
{
    struct choice *choice = (struct choice *)(void *)lookup; /* its first member */
    choice->result = result;
    if (result == GW_OK) {
        try_address(choice);
    } else {
        gw_port_stop(choice->port);
    }
}

/* Runs the port until it is stopped. Returns the error of the lookup. */
static int choose(struct choice *choice, const struct url *url)
{
    const struct gw_offload_config config = {.thread_count = 1};
    struct gw_offload *pool;
    struct gw_workers *workers;
    int error = gw_offload_create(choice->port, &config, &pool);
    if (error != GW_OK) {
        return error;
    }
    gw_turn_init(&choice->turn, choice->port, NULL);
    error = gw_lookup_post(&choice->lookup, pool, &choice->turn, url->host, url->addr.port);
    if (error == GW_OK) {
        error = gw_workers_start(choice->port, &workers);
        error = error == GW_OK ? gw_workers_join(workers) : error;
    }
    gw_offload_destroy(pool);
    gw_turn_unref(&choice->turn);
    return error;
}

/* Sets the address of the URL to the first one of its host that accepts a connection. */
static int look_up(struct dummy_options *options)
{
    static struct choice choice;
    const struct gw_port_config config = {
        .backend = options->backend, .worker_count = 1, .stream_count_max = 2};
    struct url *url = &options->connect;
    choice = (struct choice){.lookup.on_done = on_looked_up, .is_ipv4 = options->source.count > 0};
    int error = gw_port_create(&config, &choice.port);
    if (error != GW_OK) {
        return error;
    }
    error = choose(&choice, url);
    gw_port_destroy(choice.port);
    error = error == GW_OK ? choice.result : error;
    if (error == GW_OK) {
        url->addr = choice.lookup.addrs[choice.index];
    }
    return error;
}

bool dummy_connect_open(struct dummy_options *options, struct problem *problem_out)
{
    int index = 0;
    int error = options->connect.is_name ? look_up(options) : GW_OK;
    if (error != GW_OK) {
        return explain(options, gw_error_text(error), problem_out);
    }
    if (url_has_tls(&options->connect) && !add_tls(options, index++, problem_out)) {
        return false;
    }
    return !url_has_websocket(&options->connect) || add_websocket(options, index, problem_out);
}

void dummy_connect_close(struct dummy_options *options)
{
    for (int i = 0; i < GW_STREAM_FILTER_COUNT_MAX; i++) {
        gw_filter_source_unref(options->filters[i]);
        options->filters[i] = NULL;
    }
}
