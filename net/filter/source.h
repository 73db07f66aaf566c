/* net/filter/source.h: References to the configuration of byte filters. */
#ifndef GW_NET_FILTER_SOURCE_H
#define GW_NET_FILTER_SOURCE_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The configuration of one byte filter, from which each stream gets a filter of its own: made by
 * gw_tls_server_create(), gw_websocket_server_create(), gw_proxy_create() and the like, and named
 * in struct gw_stream_config.
 */
struct gw_filter_source;

/* Adds a reference. Returns `source`. Thread: any. */
struct gw_filter_source *gw_filter_source_ref(struct gw_filter_source *source);

/* Releases a reference; the last one frees the source. `source` may be NULL. Thread: any. */
void gw_filter_source_unref(struct gw_filter_source *source);

#ifdef __cplusplus
}
#endif

#endif
