/* session/internal.h: the session and the manager. Private to session. */
#ifndef GW_SESSION_INTERNAL_H
#define GW_SESSION_INTERNAL_H

#include "net/buf.h"
#include "net/stream.h"
#include "net/timer.h"
#include "net/turn.h"
#include "protocol/frame.h"
#include "protocol/packet.h"
#include "session/addresses.h"
#include "session/control.gen.h"
#include "session/manager.h"
#include "session/pending.h"
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
    GW_STALL_MS = 1000,      /* a deadline later than this: the process did not run */
    GW_CROSSING_MS = 1000,   /* WIRE.md: packets of the previous stage may arrive for so long */
    GW_PEER_CHECK_MS = 1000, /* interval of checks for FIN and RST without reading */
    GW_OTHER_SCHEMA_COUNT_MAX = 16, /* other schema hashes that are stored */
    GW_HINT_COUNT_MAX = 16,
};

/*
 * Times are in milliseconds since the manager was created, as 32 bits that wrap: only differences
 * to the current time are used.
 */
struct gw_session {
    struct gw_session_manager *manager;
    struct gw_stream *stream; /* holds a reference */
    gw_session_id id;

    /* Only its turn accesses the members below. */
    void *user;
    struct gw_membership *memberships;
    const struct gw_packet *packet; /* of the frame at the head of the ring, once it is admitted */
    struct gw_bucket *buckets;      /* see rates.h; NULL: all are full */
    struct gw_open_requests *requests; /* see open_requests.h; NULL: none is open */
    uint64_t no_lag_ns;                /* when the lag described in rates.h is 0 again */
    uint32_t heartbeat_ms;             /* 0: none */
    uint32_t address;                  /* server side: see addresses.h; 0: it is not counted */
    uint32_t received_ms;              /* time of the last received bytes */
    uint32_t probed_ms; /* with `ping_pending`: time of the PING; with `recv_ended` or `fin_seen`:
                           time of FIN or of the start of a later pause; otherwise, with `throttled`
                           or `paused`: time of the last check for FIN */
    union {
        uint32_t active_ms; /* time of the last packet of the game; from the greeting on */
        uint32_t pending;   /* server side, until HELLO: its entry, see pending.h */
    };
    uint32_t since_ms; /* with `partial`: time of the first byte of the frame at the head of the
                          ring; with `throttled` or `paused`: time when reading was suspended */
    uint32_t due_ms;   /* time of on_deadline, or later than it */
    union {
        uint32_t begun_ms; /* until the greeting is complete */
        uint32_t stage_ms; /* with `previous_stages`: when the server left them, plus the time
                              without reading */
    };
    uint32_t previous_stages; /* bits of stages whose packets may still be in flight */
    uint32_t skip_bytes;      /* of a dropped frame, not received yet */
    bool hello_done : 1;      /* server side: HELLO was received; client side: it was sent */
    bool ping_pending : 1;    /* nothing was received since the PING */
    bool partial : 1;         /* the frame at the head of the ring is incomplete */
    bool closed : 1;          /* on_end was called, or is being called */
    bool fin_seen : 1;        /* the peer has sent FIN; bytes before it may be unread */
    bool recv_ended : 1;      /* the peer has sent FIN; all bytes before it were read */
    bool recv_done : 1;       /* and all frames were handled, or their time has passed */
    bool throttled : 1;       /* waits for a token of its rate; reading is suspended */
    bool paused : 1;          /* the game has suspended reading */
    bool handling : 1;        /* on_recv is handling packets */
    uint16_t peer_reason;
    uint8_t stage_bit; /* the index of the bit of the game's stage; used after the greeting */

    /* Other threads access the members below, too. */
    atomic_bool greeted;
    atomic_bool ended; /* an end has begun */
};

struct gw_session_manager {
    struct gw_port *port;
    struct gw_session_manager_config config;
    const struct gw_packet_table *packets;
    uint8_t own_side; /* GW_FROM_SERVER or GW_FROM_CLIENT */
    const struct gw_session_events *events;
    void *context;
    uint64_t begun_ns;
    struct gw_slots slots;
    struct gw_shard **shards;        /* see counters.h */
    struct gw_rate_rule *rate_rules; /* see rates.h; by the index of a packet */
    uint32_t bucket_count;
    struct gw_buf *close_frames[GW_CLOSE_REASON_COUNT]; /* NULL: no CLOSE is sent */
    _Atomic uint64_t admitted;                          /* see admission.c */
    struct gw_pending pending;
    struct gw_addresses addresses;
    _Atomic uint32_t refused_count; /* connections that are refused or displaced and not closed */
    _Atomic uint64_t other_schemas[GW_OTHER_SCHEMA_COUNT_MAX];
    _Atomic(const char *) hints[GW_HINT_COUNT_MAX]; /* that were logged */
    _Atomic uint64_t misuse_log_ns;  /* when an error of the program may be logged again */
    _Atomic uint64_t peer_log_ns[2]; /* the same of a peer: before its greeting, and after */

    /* The state of drain.c, in turns of the manager. */
    struct gw_turn turn;
    struct gw_timer drain_timer;
    struct gw_task drain_task;
    struct gw_task drained_task;
    uint32_t drain_ms;
    void (*on_drained)(void *context);
    void *drained_context;
};

/* Logging, in explain.c. Thread of all: any. */
/*
 * Logs that the program has called `function` against `rule`, with the value that it passed. The
 * caller then does what the rule's documentation says.
 */
void gw__misuse(struct gw_session_manager *manager, const char *function, const char *rule,
                int64_t value);
/* Returns whether the time `*next_ns` has passed, and sets it to one second from now. */
bool gw__log_allowed(const struct gw_session_manager *manager, _Atomic uint64_t *next_ns);
/* Returns whether an error of the program may be logged: at most one a second. */
bool gw__misuse_log_allowed(struct gw_session_manager *manager);
/*
 * Logs the event "hint" when a client speaks another protocol than its listener: each text once for
 * a manager, at most GW_HINT_COUNT_MAX. `text` is static; NULL, or a text without "this listener",
 * is none.
 */
void gw__hint(struct gw_session *session, const char *text);

/* In manager.c. Thread of all: any. */
/* Returns the table that contains the packet with this id, if any does. */
static inline const struct gw_packet_table *
gw__packet_table(const struct gw_session_manager *manager, uint16_t packet_id)
{
    return packet_id <= GW_PACKET_ID_CONTROL_MAX ? &gw__control_packets : manager->packets;
}
/* Returns the packet when this side may send it; otherwise logs that and returns NULL. */
static inline const struct gw_packet *gw__packet_to_send(struct gw_session_manager *manager,
                                                         uint16_t packet_id)
{
    const struct gw_packet *packet =
        gw_packet_find(gw__packet_table(manager, packet_id), packet_id);
    if (packet == NULL || (packet->from & manager->own_side) == 0) {
        gw__misuse(manager, "send", "a packet of the table that this side may send", packet_id);
        return NULL;
    }
    return packet;
}
/* Returns the size of the longest frame that may be received. */
uint32_t gw__frame_bytes_max(const struct gw_session_manager *manager);

/*
 * In session.c: creates a session with one reference, for the time in which its stream is open.
 * find() does not return it yet. Returns NULL when out of memory or slots.
 */
struct gw_session *gw__session_create(struct gw_session_manager *manager, void *user);
const struct gw_stream_events *gw__session_stream_events(const struct gw_session_manager *manager);

/* In membership.c: removes an ended session from its groups. Thread: turn. */
void gw__session_leave_groups(struct gw_session *session);

#endif
