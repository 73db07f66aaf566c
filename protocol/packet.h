/* protocol/packet.h: Packet tables: policy, header checks and dispatch. */
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
 * Handles one type of packet. `peer` is the pointer that the caller of gw_packet_dispatch() passed:
 * untyped here, a session in generated code. `message` has the type of the packet and is freed when
 * the handler returns. The handler must not block.
 */
typedef void gw_packet_handler(void *peer, const struct gw_frame *frame,
                               const ProtobufCMessage *message);

/*
 * Handles a packet whose body is not a message: voice, another encoding, forwarded data. `body` has
 * frame->body_bytes bytes as received and is invalid when the handler returns. The handler must not
 * block.
 */
typedef void gw_packet_opaque_handler(void *peer, const struct gw_frame *frame,
                                      const uint8_t *body);

/* The sides that may send a packet; bits. */
enum gw_packet_from { GW_FROM_CLIENT = 1, GW_FROM_SERVER = 2, GW_FROM_BOTH = 3 };

/* Stages are bits: bit 0 is before the greeting, bit n + 1 is the game's stage n (n <= 30). */
enum { GW_STAGE_CONNECTED = 1, GW_STAGE_GAME_MAX = 30 };
#define GW_STAGE_GREETED 0xFFFFFFFEu /* every stage after the greeting */
#define GW_STAGE_ANY     0xFFFFFFFFu

/* Further policies of a packet; bits. */
enum gw_packet_flags {
    GW_PACKET_DROPPABLE = 0x01, /* dropped above its rate; others suspend reading */
    GW_PACKET_SENSITIVE = 0x02, /* its fields are never logged */
    GW_PACKET_COALESCE = 0x04,  /* a slow reader receives only the newest */
};

/* An entry of a generated table: the policy of a packet and its handler. */
struct gw_packet {
    uint16_t id;
    uint8_t from;             /* bits of enum gw_packet_from */
    uint8_t flags;            /* bits of enum gw_packet_flags */
    uint32_t stages;          /* bits: the stages in which a client may send it */
    uint32_t body_bytes_max;  /* maximum length of the body */
    uint16_t rate_per_second; /* 0: no limit of its own */
    uint16_t burst_count;
    uint16_t reply_id; /* id of the reply; 0: not a request */
    const char *name; /* for logs and metrics: "ChatLine"; may be NULL in a table written by hand */
    const ProtobufCMessageDescriptor *message;
    const struct gw_message_rules *message_rules; /* field rules; NULL: the body is only unpacked */
    gw_packet_handler *handle;                    /* NULL if this side only sends the packet */
    gw_packet_opaque_handler *handle_opaque;      /* used instead if `message` is NULL */
};

/*
 * A table of packets with an index by id. The generator writes it; it is constant and shared by all
 * threads.
 *
 * `packets` is sorted by id. index[id - id_first] is the packet's index in `packets` plus 1, or 0
 * for an unused id. Ids outside [id_first, id_first + id_count) are unused.
 */
struct gw_packet_table {
    const struct gw_packet *packets;
    const uint16_t *index;
    uint32_t packet_count;
    uint32_t id_first;
    uint32_t id_count;
    uint64_t schema_hash; /* never 0 */
    /* stage_names[n] is the name of the game's stage n, "LOBBY", or NULL. May be NULL. */
    const char *const *stage_names;
    uint32_t stage_count;
};

/* Results of the checks of a frame. The numbers are metric labels and never change. */
enum gw_packet_result {
    GW_PACKET_OK = 0,
    GW_PACKET_BAD_FLAGS = 1,
    GW_PACKET_TOO_LONG = 2, /* for the stage or for the packet */
    GW_PACKET_UNKNOWN = 3,
    GW_PACKET_WRONG_WAY = 4, /* this side may not send the packet */
    GW_PACKET_WRONG_STAGE = 5,
    GW_PACKET_TOO_OFTEN = 6,
    GW_PACKET_BAD_BODY = 7,    /* not a message of the packet's type, or a value breaks a rule */
    GW_PACKET_TOO_COMPLEX = 8, /* too deeply nested, too many elements, or larger than the arena */
};

/*
 * Finds a packet by its id in constant time.
 *
 * Returns   the packet, or NULL if the table has no such id.
 * Thread    any.
 */
static inline const struct gw_packet *gw_packet_find(const struct gw_packet_table *table,
                                                     uint16_t id)
{
    /* An id below id_first wraps around to an offset above id_count. */
    uint32_t offset = (uint32_t)id - table->id_first;
    uint32_t number = offset < table->id_count ? table->index[offset] : 0;
    return number == 0 ? NULL : &table->packets[number - 1];
}

/* The sender of a frame: its side, its stage and the limit that holds for it. */
struct gw_packet_sender {
    uint8_t from;            /* GW_FROM_CLIENT or GW_FROM_SERVER */
    uint32_t stage;          /* one bit */
    uint32_t body_bytes_max; /* limit of the stage */
};

/*
 * Checks the header of a frame before any byte of its body is stored, in the order of WIRE.md:
 * flags, length for the stage, id, direction, stage, length for the packet. Packets from a server
 * are allowed in every stage. The session checks rates.
 *
 * Returns   GW_PACKET_OK, or the first check that failed. *packet_out is the packet, or NULL if the
 *           id is unknown.
 * Thread    any.
 */
enum gw_packet_result gw_packet_admit(const struct gw_packet_table *table,
                                      const struct gw_frame *frame,
                                      const struct gw_packet_sender *sender,
                                      const struct gw_packet **packet_out);

/*
 * Validates `body` against the packet's message_rules if it has some (validate.h), unpacks it into
 * `arena` and calls the handler before it returns. A packet without a handler is validated and
 * unpacked too. The body of a packet without a message is passed to handle_opaque, if set, as it
 * is.
 *
 * Returns   GW_PACKET_OK if the body is a valid message of the packet's type; GW_PACKET_TOO_COMPLEX
 *           if it did not fit into the arena or validation returned that; otherwise
 *           GW_PACKET_BAD_BODY.
 * Owns      borrows all arguments; resets `arena` before it returns.
 * Thread    any.
 */
enum gw_packet_result gw_packet_dispatch(const struct gw_packet *packet,
                                         const struct gw_frame *frame, const uint8_t *body,
                                         void *peer, struct gw_arena *arena);

/* Description of a fault for the developer of a client. It quotes no byte of the body. */
struct gw_packet_fault {
    char field[64]; /* path of the field: "cards.suit"; "body" if no field is concerned */
    char rule[96];  /* predicate: "is longer than 16 bytes" */
};

/*
 * Describes why gw_packet_dispatch() refused a body with `result`: validates it again, up to the
 * first fault. Meant for the log and the CLOSE of a session that ends, not for each packet.
 *
 * Owns      fills *fault_out for any body; truncates a longer text.
 * Thread    any.
 */
void gw_packet_explain(const struct gw_packet *packet, enum gw_packet_result result,
                       const uint8_t *body, size_t body_bytes, struct gw_packet_fault *fault_out);

/*
 * Writes the names of `stages`, bits as in struct gw_packet, into `text`: "CONNECTED, LOBBY";
 * "GREETED" for all stages of the game; the number of a stage without a name.
 *
 * Owns      fills `text`, of `text_bytes` (at least 1); truncates a longer text.
 * Thread    any.
 */
void gw_packet_stages_text(const struct gw_packet_table *table, uint32_t stages, char *text,
                           size_t text_bytes);

/*
 * The name of a result: "BAD_FLAGS".
 *
 * Returns   a static string; "?" for an unknown number.
 * Thread    any.
 */
const char *gw_packet_result_name(enum gw_packet_result result);

#ifdef __cplusplus
}
#endif

#endif
