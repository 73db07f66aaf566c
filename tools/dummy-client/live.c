/* tools/dummy-client/live.c: a line each second, so that one sees how it goes. */
#include "tools/dummy-client/live.h"
#include "net/container_of.h"
#include "net/port.h"
#include "tools/dummy-client/crowd.h"
#include "tools/dummy-client/number.h"
#include "tools/dummy-client/options.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_NS = 1000000000 };

/* Adds up what there is now; what was there a second ago is taken from the latencies. */
static void take_stock(struct dummy_live *live)
{
    memset(&live->total, 0, sizeof live->total);
    memset(&live->latency, 0, sizeof live->latency);
    dummy_stats_sum(&live->crowd->stats, &live->total);
    for (int i = 0; i < DUMMY_MESSAGE_COUNT; i++) {
        dummy_histogram_merge(&live->latency, &live->total.latency[i]);
    }
    struct dummy_histogram so_far = {0};
    dummy_histogram_merge(&so_far, &live->latency);
    dummy_histogram_subtract(&live->latency, &live->latency_old);
    memset(&live->latency_old, 0, sizeof live->latency_old);
    dummy_histogram_merge(&live->latency_old, &so_far);
}

static double percentile_ms(const struct dummy_live *live, double percent)
{
    return (double)dummy_histogram_percentile_ns(&live->latency, percent) / 1e6;
}

/* What comes of a packet with values made up is nobody's fault, as in the report. */
static uint64_t count_errors(const struct dummy_crowd *crowd)
{
    uint64_t fault_count = crowd->options->send == NULL ? dummy_crowd_fault_count(crowd) : 0;
    return fault_count + atomic_load(&crowd->disorderly_count);
}

static void print_line(const struct dummy_live *live, uint64_t now_ns)
{
    const struct dummy_crowd *crowd = live->crowd;
    char connected[DUMMY_NUMBER_TEXT_BYTES], sent[DUMMY_NUMBER_TEXT_BYTES];
    char received[DUMMY_NUMBER_TEXT_BYTES], errors[DUMMY_NUMBER_TEXT_BYTES];
    fprintf(live->file,
            "%4llu s  connected %s  sent %s  received %s  p50 %.1f ms  p99 %.1f ms  errors %s\n",
            (unsigned long long)((now_ns - crowd->origin_ns + LINE_NS / 2) / LINE_NS),
            dummy_number_write(atomic_load(&crowd->connected_count), connected),
            dummy_number_write(dummy_counter_sent_count(&live->total), sent),
            dummy_number_write(dummy_counter_received_count(&live->total), received),
            percentile_ms(live, 50), percentile_ms(live, 99),
            dummy_number_write(count_errors(crowd), errors));
    fflush(live->file);
}

static void on_time(struct gw_timer *timer)
{
    struct dummy_live *live = GW_CONTAINER_OF(timer, struct dummy_live, timer);
    uint64_t now_ns = gw_turn_now_ns(&live->turn);
    take_stock(live);
    print_line(live, now_ns);
    gw_timer_set(timer, now_ns + LINE_NS);
}

static void begin(struct gw_task *task)
{
    struct dummy_live *live = GW_CONTAINER_OF(task, struct dummy_live, begin);
    gw_timer_set(&live->timer, gw_turn_now_ns(&live->turn) + LINE_NS);
}

struct dummy_live *dummy_live_create(const struct dummy_crowd *crowd, FILE *file)
{
    struct dummy_live *live = calloc(1, sizeof *live);
    if (live == NULL) {
        return NULL;
    }
    live->crowd = crowd;
    live->file = file;
    live->begin.run = begin;
    gw_turn_init(&live->turn, crowd->port, NULL);
    gw_timer_init(&live->timer, &live->turn, on_time);
    gw_turn_post(&live->turn, &live->begin);
    return live;
}

void dummy_live_destroy(struct dummy_live *live)
{
    if (live != NULL) {
        gw_turn_unref(&live->turn);
        free(live);
    }
}
