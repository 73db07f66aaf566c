/* tools/dummy-client/progress.c: a progress line on stderr each second. */
#include "tools/dummy-client/progress.h"
#include "net/container_of.h"
#include "net/port.h"
#include "tools/dummy-client/number.h"
#include "tools/dummy-client/options.h"
#include "tools/dummy-client/run.h"
#include <stdlib.h>
#include <string.h>

enum { LINE_NS = 1000000000 };

/* Sums the counters, and subtracts the latencies of a second ago. */
static void update(struct dummy_progress *progress)
{
    memset(&progress->total, 0, sizeof progress->total);
    memset(&progress->latency, 0, sizeof progress->latency);
    dummy_stats_sum(&progress->run->stats, &progress->total);
    for (int i = 0; i < DUMMY_MESSAGE_COUNT; i++) {
        gw_histogram_merge(&progress->latency, &progress->total.latency[i]);
    }
    struct gw_histogram so_far = {0};
    gw_histogram_merge(&so_far, &progress->latency);
    gw_histogram_subtract(&progress->latency, &progress->latency_old);
    memset(&progress->latency_old, 0, sizeof progress->latency_old);
    gw_histogram_merge(&progress->latency_old, &so_far);
}

static double percentile_ms(const struct dummy_progress *progress, double percent)
{
    return (double)gw_histogram_percentile_ns(&progress->latency, percent) / 1e6;
}

/* The effect of a packet with generated values is not a fault, as in the report. */
static uint64_t count_errors(const struct dummy_run *run)
{
    uint64_t fault_count = run->options->send == NULL ? dummy_run_fault_count(run) : 0;
    return fault_count + atomic_load(&run->disorderly_count);
}

static void print_line(const struct dummy_progress *progress, uint64_t now_ns)
{
    const struct dummy_run *run = progress->run;
    char connected[DUMMY_NUMBER_TEXT_BYTES], sent[DUMMY_NUMBER_TEXT_BYTES];
    char received[DUMMY_NUMBER_TEXT_BYTES], errors[DUMMY_NUMBER_TEXT_BYTES];
    fprintf(progress->file,
            "%4llu s  connected %s  sent %s  received %s  p50 %.1f ms  p99 %.1f ms  errors %s\n",
            (unsigned long long)((now_ns - run->origin_ns + LINE_NS / 2) / LINE_NS),
            dummy_number_write(atomic_load(&run->connected_count), connected),
            dummy_number_write(dummy_counter_sent_count(&progress->total), sent),
            dummy_number_write(dummy_counter_received_count(&progress->total), received),
            percentile_ms(progress, 50), percentile_ms(progress, 99),
            dummy_number_write(count_errors(run), errors));
    fflush(progress->file);
}

static void on_time(struct gw_timer *timer)
{
    struct dummy_progress *progress = GW_CONTAINER_OF(timer, struct dummy_progress, timer);
    uint64_t now_ns = gw_turn_now_ns(&progress->turn);
    update(progress);
    print_line(progress, now_ns);
    gw_timer_set(timer, now_ns + LINE_NS);
}

static void begin(struct gw_task *task)
{
    struct dummy_progress *progress = GW_CONTAINER_OF(task, struct dummy_progress, begin);
    gw_timer_set(&progress->timer, gw_turn_now_ns(&progress->turn) + LINE_NS);
}

struct dummy_progress *dummy_progress_create(const struct dummy_run *run, FILE *file)
{
    struct dummy_progress *progress = calloc(1, sizeof *progress);
    if (progress == NULL) {
        return NULL;
    }
    progress->run = run;
    progress->file = file;
    progress->begin.run = begin;
    gw_turn_init(&progress->turn, run->port, NULL);
    gw_timer_init(&progress->timer, &progress->turn, on_time);
    gw_turn_post(&progress->turn, &progress->begin);
    return progress;
}

void dummy_progress_destroy(struct dummy_progress *progress)
{
    if (progress != NULL) {
        gw_turn_unref(&progress->turn);
        free(progress);
    }
}
