/* tools/bench/load.c: the load generator: connect, warm up, count, report. */
#define _GNU_SOURCE
#include "tools/bench/load.h"

#include "tools/bench/serve.h"
#include "tools/bench/wire.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

enum {
    EVENT_COUNT_MAX = 512,
    NS_PER_MS = 1000000,
    NS_PER_S = 1000000000,
    SEND_BYTES_MAX = 256 * 1024
};

struct load load;
static const struct load_mode *mode;

/* ---- connecting ---- */

static void expect(struct link *link, uint16_t id)
{
    uint8_t frame[WIRE_FRAME_BYTES_MAX];
    link_get(link, frame);
    if (wire_id(frame) != id) {
        link_fail(link, "received an unexpected message");
    }
}

void load_connect(void)
{
    uint8_t hello[WIRE_HELLO_BYTES];
    wire_hello(hello);
    for (uint32_t i = 0; i < load.options.connection_count; i++) {
        link_open(&load.links[i], i, load.options.port, load.options.tls, load.options.websocket);
        if (load.options.greet) {
            link_put(&load.links[i], hello, sizeof(hello));
        }
    }
    for (uint32_t i = 0; load.options.greet && i < load.options.connection_count; i++) {
        expect(&load.links[i], WIRE_HELLO_ACK);
    }
}

/* ---- sending ---- */

uint64_t load_due_ns(uint32_t index, uint32_t count)
{
    uint64_t index_of_all = (uint64_t)count * load.options.connection_count + index;
    return load.begun_ns + index_of_all * NS_PER_S / load.options.rate;
}

void load_send(struct link *link, uint32_t count)
{
    static uint8_t bytes[SEND_BYTES_MAX];
    uint32_t frame_bytes = load.options.frame_bytes;
    uint32_t room = SEND_BYTES_MAX / frame_bytes;
    while (count > 0) {
        uint32_t now = count < room ? count : room;
        for (uint32_t i = 0; i < now; i++) {
            wire_message(bytes + (size_t)i * frame_bytes, frame_bytes, load.options.packet_id,
                         link_stamp(link->index, link->said++));
        }
        link_send(link, load.set, bytes, now * frame_bytes, frame_bytes);
        count -= now;
    }
}

/* Sends all messages that are due by now. Returns when the next one is due. */
static uint64_t send_due(void)
{
    uint32_t connection_count = load.options.connection_count;
    for (;;) {
        uint32_t index = (uint32_t)(load.due_count % connection_count);
        uint64_t due_ns = load_due_ns(index, (uint32_t)(load.due_count / connection_count));
        if (due_ns > serve_now_ns()) {
            return due_ns;
        }
        load_send(&load.links[index], 1);
        load.due_count++;
    }
}

void load_note(uint64_t due_ns)
{
    if (load.counting) {
        load.count++;
        if (due_ns != 0) {
            gw_histogram_add(&load.latency, serve_now_ns() - due_ns);
        }
    }
}

/* ---- the loop ---- */

/* Answers a PING with its stamp. */
static void answer_ping(struct link *link, const uint8_t *frame, uint32_t bytes)
{
    uint8_t pong[WIRE_FRAME_BYTES_MAX];
    memcpy(pong, frame, bytes);
    wire_header(pong, bytes - WIRE_HEADER_BYTES, WIRE_PONG, 0);
    link_send(link, load.set, pong, bytes, bytes);
}

static void on_frame(struct link *link, const uint8_t *frame, uint32_t bytes)
{
    if (wire_id(frame) == WIRE_PING) {
        answer_ping(link, frame, bytes);
    } else {
        mode->on_frame(link, frame, bytes);
    }
}

static void on_ready(struct link *link, uint32_t events)
{
    if ((events & EPOLLOUT) != 0) {
        link_send_late(link, load.set);
    }
    if ((events & ~(uint32_t)EPOLLOUT) != 0 && !link_read(link, on_frame)) {
        link_fail(link, "closed by the server");
    }
    if (link->owed > 0) {
        uint32_t owed = link->owed;
        link->owed = 0;
        load_send(link, owed);
    }
}

static void wait_and_read(uint64_t until_ns)
{
    struct epoll_event events[EVENT_COUNT_MAX];
    uint64_t now_ns = serve_now_ns();
    uint64_t left_ns = until_ns > now_ns ? until_ns - now_ns : 0;
    struct timespec left = {.tv_sec = (time_t)(left_ns / NS_PER_S),
                            .tv_nsec = (long)(left_ns % NS_PER_S)};
    int count = epoll_pwait2(load.set, events, EVENT_COUNT_MAX, &left, NULL);
    if (count < 0 && errno != EINTR) {
        serve_fail("epoll_pwait2");
    }
    for (int i = 0; i < count; i++) {
        on_ready(events[i].data.ptr, events[i].events);
    }
}

static void loop_for_ms(uint32_t ms)
{
    uint64_t end_ns = serve_now_ns() + (uint64_t)ms * NS_PER_MS;
    while (serve_now_ns() < end_ns) {
        uint64_t next_ns = load.options.rate != 0 ? send_due() : end_ns;
        wait_and_read(next_ns < end_ns ? next_ns : end_ns);
    }
}

/* ---- the run ---- */

static void begin(void)
{
    load.begun_ns = serve_now_ns();
    for (uint32_t i = 0; i < load.options.connection_count; i++) {
        link_join_set(&load.links[i], load.set);
    }
    for (uint32_t i = 0; load.options.rate == 0 && i < load.options.connection_count; i++) {
        load_send(&load.links[i], load.options.depth);
    }
}

static void report(const struct meter *from, const struct meter *to, uint64_t ns)
{
    const struct gw_histogram *latency = &load.latency;
    double count = load.count == 0 ? 1 : (double)load.count;
    printf("{\"count\": %llu, \"unit\": \"%s\", \"seconds\": %.3f, \"cpu_ns\": %llu, "
           "\"cpu_ns_each\": %.1f, \"per_second\": %.0f, \"wakes_each\": %.5f, "
           "\"private_bytes\": %lld, \"private_bytes_each\": %.1f, "
           "\"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, \"max_us\": %.1f}\n",
           (unsigned long long)load.count, mode->unit, (double)ns / NS_PER_S,
           (unsigned long long)(to->cpu_ns - from->cpu_ns),
           (double)(to->cpu_ns - from->cpu_ns) / count, (double)load.count * NS_PER_S / (double)ns,
           (double)(to->sleep_count - from->sleep_count) / count,
           (long long)(to->private_bytes - from->private_bytes),
           (double)(int64_t)(to->private_bytes - from->private_bytes) / count,
           (double)gw_histogram_percentile_ns(latency, 50) / 1000,
           (double)gw_histogram_percentile_ns(latency, 99) / 1000,
           (double)gw_histogram_percentile_ns(latency, 99.9) / 1000,
           (double)gw_histogram_percentile_ns(latency, 100) / 1000);
}

static void count_frames(void)
{
    loop_for_ms(load.options.run_ms);
}

/* Memory counts from before the first connection; everything else while counting. */
static void run_counted(void)
{
    struct meter before = meter_read(load.options.pid);
    if (mode->run == NULL || mode == &load_idle) {
        load_connect();
    }
    if (mode->prepare != NULL) {
        mode->prepare();
    }
    if (mode->run == NULL) {
        begin();
        loop_for_ms(load.options.warm_ms);
    }
    struct meter from = meter_read(load.options.pid);
    uint64_t from_ns = serve_now_ns();
    load.counting = true;
    (mode->run == NULL ? count_frames : mode->run)();
    uint64_t ns = serve_now_ns() - from_ns;
    struct meter to = meter_read(load.options.pid);
    from.private_bytes = before.private_bytes;
    report(&from, &to, ns);
}

static const struct load_mode *find_mode(const char *name)
{
    static const struct load_mode *const modes[] = {&load_echo, &load_group, &load_storm,
                                                    &load_idle};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(modes[i]->name, name) == 0) {
            return modes[i];
        }
    }
    fprintf(stderr, "no mode is called '%s'\n", name);
    exit(2);
}

static void want_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    load.options = load_options(argc, argv);
    mode = find_mode(load.options.mode);
    load.links = calloc(load.options.connection_count, sizeof(struct link));
    load.set = epoll_create1(0);
    if (load.links == NULL || load.set < 0) {
        serve_fail("the load generator");
    }
    signal(SIGPIPE, SIG_IGN);
    want_descriptors();
    run_counted();
    return 0;
}
