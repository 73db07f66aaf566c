/* tools/dummy-client/run.c: one run: all clients, their rooms and counters, and its execution. */
#include "tools/dummy-client/run.h"
#include "net/error.h"
#include "net/log.h"
#include "net/port.h"
#include "net/signals.h"
#include "net/workers.h"
#include "tools/dummy-client/client.h"
#include "tools/dummy-client/options.h"
#include "tools/dummy-client/progress.h"
#include "tools/dummy-client/receive.h"
#include "tools/dummy-client/report.h"
#include "tools/dummy-client/room.h"
#include "tools/dummy-client/schedule.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int make_rooms(struct dummy_run *run)
{
    const struct dummy_options *options = run->options;
    if (!dummy_options_have_rooms(options)) {
        return 0;
    }
    uint32_t count = (options->client_count + options->room_size - 1) / options->room_size;
    run->rooms = calloc(count, sizeof *run->rooms);
    if (run->rooms == NULL) {
        return GW_E_MEMORY;
    }
    int error = 0;
    for (run->room_count = 0; run->room_count < count && error == 0; run->room_count++) {
        uint32_t first = run->room_count * options->room_size;
        uint32_t rest = options->client_count - first;
        error = dummy_room_init(&run->rooms[run->room_count], first,
                                rest < options->room_size ? rest : options->room_size);
    }
    return error;
}

static int make_clients(struct dummy_run *run)
{
    uint32_t count = run->options->client_count;
    run->clients = calloc(count, sizeof *run->clients);
    if (run->clients == NULL) {
        return GW_E_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        dummy_client_init(&run->clients[i], run, i);
    }
    return dummy_players_init(&run->players, count);
}

int dummy_run_init(struct dummy_run *run)
{
    const struct dummy_options *options = run->options;
    run->origin_ns = gw_port_now_ns(run->port);
    run->stop_ns =
        run->origin_ns + (options->ramp_microseconds + options->talk_microseconds) * 1000;
    int error = dummy_stats_init(&run->stats, run->port);
    if (error == 0) {
        error = make_rooms(run);
    }
    return error == 0 ? make_clients(run) : error;
}

void dummy_run_fini(struct dummy_run *run)
{
    for (uint32_t i = 0; run->clients != NULL && i < run->options->client_count; i++) {
        dummy_client_fini(&run->clients[i]);
    }
    for (uint32_t i = 0; i < run->room_count; i++) {
        dummy_room_fini(&run->rooms[i]);
    }
    free(run->clients);
    free(run->rooms);
    dummy_players_fini(&run->players);
    dummy_stats_fini(&run->stats);
}

struct dummy_room *dummy_run_room(const struct dummy_run *run, uint32_t client,
                                  uint32_t *member_out)
{
    uint32_t room_size = run->options->room_size;
    *member_out = client % room_size;
    return run->rooms == NULL ? NULL : &run->rooms[client / room_size];
}

uint64_t dummy_run_fault_count(const struct dummy_run *run)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < run->options->client_count; i++) {
        for (int fault = 0; fault < DUMMY_FAULT_COUNT; fault++) {
            count += dummy_ledger_fault_count(&run->clients[i].ledger, (enum dummy_fault)fault);
        }
    }
    return count;
}

/* A few events of INFO and above: with thousands of clients the same event repeats. */
struct dummy_log {
    atomic_uint count;
};

enum { LINE_COUNT_MAX = 10, LINE_BYTES = 400 };

static size_t append_field(char *line, size_t used, const struct gw_log_field *field)
{
    int bytes = field->text != NULL ? snprintf(line + used, LINE_BYTES - used, " %s=\"%s\"",
                                               field->name, field->text)
                                    : snprintf(line + used, LINE_BYTES - used, " %s=%lld",
                                               field->name, (long long)field->number);
    size_t after = used + (bytes > 0 ? (size_t)bytes : 0);
    return after < LINE_BYTES ? after : LINE_BYTES - 1;
}

static void write_event(enum gw_log_level level, const char *event,
                        const struct gw_log_field *fields, size_t field_count, void *context)
{
    struct dummy_log *log = context;
    if (level > GW_LOG_INFO || atomic_fetch_add(&log->count, 1) >= LINE_COUNT_MAX) {
        return;
    }
    char line[LINE_BYTES] = "";
    size_t used = 0;
    for (size_t i = 0; i < field_count; i++) {
        used = append_field(line, used, &fields[i]);
    }
    fprintf(stderr, "gangway-dummy: %s: %s%s\n", gw_log_level_name(level), event, line);
}

static struct gw_log log_open(struct dummy_log *log)
{
    return (struct gw_log){.write = write_event, .context = log};
}

static void on_signal(enum gw_signal signal, void *context)
{
    struct dummy_run *run = context;
    if (signal == GW_SIGNAL_STOP) {
        atomic_store(&run->interrupted, true);
    }
}

static int open_port(struct dummy_run *run, struct dummy_log *log)
{
    struct gw_port_config config = {
        .backend = run->options->backend,
        .worker_count = run->options->worker_count,
        .stream_count_max = run->options->client_count,
        .log = log_open(log),
    };
    return gw_port_create(&config, &run->port);
}

static int open_manager(struct dummy_run *run)
{
    struct gw_session_manager_config config = {
        .side = GW_SIDE_CLIENT,
        .session_count_max = run->options->client_count,
    };
    run->manager = gw_session_manager_create(run->port, &config, dummy_receive_packets(),
                                             &dummy_client_events, run);
    return run->manager == NULL ? GW_E_MEMORY : 0;
}

/* Runs the workers until the schedule stops the port. */
static int run_workers(struct dummy_run *run)
{
    struct gw_workers *workers;
    bool has_signals =
        run->options->take_signals && gw_signals_take(run->port, on_signal, run) == 0;
    int error = gw_workers_start(run->port, &workers);
    if (error == 0) {
        error = gw_workers_join(workers);
    }
    if (has_signals) {
        gw_signals_release();
    }
    return error;
}

static int run_clients(struct dummy_run *run, struct dummy_report *report_out)
{
    struct dummy_schedule schedule;
    struct dummy_progress *progress = NULL;
    if (!run->options->quiet) {
        progress = dummy_progress_create(run, stderr);
    }
    dummy_schedule_init(&schedule, run);
    int error = run_workers(run);
    if (error == 0) {
        dummy_report_collect(report_out, run, &schedule);
    }
    dummy_schedule_fini(&schedule);
    dummy_progress_destroy(progress);
    return error;
}

/* Sessions that did not end keep their port and manager; both are left to the process exit. */
static void close_all(struct dummy_run *run)
{
    if (atomic_load(&run->open_count) == 0) {
        dummy_run_fini(run);
        gw_session_manager_destroy(run->manager);
        gw_port_destroy(run->port);
    }
}

int dummy_run_execute(const struct dummy_options *options, struct dummy_report *report_out)
{
    struct dummy_log log = {0};
    struct dummy_run run = {.options = options};
    memset(report_out, 0, sizeof *report_out);
    int error = open_port(&run, &log);
    if (error != 0) {
        return error;
    }
    error = open_manager(&run);
    if (error == 0) {
        error = dummy_run_init(&run);
    }
    if (error == 0) {
        error = run_clients(&run, report_out);
    }
    close_all(&run);
    return error;
}
