/* tests/support/test_filter.c: Byte filters for tests, which check the duties of the stream. */
#include "tests/support/test_filter.h"

#include "net/error.h"
#include "tests/support/random.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_BYTES = 3, KEY = 0x5A, OWN_BYTES_MAX = 4 * HEADER_BYTES };

/* A message is its type, two bytes of length, and that many bytes. Only DATA has any. */
enum type { HELLO = 1, ANSWER, DATA, END, PING, ALERT };

struct test_filter {
    struct gw_filter base;
    struct test_filter_source *source;
    struct random random;
    uint8_t *kept; /* received and not returned */
    uint32_t kept_bytes;
    uint32_t prefix_bytes;  /* received */
    uint32_t message_bytes; /* of a DATA message, not yet received */
    uint8_t *sent;
    uint32_t sent_bytes;
    uint8_t own[OWN_BYTES_MAX]; /* headers in `out` of a MARKED filter */
    unsigned wanted;            /* own messages, a bit for each type */
    uint8_t key;
    bool is_drained; /* the last recv() returned 0 */
    bool is_outstanding;
    bool has_failed;
    bool is_finished;
};

static struct test_filter *filter_of(struct gw_filter *base)
{
    return (struct test_filter *)(void *)base;
}

/* A duty of the stream. Ends the program: it may be a worker's thread. */
static void check(bool condition, const char *duty)
{
    if (!condition) {
        fprintf(stderr, "test_filter: the stream must %s\n", duty);
        abort();
    }
}

static void want(struct test_filter *filter, enum type type)
{
    filter->wanted |= 1U << type;
    filter->base.wants_send = true;
}

static void open_filter(struct test_filter *filter)
{
    if (!filter->base.is_open) {
        filter->base.is_open = true;
        atomic_fetch_add(&filter->source->open_count, 1);
    }
}

static int fail(struct test_filter *filter, int error, const char *problem)
{
    filter->has_failed = true;
    filter->base.problem = problem;
    filter->wanted = 0;
    filter->base.wants_send = false;
    if (error == TEST_FILTER_FAILED) {
        want(filter, ALERT);
    }
    return error;
}

/* Returns whether this call is the one that fails. */
static bool is_fail_step(struct test_filter *filter)
{
    return atomic_fetch_add(&filter->source->step_count, 1) + 1 == filter->source->config.fail_step;
}

/* ---- receiving ---- */

static int take_message(struct test_filter *filter, enum type type, uint8_t byte)
{
    bool is_client = filter->source->config.is_client;
    bool is_secret = filter->source->config.kind == TEST_FILTER_SECRET;
    if (type == HELLO && is_secret && !is_client && !filter->base.is_open) {
        filter->key = byte;
        want(filter, ANSWER);
        open_filter(filter);
    } else if (type == ANSWER && is_secret && is_client && !filter->base.is_open) {
        open_filter(filter);
    } else if (type == END) {
        filter->base.recv_ended = true;
    } else if (type == ALERT) {
        return fail(filter, TEST_FILTER_ALERTED, "the peer has failed");
    } else if (type != PING && (type != DATA || !filter->base.is_open)) {
        return fail(filter, TEST_FILTER_FAILED, "a message that was not expected");
    }
    return 0;
}

/* Reads one header from what is kept. Returns false when it is not complete. */
static bool read_header(struct test_filter *filter, const uint8_t **from, int *error_out)
{
    const uint8_t *end = filter->kept + filter->kept_bytes;
    if (end - *from < HEADER_BYTES) {
        return false;
    }
    const uint8_t *header = *from;
    *from += HEADER_BYTES;
    if (header[0] == DATA) {
        filter->message_bytes = (uint32_t)(header[1] | header[2] << 8);
    }
    *error_out = take_message(filter, (enum type)header[0], header[1]);
    return *error_out == 0;
}

static int parse(struct test_filter *filter, uint8_t *out, uint32_t room)
{
    const uint8_t *from = filter->kept;
    const uint8_t *end = filter->kept + filter->kept_bytes;
    uint32_t bytes = 0;
    int error = 0;
    bool goes_on = true;
    while (goes_on) {
        if (filter->message_bytes > 0) {
            uint32_t count = (uint32_t)(end - from);
            count = count < filter->message_bytes ? count : filter->message_bytes;
            count = count < room - bytes ? count : room - bytes;
            for (uint32_t i = 0; i < count; i++) {
                out[bytes++] = *from++ ^ filter->key;
            }
            filter->message_bytes -= count;
            goes_on = count > 0;
        } else {
            goes_on =
                bytes < room && !filter->base.recv_ended && read_header(filter, &from, &error);
        }
    }
    filter->kept_bytes = (uint32_t)(end - from);
    memmove(filter->kept, from, filter->kept_bytes);
    return error != 0 ? error : (int)bytes;
}

static int recv_prefix(struct test_filter *filter, struct gw_span *in)
{
    const struct test_filter_config *config = &filter->source->config;
    uint32_t left = config->prefix_bytes - filter->prefix_bytes;
    uint32_t count = in->bytes < left ? in->bytes : left;
    in->data += count;
    in->bytes -= count;
    filter->prefix_bytes += count;
    if (filter->prefix_bytes == config->prefix_bytes) {
        filter->base.is_done = true;
        filter->base.peer = config->peer.port != 0 ? &config->peer : NULL;
    }
    return 0;
}

static int keep(struct test_filter *filter, struct gw_span *in)
{
    uint8_t *kept = realloc(filter->kept, filter->kept_bytes + in->bytes);
    if (kept == NULL) {
        return fail(filter, GW_E_MEMORY, "no memory");
    }
    memcpy(kept + filter->kept_bytes, in->data, in->bytes);
    filter->kept = kept;
    filter->kept_bytes += in->bytes;
    in->bytes = 0;
    return 0;
}

static int test_recv(struct gw_filter *base, struct gw_span *in, uint8_t *out)
{
    struct test_filter *filter = filter_of(base);
    const struct test_filter_config *config = &filter->source->config;
    check(!filter->has_failed, "not call recv() after a failure");
    check(!base->is_done, "not call recv() of a filter that is done");
    check(in->bytes == 0 || filter->is_drained, "call recv() until nothing is left");
    check(in->bytes <= GW_STREAM_RECV_BYTES_MAX, "pass pieces of at most one receive");
    if (is_fail_step(filter)) {
        return fail(filter, TEST_FILTER_FAILED, "recv() had to fail");
    }
    if (config->kind == TEST_FILTER_PREFIX) {
        return recv_prefix(filter, in);
    }
    int error = in->bytes > 0 ? keep(filter, in) : 0;
    if (error == 0 && filter->kept_bytes > 0 && config->kind == TEST_FILTER_CLEAR) {
        filter->message_bytes = filter->kept_bytes;
    }
    if (error == 0 && filter->kept_bytes > 0) {
        error = parse(filter, out,
                      config->piece_bytes != 0 ? config->piece_bytes : GW_STREAM_RECV_BYTES_MAX);
    }
    if (filter->kept_bytes == 0) {
        free(filter->kept);
        filter->kept = NULL;
    }
    if (error >= 0 && random_below(&filter->random, 100) < config->ping_percent && base->is_open &&
        !filter->is_finished) {
        want(filter, PING);
    }
    filter->is_drained = error == 0;
    return error;
}

static int test_recv_end(struct gw_filter *base)
{
    struct test_filter *filter = filter_of(base);
    bool is_whole = base->recv_ended || !filter->source->config.has_end;
    if (is_whole && (base->is_open || filter->source->config.kind != TEST_FILTER_SECRET)) {
        return 0;
    }
    return fail(filter, GW_E_RESET, "FIN before the end");
}

/* ---- sending ---- */

static void put_header(uint8_t **at, enum type type, uint32_t bytes)
{
    *(*at)++ = (uint8_t)type;
    *(*at)++ = (uint8_t)bytes;
    *(*at)++ = (uint8_t)(bytes >> 8);
}

/* Writes the filter's own messages in the order of the types, and clears them. */
static void put_own(struct test_filter *filter, uint8_t **at, bool before_data)
{
    for (unsigned type = HELLO; type <= ALERT; type++) {
        bool is_before = type != END;
        if ((filter->wanted & 1U << type) != 0 && is_before == before_data) {
            put_header(at, (enum type)type, type == HELLO ? filter->key : 0);
            filter->wanted &= ~(1U << type);
        }
    }
}

static int send_copy(struct test_filter *filter, const struct gw_span *in, int in_count,
                     uint32_t bytes, struct gw_span *out)
{
    uint8_t *at = filter->sent = malloc(bytes + OWN_BYTES_MAX);
    if (at == NULL) {
        return fail(filter, GW_E_MEMORY, "no memory");
    }
    put_own(filter, &at, true);
    if (bytes > 0 && filter->source->config.kind == TEST_FILTER_SECRET) {
        put_header(&at, DATA, bytes);
    }
    for (int i = 0; i < in_count; i++) {
        for (uint32_t k = 0; k < in[i].bytes; k++) {
            *at++ = in[i].data[k] ^ filter->key;
        }
    }
    put_own(filter, &at, false);
    out[0] = (struct gw_span){.data = filter->sent, .bytes = (uint32_t)(at - filter->sent)};
    return 1;
}

/* Its END comes alone: finish() is called when the output before it has left. */
static int send_marked(struct test_filter *filter, const struct gw_span *in, int in_count,
                       uint32_t bytes, struct gw_span *out)
{
    uint8_t *at = filter->own;
    put_own(filter, &at, true);
    if (bytes > 0) {
        put_header(&at, DATA, bytes);
    } else {
        put_own(filter, &at, false);
    }
    out[0] = (struct gw_span){.data = filter->own, .bytes = (uint32_t)(at - filter->own)};
    memcpy(out + 1, in, (size_t)in_count * sizeof *in);
    return in_count + 1;
}

static int test_send(struct gw_filter *base, const struct gw_span *in, int in_count,
                     struct gw_span out[GW_FILTER_SPAN_COUNT_MAX])
{
    struct test_filter *filter = filter_of(base);
    uint32_t bytes = 0;
    for (int i = 0; i < in_count; i++) {
        bytes += in[i].bytes;
    }
    check(!base->is_done, "not call send() of a filter that is done");
    check(bytes > 0 || base->wants_send, "not call send() for nothing");
    check(bytes == 0 || base->is_open, "pass bytes only to an open filter");
    check(bytes == 0 || !filter->has_failed, "pass no bytes to a failed filter");
    check(!filter->is_outstanding, "call sent() before the next send()");
    check(in_count < GW_FILTER_SPAN_COUNT_MAX, "leave room for one span");
    check(bytes <= GW_FILTER_SEND_BYTES_MAX + 2 * OWN_BYTES_MAX, "limit a batch");
    if (is_fail_step(filter)) {
        return fail(filter, TEST_FILTER_FAILED, "send() had to fail");
    }
    int count;
    const struct test_filter_config *config = &filter->source->config;
    if (config->kind == TEST_FILTER_SECRET ||
        (config->kind == TEST_FILTER_CLEAR && !config->is_passing)) {
        count = send_copy(filter, in, in_count, bytes, out);
    } else if (config->kind == TEST_FILTER_MARKED) {
        count = send_marked(filter, in, in_count, bytes, out);
    } else {
        memcpy(out, in, (size_t)in_count * sizeof *in);
        count = in_count;
    }
    base->wants_send = filter->wanted != 0;
    filter->is_outstanding = count >= 0;
    return count;
}

static void test_sent(struct gw_filter *base)
{
    struct test_filter *filter = filter_of(base);
    check(filter->is_outstanding, "call sent() once");
    filter->is_outstanding = false;
    free(filter->sent);
    filter->sent = NULL;
}

static void test_finish(struct gw_filter *base, int reason)
{
    static atomic_uint order;
    struct test_filter *filter = filter_of(base);
    check(!filter->is_finished, "call finish() once");
    check(!filter->is_outstanding, "call finish() when the output has left");
    check(!filter->has_failed, "not call finish() of a failed filter");
    filter->is_finished = true;
    atomic_fetch_add(&filter->source->finished_count, 1);
    atomic_store(&filter->source->reason, reason);
    atomic_store(&filter->source->order, atomic_fetch_add(&order, 1) + 1);
    const struct test_filter_config *config = &filter->source->config;
    if ((config->has_end && base->is_open) || (config->refuses && !base->is_open)) {
        want(filter, END);
    }
}

/* ---- creation ---- */

static void test_destroy(struct gw_filter *base)
{
    struct test_filter *filter = filter_of(base);
    atomic_fetch_add(&filter->source->destroyed_count, 1);
    free(filter->kept);
    free(filter->sent);
    free(filter);
}

static const struct gw_filter_ops ops = {
    .name = "test",
    .recv = test_recv,
    .recv_end = test_recv_end,
    .send = test_send,
    .sent = test_sent,
    .finish = test_finish,
    .destroy = test_destroy,
};

static int create(struct gw_filter_source *base, const struct gw_addr *peer,
                  struct gw_filter **filter_out)
{
    struct test_filter_source *source = (struct test_filter_source *)(void *)base;
    if (source->config.create_step != 0 &&
        atomic_load(&source->created_count) + 1 == source->config.create_step) {
        return GW_E_FULL;
    }
    struct test_filter *filter = calloc(1, sizeof *filter);
    if (filter == NULL) {
        return GW_E_MEMORY;
    }
    filter->base.ops = &ops;
    filter->source = source;
    filter->random.state = atomic_fetch_add(&source->created_count, 1);
    filter->is_drained = true;
    if (source->config.kind != TEST_FILTER_SECRET) {
        open_filter(filter);
    } else if (source->config.is_client) {
        filter->key = KEY;
        want(filter, HELLO);
    }
    *filter_out = &filter->base;
    return 0;
}

static void destroy_source(struct gw_filter_source *base)
{
    struct test_filter_source *source = (struct test_filter_source *)(void *)base;
    check(atomic_load(&source->created_count) == atomic_load(&source->destroyed_count),
          "destroy all filters");
    atomic_store(&source->is_destroyed, true);
}

void test_filter_source_init(struct test_filter_source *source,
                             const struct test_filter_config *config)
{
    memset(source, 0, sizeof *source);
    source->base.refs = 1;
    source->base.create = create;
    source->base.destroy = destroy_source;
    source->config = *config;
}

void test_filter_add_clear(struct gw_stream_config *config, uint32_t count)
{
    static struct test_filter_source sources[GW_STREAM_FILTER_COUNT_MAX];
    static const struct test_filter_config configs[GW_STREAM_FILTER_COUNT_MAX] = {
        {.kind = TEST_FILTER_CLEAR},
        {.kind = TEST_FILTER_CLEAR, .is_passing = true, .piece_bytes = 5000},
        {.kind = TEST_FILTER_CLEAR, .piece_bytes = 333}};
    static atomic_bool is_initialized;
    if (!atomic_exchange(&is_initialized, true)) {
        for (int i = 0; i < GW_STREAM_FILTER_COUNT_MAX; i++) {
            test_filter_source_init(&sources[i], &configs[i]);
        }
    }
    for (uint32_t i = 0; i < count && config->filters[i] == NULL; i++) {
        config->filters[i] = &sources[i].base;
    }
}
