/* tests/net/test_buf.c: Reference-counted buffers. */
#include "tests/test.h"

#include "net/buf.h"
#include "net/os/os.h"
#include <string.h>

static void a_buffer_has_the_requested_size(void **state)
{
    static const uint32_t sizes[] = {0, 1, 64, 4096, 1 << 20};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct gw_buf *buf = gw_buf_create(sizes[i]);
        assert_int_equal(gw_buf_bytes(buf), sizes[i]);
        memset(gw_buf_data(buf), 0xA5, sizes[i]);
        gw_buf_unref(buf);
    }
}

static void a_buffer_is_freed_with_its_last_reference(void **state)
{
    struct gw_buf *buf = gw_buf_create(8);
    memcpy(gw_buf_data(buf), "abcdefg", 8);
    assert_ptr_equal(gw_buf_ref(buf), buf);
    gw_buf_unref(buf);
    assert_string_equal((char *)gw_buf_data(buf), "abcdefg");
    gw_buf_unref(buf); /* a sanitizer reports a leak unless this was the last one */
}

static void unref_of_a_null_buffer_does_nothing(void **state)
{
    gw_buf_unref(NULL);
}

static void a_trimmed_buffer_keeps_its_beginning(void **state)
{
    struct gw_buf *buf = gw_buf_create(8);
    memcpy(gw_buf_data(buf), "abcdefg", 8);
    gw_buf_trim(buf, 8);
    assert_int_equal(gw_buf_bytes(buf), 8);
    gw_buf_trim(buf, 3);
    assert_int_equal(gw_buf_bytes(buf), 3);
    assert_memory_equal(gw_buf_data(buf), "abc", 3);
    gw_buf_trim(buf, 0);
    assert_int_equal(gw_buf_bytes(buf), 0);
    gw_buf_unref(buf);
}

enum { THREAD_COUNT = 4, ROUND_COUNT = 20000 };

static void hold_and_let_go(void *context)
{
    struct gw_buf *buf = context;
    for (int i = 0; i < ROUND_COUNT; i++) {
        gw_buf_unref(gw_buf_ref(buf));
    }
    gw_buf_unref(buf);
}

static void threads_can_share_a_buffer(void **state)
{
    struct gw_buf *buf = gw_buf_create(64);
    os_thread threads[THREAD_COUNT];
    for (int i = 0; i < THREAD_COUNT; i++) {
        assert_int_equal(os_thread_start(&threads[i], hold_and_let_go, gw_buf_ref(buf)), 0);
    }
    gw_buf_unref(buf);
    for (int i = 0; i < THREAD_COUNT; i++) {
        os_thread_join(threads[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_has_the_requested_size),
        cmocka_unit_test(a_buffer_is_freed_with_its_last_reference),
        cmocka_unit_test(unref_of_a_null_buffer_does_nothing),
        cmocka_unit_test(a_trimmed_buffer_keeps_its_beginning),
        cmocka_unit_test(threads_can_share_a_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
