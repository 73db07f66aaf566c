/* protocol/packet.h: what each packet is, who may send it and when, and what answers it. */
#ifndef GW_PROTOCOL_PACKET_H
#define GW_PROTOCOL_PACKET_H

#include "protocol/frame.h"
#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gw_arena;
struct gw_message_rules;

/*
 * Answers one kind of packet. `peer` is whatever the caller of gw_packet_dispatch() says it is: to
 * this folder a pointer without a type, to the handlers a session. `message` has the type of the
 * packet, and is gone when the handler returns. It must not block.
 */
typedef void gw_packet_handler(void *peer, const struct gw_frame *frame,
                               const ProtobufCMessage *message);

/*
 * Answers a packet whose body is not a message: voice, another encoding, what is only passed on.
 * `body`, of frame->body_bytes, is shown as it came, and is gone when the handler returns.
 * It must not block.
 */
typedef void gw_packet_opaque_handler(void *peer, const struct gw_frame *frame,
                                      const uint8_t *body);

/* Who may send a packet; bits. */
enum gw_packet_from { GW_FROM_CLIENT = 1, GW_FROM_SERVER = 2, GW_FROM_BOTH = 3 };

/* Stages are bits: bit 0 before the greeting, bit n + 1 the game's stage n (n at most 30). */
enum { GW_STAGE_CONNECTED = 1, GW_STAGE_GAME_MAX = 30 };
#define GW_STAGE_GREETED 0xFFFFFFFEu /* every stage after the greeting */
#define GW_STAGE_ANY     0xFFFFFFFFu

/* What else a schema says of a packet; bits. */
enum gw_packet_flags {
    GW_PACKET_DROPPABLE = 0x01, /* above its rate it is dropped; otherwise reading stops */
    GW_PACKET_SENSITIVE = 0x02, /* its fields are never logged */
    GW_PACKET_COALESCE = 0x04,  /* a slow reader may lose older ones for the newest */
};

/* One line of the table that the schema generates: a packet's policy and its handler. */
struct gw_packet {
    uint16_t id;
    uint8_t from;             /* bits of enum gw_packet_from */
    uint8_t flags;            /* bits of enum gw_packet_flags */
    uint32_t stages;          /* bits: where in its life a client may send it */
    uint32_t body_bytes_max;  /* the longest body, in bytes */
    uint16_t rate_per_second; /* 0: no limit of its own */
    uint16_t burst_count;
    uint16_t reply_id; /* the packet that answers this one; 0: it is no request */
    const char *name;  /* for logs and metrics: "ChatLine"; of a table by hand it may be NULL */
    const ProtobufCMessageDescriptor *message;
    const struct gw_message_rules *message_rules; /* what a body may hold; NULL: whatever unpacks */
    gw_packet_handler *handle;                    /* NULL for what this side only sends */
    gw_packet_opaque_handler *handle_opaque;      /* instead, where `message` is NULL */
};

/*
 * A table, with an index by id; built by the generator, constant, shared by all threads.
 *
 * `packets` is sorted by id. index[id - id_first] is one more than the packet's place in `packets`,
 * or 0 for an id that nobody has; ids outside [id_first, id_first + id_count) are nobody's.
 */
struct gw_packet_table {
    const struct gw_packet *packets;
    const uint16_t *index;
    uint32_t packet_count;
    uint32_t id_first;
    uint32_t id_count;
    uint64_t schema_hash; /* never 0 */
    /* Of the game's stage n, "LOBBY", or NULL; for people. Of a table by hand it may be NULL. */
    const char *const *stage_names;
    uint32_t stage_count;
};

/* What became of a frame. Also a metric label, so the numbers stay as they are. */
enum gw_packet_result {
    GW_PACKET_OK = 0,
    GW_PACKET_BAD_FLAGS = 1,
    GW_PACKET_TOO_LONG = 2, /* for the stage, or for its own type */
    GW_PACKET_UNKNOWN = 3,
    GW_PACKET_WRONG_WAY = 4, /* a client sent what only servers send, or the other way round */
    GW_PACKET_WRONG_STAGE = 5,
    GW_PACKET_TOO_OFTEN = 6,
    GW_PACKET_BAD_BODY = 7,    /* not the message its id promises, or a value out of bounds */
    GW_PACKET_TOO_COMPLEX = 8, /* it nests too deep, has too many parts, or outgrows the arena */
};

/*
 * Finds a packet by its id, in a time that depends neither on the id nor on the table.
 *
 * Returns   the packet, or NULL for an id that the table does not have.
 * Thread    any.
 */
static inline const struct gw_packet *gw_packet_find(const struct gw_packet_table *table,
                                                     uint16_t id)
{
    /* An id below the first wraps round to a place that no table has. */
    uint32_t place = (uint32_t)id - table->id_first;
    uint32_t number = place < table->id_count ? table->index[place] : 0;
    return number == 0 ? NULL : &table->packets[number - 1];
}

/* Who a frame came from, and where that peer stands. */
struct gw_packet_sender {
    uint8_t from;            /* GW_FROM_CLIENT or GW_FROM_SERVER */
    uint32_t stage;          /* one bit */
    uint32_t body_bytes_max; /* the limit of its stage */
};

/*
 * Decides on a frame from its header alone, before a byte of the body is stored. The checks stand
 * in the order of WIRE.md: flags, length for the stage, id, direction, stage, length for the type.
 * A server's packets are welcome at every stage. Rates are the session's to count.
 *
 * Returns   GW_PACKET_OK and the packet in *packet_out, or what is wrong first; then *packet_out is
 *           the packet if the id is known, otherwise NULL.
 * Thread    any.
 */
enum gw_packet_result gw_packet_admit(const struct gw_packet_table *table,
                                      const struct gw_frame *frame,
                                      const struct gw_packet_sender *sender,
                                      const struct gw_packet **packet_out);

/*
 * Checks `body` against the packet's message_rules, if it has one (validate.h), unpacks it into
 * `arena` and calls the handler, which has returned when this does. A packet without a handler is
 * unpacked, and so checked, all the same. The body of a packet without a message goes to
 * handle_opaque, if there is one, as it is.
 *
 * Returns   GW_PACKET_OK when the body was what its id promises, GW_PACKET_TOO_COMPLEX when it did
 *           not fit into the arena or the scan said so, otherwise GW_PACKET_BAD_BODY.
 * Owns      borrows all; resets `arena` before it returns.
 * Thread    any.
 */
enum gw_packet_result gw_packet_dispatch(const struct gw_packet *packet,
                                         const struct gw_frame *frame, const uint8_t *body,
                                         void *peer, struct gw_arena *arena);

/* Why a body was refused, in words for a client's developer. Nothing of it is from the body. */
struct gw_packet_fault {
    char field[64]; /* the path to the field: "cards.suit"; "body" when it is about none */
    char rule[96];  /* goes on from there: "is longer than 16 bytes" */
};

/*
 * Describes why gw_packet_dispatch() refused a body with `verdict`: scans it once more, up to the
 * first fault. Meant for the log and the CLOSE of a session that ends, not for each packet.
 *
 * Owns      fills *fault_out, whatever the body is; text that is too long is cut off.
 * Thread    any.
 */
void gw_packet_explain(const struct gw_packet *packet, enum gw_packet_result result,
                       const uint8_t *body, size_t body_bytes, struct gw_packet_fault *fault_out);

/*
 * Writes the names of `stages`, bits as in struct gw_packet, into `text`: "CONNECTED, LOBBY";
 * "GREETED" for all of the game's stages; the number of a stage that the table has no name for.
 *
 * Owns      fills `text`, of `text_bytes`, at least 1; text that is too long is cut off.
 * Thread    any.
 */
void gw_packet_stages_text(const struct gw_packet_table *table, uint32_t stages, char *text,
                           size_t text_bytes);

/*
 * A verdict's name for people: "BAD_FLAGS".
 *
 * Returns   a static string, "?" for a number that is not in the list. Thread: any.
 */
const char *gw_packet_result_name(enum gw_packet_result result);

#ifdef __cplusplus
}
#endif

#endif
