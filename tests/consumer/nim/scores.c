/* tests/consumer/nim/scores.c: A thread that writes the score file, because a turn must not block.
 */
#include "nim.h"

#include <pthread.h>
#include <stdio.h>

static struct job {
    struct gw_turn *turn;
    void (*on_saved)(struct gw_turn *turn, void *data);
    char line[64];
} job;
static pthread_t thread;
static bool is_running;

static void *save(void *argument)
{
    (void)argument;
    FILE *file = fopen("scores.txt", "a");
    if (file != NULL) {
        fputs(job.line, file);
        fclose(file);
    }
    gw_turn_call(job.turn, job.on_saved, NULL, 0);
    gw_turn_unref(job.turn);
    return NULL;
}

void scores_save(struct gw_turn *turn, const char *line,
                 void (*on_saved)(struct gw_turn *turn, void *data))
{
    job.turn = gw_turn_ref(turn);
    job.on_saved = on_saved;
    snprintf(job.line, sizeof job.line, "%s", line);
    is_running = pthread_create(&thread, NULL, save, NULL) == 0;
}

void scores_close(void)
{
    if (is_running) {
        pthread_join(thread, NULL);
    }
}
