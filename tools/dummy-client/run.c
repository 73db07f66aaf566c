/* tools/dummy-client/run.c: a whole run, from the first call to the report. */
#include "tools/dummy-client/run.h"
#include "net/error.h"
#include "net/port.h"
#include "net/signals.h"
#include "net/workers.h"
#include "tools/dummy-client/client.h"
#include "tools/dummy-client/conductor.h"
#include "tools/dummy-client/crowd.h"
#include "tools/dummy-client/live.h"
#include "tools/dummy-client/log.h"
#include "tools/dummy-client/options.h"
#include "tools/dummy-client/receive.h"
#include "tools/dummy-client/report.h"
#include <string.h>

static void on_signal(enum gw_signal signal, void *context)
{
    struct dummy_crowd *crowd = context;
    if (signal == GW_SIGNAL_STOP) {
        atomic_store(&crowd->interrupted, true);
    }
}

static int open_port(struct dummy_crowd *crowd, struct dummy_log *log)
{
    struct gw_port_config config = {
        .backend = crowd->options->backend,
        .worker_count = crowd->options->worker_count,
        .stream_count_max = crowd->options->client_count,
        .log = dummy_log_open(log),
    };
    return gw_port_create(&config, &crowd->port);
}

static int open_manager(struct dummy_crowd *crowd)
{
    struct gw_session_manager_config config = {
        .side = GW_SIDE_CLIENT,
        .session_count_max = crowd->options->client_count,
    };
    crowd->manager = gw_session_manager_create(crowd->port, &config, dummy_receive_packets(),
                                               &dummy_client_events, crowd);
    return crowd->manager == NULL ? GW_E_MEMORY : 0;
}

/* Works until the conductor stops the port. */
static int work(struct dummy_crowd *crowd)
{
    struct gw_workers *workers;
    bool has_signals =
        crowd->options->take_signals && gw_signals_take(crowd->port, on_signal, crowd) == 0;
    int error = gw_workers_start(crowd->port, &workers);
    if (error == 0) {
        error = gw_workers_join(workers);
    }
    if (has_signals) {
        gw_signals_release();
    }
    return error;
}

static int conduct(struct dummy_crowd *crowd, struct dummy_report *report_out)
{
    struct dummy_conductor conductor;
    struct dummy_live *live = NULL;
    if (!crowd->options->quiet) {
        live = dummy_live_create(crowd, stderr);
    }
    dummy_conductor_init(&conductor, crowd);
    int error = work(crowd);
    if (error == 0) {
        dummy_report_collect(report_out, crowd, &conductor);
    }
    dummy_conductor_fini(&conductor);
    dummy_live_destroy(live);
    return error;
}

/* Sessions that did not end cannot be taken down; the process will end with them. */
static void close_all(struct dummy_crowd *crowd)
{
    if (atomic_load(&crowd->here_count) == 0) {
        dummy_crowd_fini(crowd);
        gw_session_manager_destroy(crowd->manager);
        gw_port_destroy(crowd->port);
    }
}

int dummy_run(const struct dummy_options *options, struct dummy_report *report_out)
{
    struct dummy_log log = {0};
    struct dummy_crowd crowd = {.options = options};
    memset(report_out, 0, sizeof *report_out);
    int error = open_port(&crowd, &log);
    if (error != 0) {
        return error;
    }
    error = open_manager(&crowd);
    if (error == 0) {
        error = dummy_crowd_init(&crowd);
    }
    if (error == 0) {
        error = conduct(&crowd, report_out);
    }
    close_all(&crowd);
    return error;
}
