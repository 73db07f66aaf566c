/* net/filter/websocket_none.c: The functions of a library without WebSocket. */
#include "net/filter/websocket.h"

#include "net/error.h"

int gw_websocket_server_create(const struct gw_websocket_server_config *config,
                               struct gw_filter_source **source_out)
{
    (void)config;
    (void)source_out;
    return GW_E_UNSUPPORTED;
}

int gw_websocket_client_create(const struct gw_websocket_client_config *config,
                               struct gw_filter_source **source_out)
{
    (void)config;
    (void)source_out;
    return GW_E_UNSUPPORTED;
}
