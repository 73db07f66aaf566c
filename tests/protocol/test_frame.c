/* tests/protocol/test_frame.c: Tests of the frame header. */
#include "tests/test.h"

#include "protocol/frame.h"

#include <string.h>

static const uint8_t ordinary[GW_FRAME_HEADER_BYTES] = {0x01, 0x02, 0x03, 0x04,
                                                        0x05, 0x06, 0x07, 0x08};

static void write_and_compare(const struct gw_frame *frame, const uint8_t *expected)
{
    uint8_t written[GW_FRAME_HEADER_BYTES + 1];
    memset(written, 0xAA, sizeof written);
    assert_ptr_equal(gw_frame_write(written, frame), written + GW_FRAME_HEADER_BYTES);
    assert_memory_equal(written, expected, GW_FRAME_HEADER_BYTES);
    assert_int_equal(written[GW_FRAME_HEADER_BYTES], 0xAA);
}

/* O5: independent of the layout that the compiler gives to structs. */
static void the_layout_is_that_of_wire_md(void **state)
{
    struct gw_frame frame = gw_frame_read(ordinary);
    assert_int_equal(frame.body_bytes, 0x030201);
    assert_int_equal(frame.flags, 0x04);
    assert_int_equal(frame.packet_id, 0x0605);
    assert_int_equal(frame.tag, 0x0807);
    write_and_compare(&frame, ordinary);
}

static void a_header_is_read_at_any_address(void **state)
{
    uint8_t bytes[3 * GW_FRAME_HEADER_BYTES];
    for (size_t offset = 0; offset < 2 * GW_FRAME_HEADER_BYTES; offset++) {
        memcpy(bytes + offset, ordinary, sizeof ordinary);
        struct gw_frame frame = gw_frame_read(bytes + offset);
        assert_int_equal(frame.body_bytes, 0x030201);
        assert_int_equal(frame.tag, 0x0807);
    }
}

/* Decodes a header bit by bit, without the code under test. */
static uint32_t number_at(const uint8_t *header, size_t first, size_t count)
{
    uint32_t number = 0;
    for (size_t i = count; i > 0; i--) {
        number = number * 256 + header[first + i - 1];
    }
    return number;
}

static void every_value_of_every_byte_is_read_and_written_back(void **state)
{
    for (size_t place = 0; place < GW_FRAME_HEADER_BYTES; place++) {
        for (unsigned value = 0; value <= 0xFF; value++) {
            uint8_t header[GW_FRAME_HEADER_BYTES];
            memcpy(header, ordinary, sizeof header);
            header[place] = (uint8_t)value;
            struct gw_frame frame = gw_frame_read(header);
            assert_int_equal(frame.body_bytes, number_at(header, 0, 3));
            assert_int_equal(frame.flags, number_at(header, 3, 1));
            assert_int_equal(frame.packet_id, number_at(header, 4, 2));
            assert_int_equal(frame.tag, number_at(header, 6, 2));
            write_and_compare(&frame, header);
        }
    }
}

/* O3, O9: the length excludes the header, so 0 is a frame of eight bytes. */
static void a_zero_length_frame_does_not_stall_the_parser(void **state)
{
    static const uint8_t zeros[GW_FRAME_HEADER_BYTES] = {0};
    struct gw_frame frame = gw_frame_read(zeros);
    assert_int_equal(frame.body_bytes, 0);
    assert_int_equal(frame.flags, 0);
    assert_int_equal(frame.packet_id, 0);
    assert_int_equal(frame.tag, 0);
    assert_int_equal(GW_FRAME_HEADER_BYTES + frame.body_bytes, 8);
}

static void the_largest_header_is_read_as_unsigned(void **state)
{
    static const uint8_t ones[GW_FRAME_HEADER_BYTES] = {0xFF, 0xFF, 0xFF, 0xFF,
                                                        0xFF, 0xFF, 0xFF, 0xFF};
    struct gw_frame frame = gw_frame_read(ones);
    assert_int_equal(frame.body_bytes, GW_FRAME_BODY_BYTES_MAX);
    assert_int_equal(frame.flags, 0xFF);
    assert_int_equal(frame.packet_id, 0xFFFF);
    assert_int_equal(frame.tag, 0xFFFF);
    write_and_compare(&frame, ones);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_layout_is_that_of_wire_md),
        cmocka_unit_test(a_header_is_read_at_any_address),
        cmocka_unit_test(every_value_of_every_byte_is_read_and_written_back),
        cmocka_unit_test(a_zero_length_frame_does_not_stall_the_parser),
        cmocka_unit_test(the_largest_header_is_read_as_unsigned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
