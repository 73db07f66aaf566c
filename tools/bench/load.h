/* tools/bench/load.h: the load generator: what its modes share. */
#ifndef GW_TOOLS_BENCH_LOAD_H
#define GW_TOOLS_BENCH_LOAD_H

#include "tools/bench/link.h"
#include "tools/bench/meter.h"
#include "tools/common/histogram.h"
#include <stdbool.h>
#include <stdint.h>

/*
 * One process, one thread, an epoll loop of its own. It connects, lets the server warm up, then
 * counts for a while what comes back and what the server uses for it, and prints one line of JSON.
 * Each message that comes is compared with the one that was due, byte by byte; the first that
 * differs ends the run with status 1.
 */
struct load_options {
    const char *mode;
    uint16_t port;
    int pid; /* the server's */
    uint32_t connection_count;
    uint32_t depth;       /* messages on their way at one time, of each connection */
    uint32_t frame_bytes; /* of each message, the header too */
    uint32_t rate;        /* messages per second in all, when they are due; 0: closed loop */
    uint32_t room_size;   /* 0: no rooms */
    uint16_t packet_id;
    bool greet; /* says HELLO first */
    uint32_t warm_ms;
    uint32_t run_ms;
};

struct load {
    struct load_options options;
    struct link *links;
    int set; /* epoll */
    bool counting;
    uint64_t begun_ns;  /* when the first message was due */
    uint64_t due_count; /* with a rate: messages that were said so far */
    uint64_t count;     /* messages, deliveries or connections, while counting */
    struct gw_histogram latency;
};

extern struct load load;

/* A mode: what a frame does, and what is to be done when all that has come is read. */
struct load_mode {
    const char *name;
    const char *unit;
    void (*prepare)(void); /* before counting; may be NULL */
    void (*on_frame)(struct link *link, const uint8_t *frame, uint32_t bytes);
    void (*run)(void); /* instead of the common loop; NULL for those that have frames */
};

extern const struct load_mode load_echo;  /* load_echo.c */
extern const struct load_mode load_group; /* load_group.c */
extern const struct load_mode load_storm; /* load_storm.c */
extern const struct load_mode load_idle;  /* load_idle.c */

/* Reads the command line; a wrong one ends the program. */
struct load_options load_options(int argc, char **argv);

/* Connects all, says HELLO if it is to be said, and takes them into the set. */
void load_connect(void);

/* Says `count` messages of `link`, the next ones of it, in one send. */
void load_say(struct link *link, uint32_t count);

/* When message `count` of `index` is due. */
uint64_t load_due_ns(uint32_t index, uint32_t count);

/* Notes a message that has come back, due or said at `due_ns` (0: not known). */
void load_note(uint64_t due_ns);

#endif
