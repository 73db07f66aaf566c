/* server/counters.h: The server's counters, in one struct, and their report. */
#ifndef GW_SERVER_COUNTERS_H
#define GW_SERVER_COUNTERS_H

#include "net/port.h"
#include "server/game/login.h"
#include "session/manager.h"
#include <stdint.h>

struct game;
struct server_log;

enum { SERVER_PACKET_COUNT_MAX = 64 };

struct server_packet_count {
    const char *name;
    struct gw_session_packet_counters count;
};

struct server_counters {
    uint32_t session_count; /* now */
    uint32_t pending_count; /* now: connections that are not greeted */
    uint64_t rooms;         /* now */
    uint64_t rooms_opened;
    uint64_t room_members; /* of all rooms, now */
    uint64_t entered;
    uint64_t enters_refused;
    uint64_t lines; /* chat lines */
    uint64_t log_dropped;
    bool has_login; /* --auth token */
    struct login_counters login;
    struct gw_port_counters port;        /* connections, bytes, queues */
    struct gw_session_counters sessions; /* greeted, ended by reason, foreign protocols */
    uint32_t packet_count;
    struct server_packet_count packets[SERVER_PACKET_COUNT_MAX];
};

/* Reads all counters. While workers run, the values are a moment old. Thread: any. */
void server_counters_read(struct game *game, struct server_counters *counters_out);

/* Writes the counters to the log, in a few lines. Lists omit what is 0. Thread: any. */
void server_counters_report(const struct server_counters *counters, struct server_log *log,
                            uint64_t uptime_ms);

#endif
