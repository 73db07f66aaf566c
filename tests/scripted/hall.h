/* tests/scripted/hall.h: sessions on the stage, with a small schema, and what happened to them. */
#ifndef GW_TESTS_SCRIPTED_HALL_H
#define GW_TESTS_SCRIPTED_HALL_H

#include "session/manager.h"
#include "tests/scripted/bytes.h"
#include "tests/scripted/peer.h"
#include "tests/scripted/stage.h"
#include <stdbool.h>
#include <stdint.h>

enum hall_packet {
    SAY = 300,  /* CLIENT, GREETED, Error, 256 */
    IN_ROOM,    /* CLIENT, stage 1, Ping, 16 */
    BIG,        /* CLIENT, GREETED, Error, 16,384: more than a session takes */
    OFTEN,      /* as SAY; 10 a second, 5 at once */
    RARE,       /* as SAY; 1 a second, 1 at once */
    DROPS,      /* CLIENT, GREETED, Error, 4,096; 10 a second, 5 at once, droppable */
    ASK,        /* as SAY; a request */
    ASK_ROOM,   /* as OFTEN, but in stage 1; a request */
    LINE = 310, /* SERVER, Error, 65,536 */
    PLACE,      /* as LINE; coalesces */
    ANSWER,     /* as LINE; answers ASK */
    HALL_HELLO = 1,
    HALL_HELLO_ACK,
    HALL_PING,
    HALL_PONG,
    HALL_CLOSE,
    HALL_GO_AWAY,
    HALL_ERROR = 11,
    HALL_HELLO_TAG = 0x5747,
};

/* What happened, in all sessions together. */
struct hall {
    struct gw_session_manager *manager;
    uint16_t port;
    struct gw_session *last; /* who began last; borrowed, until it ends */
    uint32_t begun_count;
    uint32_t greeted_count;
    uint32_t heard_count;
    uint32_t ended_count;
    Gw__CloseReason reason; /* of the last that ended */
    uint64_t ended_ns;
    struct bytes heard; /* the id, tag and body of each packet of the game */
    int verdict;        /* what on_greet returns */
    void (*on_heard)(struct gw_session *session);
    void (*on_asked)(struct gw_session *session, const struct gw_frame *frame);
    void (*on_lost)(struct gw_session *session, uint16_t packet_id);
    uint32_t lost_count;
    uint32_t drained_count;
    uint64_t drained_ns;
};

extern struct hall hall;

/* Its schema; handlers are those of a server. */
extern const struct gw_packet_table hall_packets;

/* NULL takes the usual. */
void hall_open(const struct stage_config *stage, const struct gw_session_manager_config *sessions);

/* Drains it unless that was done; all must be gone then. */
void hall_close(void);
void hall_drain(uint32_t drain_ms);

/* Knocks; says HELLO and reads the answer; sends a frame; reads and forgets what has come. */
struct peer *hall_knock(void);
struct peer *hall_join(void);
void hall_send(struct peer *peer, uint16_t id, const ProtobufCMessage *message);
void hall_send_header(struct peer *peer, uint32_t body_bytes, uint8_t flags, uint16_t id,
                      uint16_t tag);
void hall_say(struct peer *peer, const char *text);
void hall_tell(struct peer *peer, uint16_t id, const char *text); /* one of those like SAY */
void hall_ping(struct peer *peer, uint64_t stamp);
size_t hall_hello_frame(uint8_t *out);

/* Takes the next frame that has come. Returns its id, or 0; its body is in `body_out`. */
uint16_t hall_next(struct peer *peer, uint8_t *body_out, size_t *bytes_out);

/* What the next frame says, when it must be CLOSE; fails when it is not. */
Gw__CloseReason hall_close_reason(struct peer *peer);

#endif
