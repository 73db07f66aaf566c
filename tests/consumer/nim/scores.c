/* tests/consumer/nim/scores.c: A job that writes the score file, because a turn must not block. */
#include "nim.h"

#include <gangway/net/offload.h>

#include <stdio.h>

static struct gw_offload *pool;
static struct gw_job job;
static char saved_line[64];
static void (*saved_callback)(void);

/* On a thread of the pool. */
static void save(struct gw_job *of)
{
    (void)of;
    FILE *file = fopen("scores.txt", "a");
    if (file != NULL) {
        fputs(saved_line, file);
        fclose(file);
    }
}

/* In a turn of the table. */
static void saved(struct gw_job *of, int result)
{
    (void)of;
    (void)result;
    saved_callback();
}

bool scores_open(struct gw_port *port)
{
    const struct gw_offload_config config = {.thread_count = 1};
    return gw_offload_create(port, &config, &pool) == 0;
}

bool scores_save(struct gw_turn *turn, const char *line, void (*on_saved)(void))
{
    snprintf(saved_line, sizeof saved_line, "%s", line);
    saved_callback = on_saved;
    job = (struct gw_job){.work = save, .done = saved, .name = "save_scores"};
    return gw_offload_post(pool, turn, &job) == 0;
}

void scores_close(void)
{
    gw_offload_destroy(pool);
}
