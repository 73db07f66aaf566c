/* tools/bench/load.h: the load generator: declarations for its modes. */
#ifndef GW_TOOLS_BENCH_LOAD_H
#define GW_TOOLS_BENCH_LOAD_H

#include "net/histogram.h"
#include "tools/bench/link.h"
#include "tools/bench/meter.h"
#include <stdbool.h>
#include <stdint.h>

/*
 * One process, one thread, an epoll loop of its own. It connects, warms the server up, then counts
 * for run_ms what it receives and what the server uses for it, and prints one line of JSON. It
 * compares each received message with the expected one, byte by byte; the first difference ends the
 * run with status 1.
 */
struct load_options {
    const char *mode;
    uint16_t port;
    int pid; /* the server's */
    uint32_t connection_count;
    uint32_t depth;       /* messages in flight for each connection */
    uint32_t frame_bytes; /* of each message, with its header */
    uint32_t rate;        /* messages per second of all connections; 0: closed loop */
    uint32_t room_size;   /* 0: no rooms */
    uint16_t packet_id;
    bool greet; /* send HELLO first */
    bool tls;
    bool websocket; /* each message is a message of WebSocket */
    uint32_t warm_ms;
    uint32_t run_ms;
};

struct load {
    struct load_options options;
    struct link *links;
    int set; /* epoll */
    bool counting;
    uint64_t begun_ns;  /* when the first message was due */
    uint64_t due_count; /* with a rate: messages sent so far */
    uint64_t count;     /* messages, deliveries or connections, while counting */
    struct gw_histogram latency;
};

extern struct load load;

/* A mode of the load. */
struct load_mode {
    const char *name;
    const char *unit;
    void (*prepare)(void); /* before counting; may be NULL */
    void (*on_frame)(struct link *link, const uint8_t *frame, uint32_t bytes);
    void (*run)(void); /* instead of the common loop; NULL for modes with on_frame */
};

extern const struct load_mode load_echo;  /* load_echo.c */
extern const struct load_mode load_group; /* load_group.c */
extern const struct load_mode load_storm; /* load_storm.c */
extern const struct load_mode load_idle;  /* load_idle.c */

/* Parses the command line; an invalid one ends the program. */
struct load_options load_options(int argc, char **argv);

/* Opens all connections, sends HELLO if `greet` is set, and adds them to the set. */
void load_connect(void);

/* Sends the next `count` messages of `link`, in one send if they fit. */
void load_send(struct link *link, uint32_t count);

/* When message `count` of `index` is due. */
uint64_t load_due_ns(uint32_t index, uint32_t count);

/* Counts a received message that was due or sent at `due_ns` (0: unknown). */
void load_note(uint64_t due_ns);

#endif
