/* tests/net/test_port.c: Errors, log events and backends of a port. */
#include "tests/test.h"

#include "net/backend/backend.h"
#include "net/error.h"
#include "net/port.h"
#include "net/port_internal.h"
#include "net/workers.h"
#include "tests/support/machine.h"

#include <string.h>

static void a_port_has_at_most_64_workers(void **state)
{
    struct gw_port_config config = {.worker_count = GW_PORT_WORKER_COUNT_MAX + 1};
    struct gw_port *port = NULL;
    assert_int_equal(gw_port_create(&config, &port), GW_E_FULL);
    assert_null(port);
    config.worker_count = GW_PORT_WORKER_COUNT_MAX;
    assert_int_equal(gw_port_create(&config, &port), GW_OK);
    assert_int_equal(gw_port_worker_count(port), GW_PORT_WORKER_COUNT_MAX);
    gw_port_destroy(port);
}

static void a_port_with_64_workers_stops(void **state)
{
    const struct gw_port_config config = {.worker_count = GW_PORT_WORKER_COUNT_MAX};
    struct gw_port *port;
    struct gw_workers *workers;
    assert_int_equal(gw_port_create(&config, &port), GW_OK);
    assert_int_equal(gw_workers_start(port, &workers), GW_OK);
    gw_port_stop(port);
    assert_int_equal(gw_workers_join(workers), GW_OK);
    gw_port_destroy(port);
}

static void worker_count_0_means_one_for_each_processor(void **state)
{
    const struct gw_port_config config = {.worker_count = 0};
    struct gw_port *port;
    assert_int_equal(gw_port_create(&config, &port), GW_OK);
    assert_in_range(gw_port_worker_count(port), 1, GW_PORT_WORKER_COUNT_MAX);
    gw_port_destroy(port);
}

static bool is_here(enum gw_backend backend)
{
    const char *why;
    for (size_t i = 0; gw__backends[i] != NULL; i++) {
        if (gw__backends[i]->backend == backend && gw__backends[i]->available(&why)) {
            return true;
        }
    }
    return false;
}

static void each_backend_of_this_system_can_be_requested_and_no_other(void **state)
{
    for (int backend = GW_BACKEND_IOCP; backend <= GW_BACKEND_EPOLL; backend++) {
        const struct gw_port_config config = {.backend = (enum gw_backend)backend,
                                              .worker_count = 1};
        struct gw_port *port = NULL;
        int error = gw_port_create(&config, &port);
        assert_int_equal(error, is_here(config.backend) ? GW_OK : GW_E_UNSUPPORTED);
        assert_true(error != GW_OK || gw_port_backend(port) == config.backend);
        gw_port_destroy(port);
    }
}

static void auto_is_the_first_backend_that_runs(void **state)
{
    const struct gw_port_config config = {.backend = GW_BACKEND_AUTO, .worker_count = 1};
    struct gw_port *port;
    assert_int_equal(gw_port_create(&config, &port), GW_OK);
    assert_int_not_equal(gw_port_backend(port), GW_BACKEND_AUTO);
    assert_true(is_here(gw_port_backend(port)));
    gw_port_destroy(port);
}

static void every_backend_has_a_name(void **state)
{
    assert_string_equal(gw_backend_name(GW_BACKEND_AUTO), "auto");
    assert_string_equal(gw_backend_name(GW_BACKEND_IOCP), "iocp");
    assert_string_equal(gw_backend_name(GW_BACKEND_URING), "uring");
    assert_string_equal(gw_backend_name(GW_BACKEND_EPOLL), "epoll");
    assert_string_equal(gw_backend_name((enum gw_backend)99), "?");
}

/* ---- a backend that cannot be opened, or fails later ---- */

static int lanes_left;
static uint32_t open_count;

static int open_some(struct gw_lane *lane, const char **why_out)
{
    if (lanes_left-- == 0) {
        return GW_E_MEMORY;
    }
    open_count++;
    return gw__backends[0]->open(lane, why_out);
}

static void close_one(struct gw_lane *lane)
{
    open_count--;
    gw__backends[0]->close(lane);
}

static void a_lane_that_fails_to_open_closes_the_lanes_before_it(void **state)
{
    struct gw_backend_ops ops = *gw__backends[0];
    const struct gw_port_config config = {.worker_count = 4};
    ops.open = open_some;
    ops.close = close_one;
    uint32_t lane_count = ops.lane_shared ? 1 : config.worker_count;
    for (uint32_t i = 0; i < lane_count; i++) {
        struct gw_port *port = NULL;
        lanes_left = (int)i;
        assert_int_equal(gw__port_create_on(&ops, &config, &port), GW_E_MEMORY);
        assert_null(port);
        assert_int_equal(open_count, 0);
    }
}

static int fail_to_wait(struct gw_lane *lane, uint64_t deadline_ns)
{
    gw__lane_awake(lane);
    return GW_E_SYSTEM;
}

static void all_workers_return_when_the_kernel_queue_fails(void **state)
{
    struct gw_backend_ops ops = *gw__backends[0];
    const struct gw_port_config config = {.worker_count = 3};
    struct gw_port *port;
    struct gw_workers *workers;
    ops.wait = fail_to_wait;
    assert_int_equal(gw__port_create_on(&ops, &config, &port), GW_OK);
    assert_int_equal(gw_workers_start(port, &workers), GW_OK);
    assert_int_equal(gw_workers_join(workers), GW_E_SYSTEM);
    gw_port_destroy(port);
}

/* ---- the log ---- */

/* The logged events, as one text. */
struct received {
    uint32_t few_descriptors_count;
    uint32_t backend_count;
    const char *name;
    const char *reason;
};

static void receive(enum gw_log_level level, const char *event, const struct gw_log_field *fields,
                    size_t field_count, void *context)
{
    struct received *received = context;
    received->few_descriptors_count += strcmp(event, "few_descriptors") == 0;
    if (strcmp(event, "backend") == 0) {
        assert_int_equal(level, GW_LOG_INFO);
        assert_int_equal(field_count, 2);
        assert_string_equal(fields[0].name, "name");
        assert_string_equal(fields[1].name, "reason");
        received->backend_count++;
        received->name = fields[0].text; /* both texts are static */
        received->reason = fields[1].text;
    }
}

static void too_few_descriptors_are_logged(void **state)
{
    struct received received = {0};
    const struct gw_port_config config = {
        .worker_count = 1, .stream_count_max = UINT32_MAX, .log = {receive, &received}};
    struct gw_port *port;
    if (!machine_has_descriptor_limit()) {
        skip();
    }
    assert_int_equal(gw_port_create(&config, &port), GW_OK);
    assert_int_equal(received.few_descriptors_count, 1);
    assert_ptr_equal(gw_port_log(port)->context, &received);
    gw_port_destroy(port);
}

static void a_port_logs_once_which_backend_it_runs_on_and_why(void **state)
{
    for (int backend = GW_BACKEND_AUTO; backend <= GW_BACKEND_EPOLL; backend++) {
        struct received received = {0};
        const struct gw_port_config config = {
            .backend = (enum gw_backend)backend, .worker_count = 1, .log = {receive, &received}};
        struct gw_port *port;
        if (gw_backend_refusal(config.backend) != NULL) {
            assert_int_equal(gw_port_create(&config, &port), GW_E_UNSUPPORTED);
            assert_int_equal(received.backend_count, 0);
            continue;
        }
        assert_int_equal(gw_port_create(&config, &port), GW_OK);
        assert_int_equal(received.backend_count, 1);
        assert_string_equal(received.name, gw_backend_name(gw_port_backend(port)));
        assert_true(backend == GW_BACKEND_AUTO || strcmp(received.reason, "asked for") == 0);
        gw_port_destroy(port);
    }
}

static void a_backend_of_another_system_is_refused_with_a_reason(void **state)
{
    int refused_count = 0;
    for (int backend = GW_BACKEND_IOCP; backend <= GW_BACKEND_EPOLL; backend++) {
        const char *refusal = gw_backend_refusal((enum gw_backend)backend);
        assert_int_equal(refusal == NULL, is_here((enum gw_backend)backend));
        refused_count += refusal != NULL && strcmp(refusal, "not a backend of this system") == 0;
    }
    assert_in_range(refused_count, 1, 2);
    assert_null(gw_backend_refusal(GW_BACKEND_AUTO));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_has_at_most_64_workers),
        cmocka_unit_test(a_port_with_64_workers_stops),
        cmocka_unit_test(worker_count_0_means_one_for_each_processor),
        cmocka_unit_test(each_backend_of_this_system_can_be_requested_and_no_other),
        cmocka_unit_test(auto_is_the_first_backend_that_runs),
        cmocka_unit_test(every_backend_has_a_name),
        cmocka_unit_test(a_lane_that_fails_to_open_closes_the_lanes_before_it),
        cmocka_unit_test(all_workers_return_when_the_kernel_queue_fails),
        cmocka_unit_test(too_few_descriptors_are_logged),
        cmocka_unit_test(a_port_logs_once_which_backend_it_runs_on_and_why),
        cmocka_unit_test(a_backend_of_another_system_is_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
