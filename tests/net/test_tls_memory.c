/* tests/net/test_tls_memory.c: Memory of the TLS filter: failing allocations, and idle connections.
 */
#include "tests/test.h"

#include "net/error.h"
#include "tests/net/tls_fixture.h"
#include "tests/scripted/memory.h"
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

enum { WHOLE = GW_STREAM_RECV_BYTES_MAX, STREAM_BYTES = 20000 };

static uint8_t pattern[STREAM_BYTES];

/* Under a sanitizer, which is slow, one allocation in GW_ONE_IN fails. */
static uint32_t one_in(void)
{
    const char *text = getenv("GW_ONE_IN");
    return text == NULL ? 1 : (uint32_t)strtoul(text, NULL, 10);
}

/* Everything that a connection does, once. Returns the first error. */
static int talk(struct gw_filter_source *client, struct gw_filter_source *server)
{
    struct random random = {5};
    struct tls_pair pair;
    int error = tls_pair_open(&pair, client, server, &random, 300);
    if (error == 0) {
        filter_driver_send(&pair.client, pattern, STREAM_BYTES, 3);
        filter_driver_send(&pair.server, pattern, STREAM_BYTES, 1);
        error = tls_pair_exchange(&pair, &random, WHOLE);
    }
    if (error == 0) {
        assert_int_equal(pair.server.received.bytes, STREAM_BYTES);
        assert_int_equal(pair.client.received.bytes, STREAM_BYTES);
        filter_driver_finish(&pair.server, 3);
        error = tls_pair_exchange(&pair, &random, 100);
    }
    tls_pair_close(&pair);
    return error;
}

/* Blocks, without those that OpenSSL keeps for this thread: its queue of errors, random numbers. */
static int64_t block_count(void)
{
    OPENSSL_thread_stop();
    return memory_block_count();
}

/* OpenSSL reports many failed allocations as errors of the layer in which they occur. */
static void each_allocation_may_fail(void **state)
{
    struct gw_filter_source *client = tls_client("ca", "localhost"), *server = tls_server("server");
    assert_int_equal(talk(client, server), 0);
    gw_filter_source_unref(client);
    gw_filter_source_unref(server);
    int64_t blocks = block_count();
    uint32_t failed_count = 0, memory_count = 0;
    for (uint64_t number = 1;; number += one_in()) {
        client = tls_client("ca", "localhost");
        server = tls_server("server");
        memory_fail_at(number);
        int error = talk(client, server);
        bool failed = memory_failed_count() > 0;
        memory_fail_at(0);
        gw_filter_source_unref(client);
        gw_filter_source_unref(server);
        assert_int_equal(block_count(), blocks);
        if (!failed) {
            assert_int_equal(error, 0);
            break;
        }
        assert_true(error == 0 || error == GW_E_MEMORY || error == GW_E_TLS);
        failed_count += error != 0;
        memory_count += error == GW_E_MEMORY;
    }
    assert_in_range(failed_count, 300 / one_in(), 20000);
    assert_true(memory_count * 3 > failed_count);
}

/* What a session costs more than one without TLS. */
static void an_idle_filter_has_no_buffers(void **state)
{
    enum { COUNT = 64, IDLE_BYTES_MAX = 18 * 1024 };
    static struct filter_driver servers[COUNT];
    static struct tls_peer peers[COUNT];
    struct gw_filter_source *source = tls_server("server");
    for (int i = 0; i < COUNT; i++) {
        tls_peer_init(&peers[i], true);
        peers[i].ssl = SSL_new(peers[i].context);
    }
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(filter_driver_init(&servers[i], source), 0);
        assert_true(tls_peer_connect(&peers[i], &servers[i]));
        assert_true(SSL_write(peers[i].ssl, pattern, 5000) == 5000);
        tls_peer_to_filter(&peers[i], &servers[i]);
        assert_int_equal(filter_driver_send(&servers[i], pattern, 5000, 2), 0);
        collected_clear(&servers[i].sent);
        collected_clear(&servers[i].received);
        tls_peer_fini(&peers[i]);
    }
    size_t with = tls_fixture_used_bytes();
    for (int i = 0; i < COUNT; i++) {
        filter_driver_fini(&servers[i]);
    }
    size_t idle = (with - tls_fixture_used_bytes()) / COUNT;
    print_message("an idle filter has %zu bytes\n", idle);
    assert_in_range(idle, 1000, IDLE_BYTES_MAX);
    gw_filter_source_unref(source);
}

/* The files are read again with each allocation failing once; the text says so. */
static void each_allocation_of_a_source_may_fail(void **state)
{
    gw_filter_source_unref(tls_server("server"));
    gw_filter_source_unref(tls_client("ca", "localhost"));
    for (int is_client = 0; is_client < 2; is_client++) {
        int64_t blocks = block_count();
        int error = -1;
        for (uint64_t number = 1; error != 0; number += one_in()) {
            struct gw_filter_source *source = NULL;
            char problem[GW_TLS_PROBLEM_BYTES] = "";
            memory_fail_at(number);
            error = tls_source_try(is_client ? "ca" : "server", is_client, &source, problem);
            bool failed = memory_failed_count() > 0;
            memory_fail_at(0);
            if (error == 0) {
                gw_filter_source_unref(source);
                error = failed ? -1 : 0; /* it did without */
            } else {
                assert_true(failed && source == NULL);
                assert_true(error == GW_E_MEMORY || error == GW_E_INVALID);
                assert_true(strlen(problem) > 0);
            }
            ERR_clear_error();
            assert_int_equal(block_count(), blocks);
            assert_true(number < 100000);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(each_allocation_of_a_source_may_fail),
        cmocka_unit_test(an_idle_filter_has_no_buffers),
    };
    for (uint32_t i = 0; i < STREAM_BYTES; i++) {
        pattern[i] = pattern_byte(2, i);
    }
    tls_fixture_begin();
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    tls_fixture_end();
    return result;
}
