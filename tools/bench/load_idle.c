/* tools/bench/load_idle.c: idle connections: the memory of the server for each. */
#define _GNU_SOURCE
#include "tools/bench/load.h"

#include <time.h>

/* With rooms, connections join them as in load_group.c. */
static void prepare(void)
{
    if (load.options.room_size != 0) {
        load_group.prepare();
    }
}

static void run(void)
{
    const struct timespec pause = {.tv_sec = load.options.run_ms / 1000,
                                   .tv_nsec = (long)(load.options.run_ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
    load.count = load.options.connection_count;
}

const struct load_mode load_idle = {
    .name = "idle", .unit = "session", .prepare = prepare, .run = run};
