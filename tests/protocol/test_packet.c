/* tests/protocol/test_packet.c: Tests of the header checks. */
#include "tests/test.h"

#include "protocol/packet.h"

/*
 * A small table written by hand, so that generator and test do not share an error. Message types do
 * not matter here: see test_packet_dispatch.c.
 */
enum { STAGE_LOBBY = 1u << 1, STAGE_ROOM = 1u << 2, STAGE_LIMIT = 300 };
enum { CHAT = 1000, PING = 1001, MOVE = 1003, LINE = 1007 };

static const struct gw_packet packets[] = {
    {.id = CHAT, .from = GW_FROM_CLIENT, .stages = STAGE_ROOM, .body_bytes_max = 200},
    {.id = PING, .from = GW_FROM_BOTH, .stages = GW_STAGE_ANY, .body_bytes_max = 16},
    {.id = MOVE, .from = GW_FROM_CLIENT, .stages = GW_STAGE_GREETED, .body_bytes_max = 0},
    {.id = LINE, .from = GW_FROM_SERVER, .stages = GW_STAGE_ANY, .body_bytes_max = 65536},
};
static const uint16_t places[] = {1, 2, 0, 3, 0, 0, 0, 4};
static const struct gw_packet_table table = {
    .packets = packets,
    .index = places,
    .packet_count = 4,
    .id_first = 1000,
    .id_count = 8,
    .schema_hash = 1,
};

static const struct gw_packet_sender player = {GW_FROM_CLIENT, STAGE_ROOM, STAGE_LIMIT};
static const struct gw_packet_sender server = {GW_FROM_SERVER, GW_STAGE_CONNECTED, 65536};

static enum gw_packet_result admit(const struct gw_packet_sender *sender, struct gw_frame frame)
{
    const struct gw_packet *packet = NULL;
    enum gw_packet_result result = gw_packet_admit(&table, &frame, sender, &packet);
    assert_ptr_equal(packet, gw_packet_find(&table, frame.packet_id));
    return result;
}

static void only_ids_of_the_table_are_found(void **state)
{
    for (uint32_t id = 0; id <= UINT16_MAX; id++) {
        const struct gw_packet *expected = NULL;
        for (size_t i = 0; i < table.packet_count; i++) {
            expected = packets[i].id == id ? &packets[i] : expected;
        }
        assert_ptr_equal(gw_packet_find(&table, (uint16_t)id), expected);
    }
}

/* O4: the largest id of the wire format is looked up like any other. */
static void id_65535_is_unknown_or_itself(void **state)
{
    assert_null(gw_packet_find(&table, UINT16_MAX));
    static const struct gw_packet last = {.id = UINT16_MAX};
    static const uint16_t place[] = {1};
    const struct gw_packet_table highest = {&last, place, 1, UINT16_MAX, 1, 1, NULL, 0};
    assert_ptr_equal(gw_packet_find(&highest, UINT16_MAX), &last);
    assert_null(gw_packet_find(&highest, UINT16_MAX - 1));
    assert_null(gw_packet_find(&highest, 0));
}

static void an_empty_table_finds_no_packet(void **state)
{
    const struct gw_packet_table empty = {.schema_hash = 1};
    assert_null(gw_packet_find(&empty, 0));
    assert_null(gw_packet_find(&empty, UINT16_MAX));
}

static void only_the_flags_reply_and_error_pass(void **state)
{
    for (unsigned flags = 0; flags <= UINT8_MAX; flags++) {
        struct gw_frame frame = {.packet_id = CHAT, .flags = (uint8_t)flags};
        assert_int_equal(admit(&player, frame), flags <= 0x03 ? GW_PACKET_OK : GW_PACKET_BAD_FLAGS);
    }
}

static void every_tag_passes(void **state)
{
    for (uint32_t tag = 0; tag <= UINT16_MAX; tag++) {
        struct gw_frame frame = {.packet_id = CHAT, .tag = (uint16_t)tag};
        assert_int_equal(admit(&player, frame), GW_PACKET_OK);
    }
}

static void a_body_may_be_as_long_as_its_packet_allows(void **state)
{
    struct gw_frame frame = {.packet_id = CHAT, .body_bytes = 200};
    assert_int_equal(admit(&player, frame), GW_PACKET_OK);
    frame.body_bytes = 201;
    assert_int_equal(admit(&player, frame), GW_PACKET_TOO_LONG);
    frame = (struct gw_frame){.packet_id = MOVE, .body_bytes = 0};
    assert_int_equal(admit(&player, frame), GW_PACKET_OK);
    frame.body_bytes = 1;
    assert_int_equal(admit(&player, frame), GW_PACKET_TOO_LONG);
}

static void a_body_may_be_as_long_as_the_stage_allows(void **state)
{
    struct gw_packet_sender sender = {GW_FROM_CLIENT, STAGE_ROOM, 100};
    struct gw_frame frame = {.packet_id = CHAT, .body_bytes = 100};
    assert_int_equal(admit(&sender, frame), GW_PACKET_OK);
    frame.body_bytes = 101;
    assert_int_equal(admit(&sender, frame), GW_PACKET_TOO_LONG);
    frame.body_bytes = GW_FRAME_BODY_BYTES_MAX;
    assert_int_equal(admit(&sender, frame), GW_PACKET_TOO_LONG);
}

static void only_known_ids_pass(void **state)
{
    for (uint32_t id = 0; id <= UINT16_MAX; id++) {
        enum gw_packet_result expected = GW_PACKET_UNKNOWN;
        if (id == CHAT || id == PING || id == MOVE) {
            expected = GW_PACKET_OK;
        } else if (id == LINE) {
            expected = GW_PACKET_WRONG_WAY;
        }
        assert_int_equal(admit(&player, (struct gw_frame){.packet_id = (uint16_t)id}), expected);
    }
}

static void a_packet_from_the_wrong_side_is_refused(void **state)
{
    assert_int_equal(admit(&player, (struct gw_frame){.packet_id = LINE}), GW_PACKET_WRONG_WAY);
    assert_int_equal(admit(&server, (struct gw_frame){.packet_id = CHAT}), GW_PACKET_WRONG_WAY);
    assert_int_equal(admit(&player, (struct gw_frame){.packet_id = PING}), GW_PACKET_OK);
    assert_int_equal(admit(&server, (struct gw_frame){.packet_id = PING}), GW_PACKET_OK);
    assert_int_equal(admit(&server, (struct gw_frame){.packet_id = LINE}), GW_PACKET_OK);
}

static void a_client_packet_passes_only_in_its_stages(void **state)
{
    for (unsigned bit = 0; bit < 32; bit++) {
        uint32_t stage = UINT32_C(1) << bit;
        struct gw_packet_sender sender = {GW_FROM_CLIENT, stage, STAGE_LIMIT};
        assert_int_equal(admit(&sender, (struct gw_frame){.packet_id = CHAT}),
                         stage == STAGE_ROOM ? GW_PACKET_OK : GW_PACKET_WRONG_STAGE);
        assert_int_equal(admit(&sender, (struct gw_frame){.packet_id = MOVE}),
                         bit == 0 ? GW_PACKET_WRONG_STAGE : GW_PACKET_OK);
        assert_int_equal(admit(&sender, (struct gw_frame){.packet_id = PING}), GW_PACKET_OK);
    }
}

static void a_server_packet_passes_in_every_stage(void **state)
{
    static const struct gw_packet late = {
        .id = 7, .from = GW_FROM_SERVER, .stages = STAGE_ROOM, .body_bytes_max = 1};
    static const uint16_t place[] = {1};
    const struct gw_packet_table one = {&late, place, 1, 7, 1, 1, NULL, 0};
    const struct gw_packet *packet;
    struct gw_frame frame = {.packet_id = 7};
    assert_int_equal(gw_packet_admit(&one, &frame, &server, &packet), GW_PACKET_OK);
    assert_ptr_equal(packet, &late);
}

/* Each line corrects the fault of the previous one, in the order of WIRE.md. */
static void the_first_failed_check_is_the_result(void **state)
{
    struct gw_packet_sender sender = {GW_FROM_CLIENT, STAGE_LOBBY, STAGE_LIMIT};
    struct gw_frame frame = {.packet_id = 9, .flags = 0x04, .body_bytes = STAGE_LIMIT + 1};
    assert_int_equal(admit(&sender, frame), GW_PACKET_BAD_FLAGS);
    frame.flags = 0;
    assert_int_equal(admit(&sender, frame), GW_PACKET_TOO_LONG);
    frame.body_bytes = STAGE_LIMIT;
    assert_int_equal(admit(&sender, frame), GW_PACKET_UNKNOWN);
    frame.packet_id = CHAT;
    sender.from = GW_FROM_SERVER;
    assert_int_equal(admit(&sender, frame), GW_PACKET_WRONG_WAY);
    sender.from = GW_FROM_CLIENT;
    assert_int_equal(admit(&sender, frame), GW_PACKET_WRONG_STAGE);
    sender.stage = STAGE_ROOM;
    assert_int_equal(admit(&sender, frame), GW_PACKET_TOO_LONG);
    frame.body_bytes = 200;
    assert_int_equal(admit(&sender, frame), GW_PACKET_OK);
}

static void a_refused_packet_is_returned_if_its_id_is_known(void **state)
{
    const struct gw_packet *packet;
    struct gw_frame frame = {.packet_id = CHAT, .flags = 0x80};
    assert_int_equal(gw_packet_admit(&table, &frame, &player, &packet), GW_PACKET_BAD_FLAGS);
    assert_ptr_equal(packet, &packets[0]);
    frame.packet_id = 9;
    assert_int_equal(gw_packet_admit(&table, &frame, &player, &packet), GW_PACKET_BAD_FLAGS);
    assert_null(packet);
}

static void every_result_has_a_name(void **state)
{
    assert_string_equal(gw_packet_result_name(GW_PACKET_OK), "OK");
    assert_string_equal(gw_packet_result_name(GW_PACKET_TOO_LONG), "TOO_LONG");
    for (int result = GW_PACKET_OK; result <= GW_PACKET_TOO_COMPLEX; result++) {
        assert_string_not_equal(gw_packet_result_name((enum gw_packet_result)result), "?");
    }
    assert_string_equal(gw_packet_result_name((enum gw_packet_result)9), "?");
    assert_string_equal(gw_packet_result_name((enum gw_packet_result) - 1), "?");
}

static void expect_stages(uint32_t stages, size_t room, const char *expected)
{
    static const char *const names[] = {"LOBBY", NULL, "ROOM"};
    const struct gw_packet_table named = {.stage_names = names, .stage_count = 3};
    char text[64];
    gw_packet_stages_text(&named, stages, text, room);
    assert_string_equal(text, expected);
}

static void stages_are_written_with_their_names(void **state)
{
    expect_stages(0, 64, "");
    expect_stages(GW_STAGE_CONNECTED, 64, "CONNECTED");
    expect_stages(STAGE_LOBBY, 64, "LOBBY");
    expect_stages(STAGE_LOBBY | 1u << 3, 64, "LOBBY, ROOM");
    expect_stages(1u << 2 | 1u << 31, 64, "1, 30");
    expect_stages(GW_STAGE_GREETED, 64, "GREETED");
    expect_stages(GW_STAGE_ANY, 64, "CONNECTED, GREETED");
    for (size_t room = 1; room < sizeof "CONNECTED, GREETED"; room++) {
        char cut[64] = "CONNECTED, GREETED";
        cut[room - 1] = '\0';
        expect_stages(GW_STAGE_ANY, room, cut);
    }
    char text[8];
    gw_packet_stages_text(&table, STAGE_ROOM, text, sizeof text);
    assert_string_equal(text, "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_ids_of_the_table_are_found),
        cmocka_unit_test(id_65535_is_unknown_or_itself),
        cmocka_unit_test(an_empty_table_finds_no_packet),
        cmocka_unit_test(only_the_flags_reply_and_error_pass),
        cmocka_unit_test(every_tag_passes),
        cmocka_unit_test(a_body_may_be_as_long_as_its_packet_allows),
        cmocka_unit_test(a_body_may_be_as_long_as_the_stage_allows),
        cmocka_unit_test(only_known_ids_pass),
        cmocka_unit_test(a_packet_from_the_wrong_side_is_refused),
        cmocka_unit_test(a_client_packet_passes_only_in_its_stages),
        cmocka_unit_test(a_server_packet_passes_in_every_stage),
        cmocka_unit_test(the_first_failed_check_is_the_result),
        cmocka_unit_test(a_refused_packet_is_returned_if_its_id_is_known),
        cmocka_unit_test(every_result_has_a_name),
        cmocka_unit_test(stages_are_written_with_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
