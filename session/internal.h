/* session/internal.h: what the files of this folder share. Private to session. */
#ifndef GW_SESSION_INTERNAL_H
#define GW_SESSION_INTERNAL_H

#include "net/buf.h"
#include "net/stream.h"
#include "net/timer.h"
#include "net/turn.h"
#include "protocol/frame.h"
#include "protocol/packet.h"
#include "session/control.gen.h"
#include "session/manager.h"
#include "session/session.h"
#include "session/slots.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gw_bucket;
struct gw_rate_rule;
struct gw_membership;
struct gw_open_requests;
struct gw_ring;
struct gw_shard;

enum {
    GW_PACKET_ID_CONTROL_MAX = 63,
    GW_HELLO_TAG = 0x5747, /* of HELLO and HELLO_ACK */
    GW_FRAMES_PER_TURN_MAX = 64,
    GW_OVERSLEPT_MS = 1000,
    GW_CROSSING_MS =
        1000, /* WIRE.md: so long after the server leaves a stage, its packets may come */
    GW_PEER_LOOK_MS = 1000,         /* how often a peer that is not read from is looked for */
    GW_OTHER_SCHEMA_COUNT_MAX = 16, /* so many other schemas are remembered */
};

/* Whether a session has sent its HELLO, which only a server's peers do. */
enum gw_silence {
    GW_SILENCE_OVER, /* it has, or need not */
    GW_SILENCE_LASTS,
    GW_SILENCE_DISPLACED, /* it has not, and ends so that a new connection finds room */
};

/*
 * Times are in milliseconds since the manager was made. What is asked of them is how long ago
 * something was, so that they may wrap.
 */
struct gw_session {
    struct gw_session_manager *manager;
    struct gw_stream *stream; /* holds a reference */
    gw_session_id id;

    /* Its turn's alone. */
    void *user;
    struct gw_membership *memberships;
    const struct gw_packet *packet; /* of the frame at the head of the ring, once it is admitted */
    struct gw_bucket *buckets;      /* see rates.h; NULL: all are full */
    struct gw_open_requests *requests; /* see requests.h; NULL: none is open */
    uint64_t no_lag_ns;                /* when the lag that rates.h means is 0 again */
    uint32_t heartbeat_ms;             /* 0: none */
    uint32_t begun_ms;
    uint32_t received_ms; /* when bytes came last */
    uint32_t pinged_ms;   /* when we asked for some, if `pinged`; when FIN came or a later pause
                             began, if `recv_ended` or `fin_seen`; otherwise, if `held` or `paused`,
                             when we looked for FIN last */
    uint32_t played_ms;   /* when a packet of the game came last */
    uint32_t partial_ms;  /* when the frame at the head of the ring began, if `partial`; when it
                          stopped, if `held` or `paused` */
    uint32_t due_ms;      /* when on_deadline comes, or earlier */
    uint32_t moved_ms; /* when the server left `stages_left`; later by the time it did not read */
    uint32_t stages_left; /* as bits; packets of these may still be on their way */
    uint32_t skip_bytes;  /* so much of a frame that is dropped has still to come */
    bool asked : 1;       /* HELLO has come, or on a client's side, has been said */
    bool pinged : 1;      /* nothing has come since */
    bool partial : 1;     /* the frame at the head of the ring is not whole */
    bool gone : 1;        /* it is having its last turn, or has had it */
    bool fin_seen : 1;    /* the peer has sent FIN, and bytes before it may not have been read */
    bool recv_ended : 1;  /* the peer has sent FIN */
    bool recv_done : 1;   /* and all frames before it were handled, or their time is over */
    bool held;            /* it waits for a token of its rate, and reading is paused */
    bool paused;          /* reading is, because the game wants it */
    bool handling;        /* its packets, in on_recv */
    uint8_t peer_reason;
    uint8_t stage_bit; /* the game's stage, as the place of its bit; holds from the greeting on */

    /* Other threads look at these too. */
    _Atomic uint8_t silence; /* enum gw_silence */
    atomic_bool greeted;
    atomic_bool ended; /* an end has begun */
};

struct gw_session_manager {
    struct gw_port *port;
    struct gw_session_manager_config config;
    const struct gw_packet_table *packets;
    uint8_t sends_from; /* the bit of enum gw_packet_from that is this side's */
    const struct gw_session_events *events;
    void *context;
    uint64_t begun_ns;
    struct gw_slots slots;
    struct gw_shard **shards;        /* see counters.h */
    struct gw_rate_rule *rate_rules; /* see rates.h; by the place of a packet */
    uint32_t bucket_count;
    struct gw_buf *close_frames[GW_CLOSE_REASON_COUNT]; /* a CLOSE for each; NULL: says nothing */
    _Atomic uint64_t places;                            /* see places.c */
    _Atomic uint64_t *silent; /* ids of sessions without a HELLO, oldest first; see listener.c */
    uint32_t silent_mask;     /* one less than how many fit, a power of two */
    atomic_uint silent_first;
    atomic_uint silent_end;
    _Atomic uint64_t other_schemas[GW_OTHER_SCHEMA_COUNT_MAX];
    _Atomic uint64_t quiet_until_ns;       /* for complaints of our own */
    _Atomic uint64_t peers_quiet_until_ns; /* for what peers did wrong */

    /* What drain.c does in turns of the manager. */
    struct gw_turn turn;
    struct gw_timer drain_timer;
    struct gw_task drain_task;
    struct gw_task drained_task;
    uint32_t drain_ms;
    void (*on_drained)(void *context);
    void *drained_context;
};

/*
 * In send.c: the program has called `function` against its rule. Logs that, with the value that was
 * given; the caller does what the rule says then. Thread: any.
 */
void gw__misuse(struct gw_session_manager *manager, const char *function, const char *rule,
                int64_t value);

/* In manager.c. Thread: any. */
/* The table in which the packet with this id must be, if there is one. */
static inline const struct gw_packet_table *
gw__packet_table(const struct gw_session_manager *manager, uint16_t packet_id)
{
    return packet_id <= GW_PACKET_ID_CONTROL_MAX ? &gw__control_packets : manager->packets;
}
/* The packet, when it is one that this side may send; otherwise logs that and returns NULL. */
static inline const struct gw_packet *gw__packet_to_send(struct gw_session_manager *manager,
                                                         uint16_t packet_id)
{
    const struct gw_packet *packet =
        gw_packet_find(gw__packet_table(manager, packet_id), packet_id);
    if (packet == NULL || (packet->from & manager->sends_from) == 0) {
        gw__misuse(manager, "send", "a packet of the table that this side may send", packet_id);
        return NULL;
    }
    return packet;
}
/* The longest frame that comes in. */
uint32_t gw__frame_bytes_max(const struct gw_session_manager *manager);

/*
 * In session.c: makes a session with one reference, that of its stream's life. It cannot be found
 * yet. Returns NULL when there is no memory or no slot.
 */
struct gw_session *gw__session_create(struct gw_session_manager *manager, void *user);
extern const struct gw_stream_events gw__session_stream_events;

/* In membership.c: the session has its last turn, and leaves all its groups. Thread: turn. */
void gw__session_leave_groups(struct gw_session *session);

#endif
