/* server/listen.c: Listeners of the server, and the byte filters of their connections. */
#include "server/listen.h"

#include "net/error.h"
#include "net/filter/proxy.h"
#include "net/filter/source.h"
#include "net/filter/tls.h"
#include "net/filter/websocket.h"
#include "net/listener.h"
#include "session/manager.h"

#include <string.h>

enum { PRIVILEGED_PORT_MAX = 1023 };

/* The filters of one listener, the one next to the socket first. */
struct filters {
    struct gw_filter_source *sources[GW_STREAM_FILTER_COUNT_MAX];
    int count;
};

static bool explain(const struct url *url, const char *why, struct problem *problem)
{
    char text[URL_TEXT_BYTES];
    return problem_set(problem, "cannot listen on %s: %s", url_format(url, text), why);
}

/* ---- filters ---- */

/* Splits a list at its commas, without blanks around the items. Returns the number of items. */
static uint32_t split(char *list, const char **items, uint32_t count_max)
{
    uint32_t count = 0;
    for (char *item = list; item != NULL && count < count_max; count++) {
        char *comma = strchr(item, ',');
        item += strspn(item, " \t");
        items[count] = item;
        size_t bytes = comma == NULL ? strlen(item) : (size_t)(comma - item);
        while (bytes > 0 && (item[bytes - 1] == ' ' || item[bytes - 1] == '\t')) {
            bytes--;
        }
        item[bytes] = '\0';
        item = comma == NULL ? NULL : comma + 1;
    }
    return count;
}

static bool add_proxy(struct filters *filters, const struct server_config *config,
                      struct problem *problem)
{
    char list[SERVER_TEXT_BYTES];
    const char *texts[GW_PROXY_NETWORK_COUNT_MAX + 1];
    struct gw_proxy_network networks[GW_PROXY_NETWORK_COUNT_MAX];
    memcpy(list, config->proxy_from, sizeof list);
    uint32_t count = split(list, texts, GW_PROXY_NETWORK_COUNT_MAX + 1);
    if (count > GW_PROXY_NETWORK_COUNT_MAX) {
        return problem_set(problem, "proxy_from: more than %d networks; give fewer",
                           GW_PROXY_NETWORK_COUNT_MAX);
    }
    for (uint32_t i = 0; i < count; i++) {
        const char *what = gw_proxy_network_parse(texts[i], &networks[i]);
        if (what != NULL) {
            return problem_set(problem, "proxy_from: \"%.60s\" is %s; give such as 10.0.0.0/8",
                               texts[i], what);
        }
    }
    if (gw_proxy_create(networks, count, &filters->sources[filters->count]) != GW_OK) {
        return problem_set(problem, "no memory; free some");
    }
    filters->count++;
    return true;
}

static bool add_tls(struct filters *filters, const struct server_config *config,
                    const struct url *url, struct problem *problem)
{
    char why[GW_TLS_PROBLEM_BYTES];
    const struct gw_tls_server_config tls = {
        .certificate_path = config->tls_cert,
        .key_path = config->tls_key[0] != '\0' ? config->tls_key : config->tls_cert,
        .alpn = url_has_websocket(url) ? "http/1.1" : "gangway/1",
        .handshake_count_max = config->tls_handshakes_max,
    };
    if (config->tls_cert[0] == '\0') {
        return explain(url, "TLS needs a certificate; give --tls-cert FILE and --tls-key FILE",
                       problem);
    }
    if (gw_tls_server_create(&tls, &filters->sources[filters->count], why) != 0) {
        return explain(url, why, problem);
    }
    filters->count++;
    return true;
}

static bool add_websocket(struct filters *filters, const struct server_config *config,
                          const struct url *url, struct problem *problem)
{
    char list[SERVER_TEXT_BYTES];
    const char *origins[GW_WEBSOCKET_ORIGIN_COUNT_MAX + 1];
    struct gw_websocket_server_config websocket = {.path = url->path};
    if (config->ws_origins[0] != '\0') {
        memcpy(list, config->ws_origins, sizeof list);
        websocket.origins = origins;
        websocket.origin_count = split(list, origins, GW_WEBSOCKET_ORIGIN_COUNT_MAX + 1);
    }
    int error = gw_websocket_server_create(&websocket, &filters->sources[filters->count]);
    switch (error) {
    case GW_OK:
        filters->count++;
        return true;
    case GW_E_UNSUPPORTED:
        return explain(url, "this build is without WebSocket; build it with libwslay", problem);
    case GW_E_FULL:
        return problem_set(problem, "ws_origins: more than %d origins; give fewer",
                           GW_WEBSOCKET_ORIGIN_COUNT_MAX);
    case GW_E_ADDRESS:
        return explain(url,
                       "its path or one of --ws-origins is invalid; give a path without a query, "
                       "and origins such as https://game.example, null or *",
                       problem);
    default:
        return explain(url, gw_error_text(error), problem);
    }
}

/* ---- opening ---- */

static const char *explain_error(const struct url *url, int error)
{
    bool is_unix = url->scheme == URL_UNIX;
    switch (error) {
    case GW_E_IN_USE:
        return is_unix                 ? "a running server has it; give another --listen"
               : url->scheme == URL_FD ? "it is there twice; remove one"
                                       : "the port is in use by another program; give another "
                                         "--listen";
    case GW_E_DENIED:
        return is_unix ? "this user may not create it; give another --listen"
               : url->addr.port <= PRIVILEGED_PORT_MAX
                   ? "ports below 1024 need the right CAP_NET_BIND_SERVICE; give another --listen"
                   : "the system does not permit it; give another --listen";
    case GW_E_NO_FILE:
        return "its folder is not there; create it, or give another --listen";
    case GW_E_ADDRESS:
        return is_unix ? "another file is there, which is not a socket; give another --listen"
               : url->scheme == URL_FD
                   ? "the descriptor is not a listening stream socket; start the server from what "
                     "opens it, such as a .socket unit of systemd"
                   : "the address is not one of this machine; give another --listen";
    default:
        return gw_error_text(error);
    }
}

bool server_listen(struct gw_session_manager *manager, const struct server_config *config,
                   const struct url *url, struct gw_listener **listener_out,
                   struct problem *problem_out)
{
    struct filters filters = {.count = 0};
    bool is_good = (config->proxy_from[0] == '\0' || add_proxy(&filters, config, problem_out)) &&
                   (!url_has_tls(url) || add_tls(&filters, config, url, problem_out)) &&
                   (!url_has_websocket(url) || add_websocket(&filters, config, url, problem_out));
    if (is_good) {
        int error =
            gw_session_manager_listen_filtered(manager, &url->addr, filters.sources, listener_out);
        is_good = error == GW_OK || explain(url, explain_error(url, error), problem_out);
    }
    for (int i = 0; i < filters.count; i++) {
        gw_filter_source_unref(filters.sources[i]);
    }
    return is_good;
}
