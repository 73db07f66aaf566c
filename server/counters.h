/* server/counters.h: everything the server counts, in one struct. */
#ifndef GW_SERVER_COUNTERS_H
#define GW_SERVER_COUNTERS_H

#include "net/port.h"
#include "session/manager.h"
#include <stdint.h>

struct game;
struct server_log;

enum { SERVER_PACKET_KIND_COUNT_MAX = 64 };

struct server_packet_count {
    const char *name;
    struct gw_session_packet_counters count;
};

struct server_counters {
    uint32_t session_count; /* here now */
    uint64_t rooms;         /* open now */
    uint64_t rooms_opened;
    uint64_t room_members; /* in all rooms, now */
    uint64_t entered;
    uint64_t enters_refused;
    uint64_t lines; /* of chat */
    uint64_t log_dropped;
    struct gw_port_counters port;        /* connections, bytes, and what waits in queues */
    struct gw_session_counters sessions; /* greeted, ended by reason, visitors, frames */
    uint32_t packet_kind_count;
    struct server_packet_count packets[SERVER_PACKET_KIND_COUNT_MAX];
};

/* Adds them up; while workers run, a picture that is a moment old. Thread: any. */
void server_counters_read(struct game *game, struct server_counters *counters_out);

/* Tells them to the log, in a few lines; what is nought is left out of lists. Thread: any. */
void server_counters_report(const struct server_counters *counters, struct server_log *log,
                            uint64_t uptime_ms);

#endif
