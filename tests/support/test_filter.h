/* tests/support/test_filter.h: Byte filters for tests, which check the duties of the stream. */
#ifndef GW_TESTS_SUPPORT_TEST_FILTER_H
#define GW_TESTS_SUPPORT_TEST_FILTER_H

#include "net/filter/filter.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum test_filter_kind {
    /* A handshake of one round trip, in which the client chooses a key. Each send() makes one
     * message, a header and the bytes XORed with the key, in memory of its own. */
    TEST_FILTER_SECRET,
    /* No handshake. Each send() puts a header before the spans, which it passes on. */
    TEST_FILTER_MARKED,
    /* Changes no byte, so a test without filters in mind can run through it. It still keeps what it
     * receives, and sends copies, or with `is_passing` the spans. */
    TEST_FILTER_CLEAR,
    /* Removes `prefix_bytes` from the front of the received bytes, then is done. */
    TEST_FILTER_PREFIX,
};

struct test_filter_config {
    enum test_filter_kind kind;
    bool is_client;
    bool is_passing;
    bool has_end;          /* ends with a message of its own; a FIN before that is an error */
    bool refuses;          /* server: answers a finish before the handshake with that message */
    uint32_t piece_bytes;  /* the most that one recv() returns; 0: GW_STREAM_RECV_BYTES_MAX */
    uint32_t ping_percent; /* of the calls of recv() after which it wants to send */
    uint32_t prefix_bytes;
    struct gw_addr peer;  /* port not 0: the peer's address after the prefix */
    uint32_t fail_step;   /* the call of recv(), send() or finish() that fails; 0: none */
    uint32_t create_step; /* the call of create() that fails with GW_E_FULL; 0: none */
};

/* The error of `fail_step`, and that of the other side, which gets an alert. */
enum { TEST_FILTER_FAILED = -13, TEST_FILTER_ALERTED = -12 };

/* A source, and what its filters count. Initialize it with test_filter_source_init(). */
struct test_filter_source {
    struct gw_filter_source base;
    struct test_filter_config config;
    atomic_uint created_count;
    atomic_uint destroyed_count;
    atomic_uint step_count;
    atomic_uint open_count;
    atomic_uint finished_count;
    atomic_uint order; /* of the last finish() among those of all sources */
    atomic_int reason; /* of the last finish() */
    atomic_bool is_destroyed;
};

/* One reference, and memory of the caller, which must outlive `is_destroyed`. */
void test_filter_source_init(struct test_filter_source *source,
                             const struct test_filter_config *config);

/*
 * Puts `count` CLEAR filters, 0 to GW_STREAM_FILTER_COUNT_MAX, into a configuration. Their sources
 * are static. With 0, and when it has filters, it does nothing.
 */
void test_filter_add_clear(struct gw_stream_config *config, uint32_t count);

#endif
