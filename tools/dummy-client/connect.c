/* tools/dummy-client/connect.c: the byte filters of the clients' connections. */
#include "tools/dummy-client/connect.h"
#include "net/error.h"
#include "net/filter/source.h"
#include "net/filter/tls.h"
#include "net/filter/websocket.h"
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

bool dummy_connect_open(struct dummy_options *options, struct problem *problem_out)
{
    int index = 0;
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
