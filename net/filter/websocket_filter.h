/* net/filter/websocket_filter.h: The state of a WebSocket filter. Private to net. */
#ifndef GW_NET_FILTER_WEBSOCKET_FILTER_H
#define GW_NET_FILTER_WEBSOCKET_FILTER_H

#include "net/filter/filter.h"
#include "net/filter/websocket.h"
#include "net/filter/websocket_frames.h"
#include "net/filter/websocket_handshake.h"
#include <stdbool.h>
#include <stdint.h>

enum gw_websocket_opcode {
    GW_WEBSOCKET_OPCODE_CONTINUATION = 0,
    GW_WEBSOCKET_OPCODE_TEXT = 1,
    GW_WEBSOCKET_OPCODE_BINARY = 2,
    GW_WEBSOCKET_OPCODE_CLOSE = 8,
    GW_WEBSOCKET_OPCODE_PING = 9,
    GW_WEBSOCKET_OPCODE_PONG = 10,
};

/* Close statuses of RFC 6455, 7.4.1. */
enum gw_websocket_status {
    GW_WEBSOCKET_STATUS_NORMAL = 1000,
    GW_WEBSOCKET_STATUS_PROTOCOL_ERROR = 1002,
    GW_WEBSOCKET_STATUS_UNSUPPORTED_DATA = 1003,
    GW_WEBSOCKET_STATUS_NONE = 1005, /* a close frame without a status */
    GW_WEBSOCKET_STATUS_INTERNAL_ERROR = 1011,
};

struct gw_websocket_source {
    struct gw_filter_source source;
    struct gw_websocket_spares spares;
    struct gw_websocket_rules rules; /* of a server; of a client only the path */
    char host[GW_WEBSOCKET_TEXT_BYTES_MAX + 1];
};

/* A head that arrives, in a block of the pool. */
struct gw_websocket_head {
    uint32_t block_bytes;
    uint32_t bytes;
    struct gw_http_head parsed;
    char accept[GW_WEBSOCKET_ACCEPT_BYTES + 1]; /* what a client expects */
    uint8_t data[];
};

/* Output of the filter's own that has not been encoded, in a block of the pool. */
struct gw_websocket_own {
    uint16_t http_bytes;
    uint8_t pong_bytes;
    uint8_t close_bytes;
    bool has_pong;
    bool has_close;
    char http[GW_WEBSOCKET_HTTP_BYTES_MAX];
    uint8_t pong[GW_WEBSOCKET_CONTROL_BYTES_MAX];
    uint8_t close[GW_WEBSOCKET_CONTROL_BYTES_MAX];
};

/* Encoded output, in a block of the pool. */
struct gw_websocket_output {
    uint32_t block_bytes;
    uint8_t data[];
};

/* Idle, a filter has none of the blocks. Its size counts: a server has one for each player. */
struct gw_websocket {
    struct gw_filter filter;
    struct gw_websocket_source *source;
    union {
        struct gw_websocket_head *head;     /* before is_open, while the head arrives */
        struct gw_websocket_frames *frames; /* after it, while a frame has partly arrived */
    };
    struct gw_websocket_own *own;
    struct gw_websocket_output *output; /* while the kernel may have it */
    uint8_t header[4];     /* of a server's frame, whose payload is in the send queue */
    uint16_t peer_status;  /* of the peer's close frame; 0: none has arrived */
    int8_t error;          /* after a failure */
    bool in_message : 1;   /* the next data frame continues a message */
    bool is_closed : 1;    /* the close frame or the HTTP answer is the last output */
    bool is_requested : 1; /* a client has made its request */
};

static inline bool gw__websocket_is_client(const struct gw_websocket *ws)
{
    return ws->source->spares.is_client;
}

/* ---- websocket.c ---- */

/* Returns the block for own output, and asks for a send; NULL: out of memory. */
struct gw_websocket_own *gw__websocket_own_output(struct gw_websocket *ws);

/* Makes a close frame the last output. Without memory there is none. */
void gw__websocket_queue_close(struct gw_websocket *ws, uint16_t status, const char *text);

/* Makes an HTTP answer the last output. */
void gw__websocket_queue_refusal(struct gw_websocket *ws,
                                 const struct gw_websocket_refusal *refusal);

/* Fails the filter; violation() also with a close frame. Returns the error. */
int gw__websocket_fail(struct gw_websocket *ws, int error, const char *problem);
int gw__websocket_violation(struct gw_websocket *ws, uint16_t status, const char *problem);

/* Makes the block of the head large enough. Returns false when out of memory. */
bool gw__websocket_head_reserve(struct gw_websocket *ws, uint32_t bytes);
void gw__websocket_head_free(struct gw_websocket *ws);

/* ---- websocket_recv.c: the functions of struct gw_filter_ops ---- */

int gw__websocket_recv(struct gw_filter *filter, struct gw_span *in, uint8_t *out);
int gw__websocket_recv_end(struct gw_filter *filter);

#endif
