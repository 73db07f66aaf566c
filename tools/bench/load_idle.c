/* tools/bench/load_idle.c: everybody comes, and is silent: what the server keeps for each. */
#define _GNU_SOURCE
#include "tools/bench/load.h"

#include <time.h>

/* Those in rooms have joined, as for load_group.c. */
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
