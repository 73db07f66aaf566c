/* tests/protocol/test_validate.c: Tests of body validation. */
#include "tests/test.h"

#include "protocol/arena.h"
#include "protocol/validate.h"
#include "tests/protocol/bodies.pb-c.h"

#include <string.h>

enum { BODY_BYTES = 65536, ARENA_BYTES = 256 * 1024 };

/* Rules written by hand, so that generator and test do not share an error. */
static const struct gw_field_rule leaf_rules[] = {
    {.checks = GW_FIELD_RANGE, .min = -5, .max = 9},
};
static const struct gw_message_rules leaf_message_rules = {&bodies__leaf__descriptor, leaf_rules, 0,
                                                           0};

static const struct gw_field_rule named_rules[] = {
    {.length_max = 3, .checks = GW_FIELD_UTF8},
    {.count_max = 1, .counter = 1, .message_rules = &leaf_message_rules},
};
static const struct gw_message_rules named_message_rules = {&bodies__every__named_entry__descriptor,
                                                            named_rules, 1, 0};

static const struct gw_field_rule every_rules[] = {
    {.length_max = 4, .checks = GW_FIELD_UTF8},                                    /* text */
    {.length_max = 4},                                                             /* data */
    {.count_max = 1, .counter = 1, .message_rules = &leaf_message_rules},          /* leaf */
    {.count_max = 2, .counter = 2, .message_rules = &leaf_message_rules},          /* leaves */
    {.count_max = 3, .counter = 3, .checks = GW_FIELD_RANGE, .min = -5, .max = 9}, /* numbers */
    {.checks = GW_FIELD_KNOWN},                                                    /* colour */
    {.checks = GW_FIELD_FINITE},                                                   /* single */
    {.checks = GW_FIELD_FINITE | GW_FIELD_RANGE, .min = -1.5, .max = 1.5},         /* twice */
    {.checks = GW_FIELD_RANGE, .min = -3e9, .max = 3e9},                           /* large */
    {.checks = GW_FIELD_RANGE, .min = 1, .max = 4000000000.0},                     /* four */
    {.checks = GW_FIELD_RANGE, .min = 0, .max = 9007199254740991.0},               /* first */
    {.count_max = 1, .counter = 4, .message_rules = &leaf_message_rules},          /* second */
    {.count_max = 1, .counter = 5, .message_rules = &named_message_rules},         /* named */
    {.checks = GW_FIELD_RANGE, .min = -7, .max = 7},                               /* small */
    {.length_max = 2, .count_max = 2, .counter = 6, .checks = GW_FIELD_UTF8},      /* texts */
    {.counter = 0},                                                                /* yes */
    {.checks = GW_FIELD_RANGE, .min = -2, .max = 2},                               /* eight */
};
static const struct gw_message_rules every_message_rules = {&bodies__every__descriptor, every_rules,
                                                            6, 0};

/* Required fields. */
static const struct gw_field_rule present_leaf_rules[] = {
    {.count_max = UINT16_MAX, .counter = 1, .checks = GW_FIELD_RANGE, .min = 2, .max = 9},
};
static const struct gw_message_rules present_leaf_message_rules = {&bodies__leaf__descriptor,
                                                                   present_leaf_rules, 1, 1};

static const struct gw_field_rule strict_rules[] = {
    {.count_max = UINT16_MAX, .counter = 1, .checks = GW_FIELD_RANGE, .min = 2, .max = 100},
    {.length_max = 8,
     .length_min = 1,
     .count_max = UINT16_MAX,
     .counter = 2,
     .checks = GW_FIELD_UTF8 | GW_FIELD_PRINTABLE},
    {.count_max = 1, .counter = 3, .message_rules = &present_leaf_message_rules},
    {.count_max = UINT16_MAX, .counter = 4, .checks = GW_FIELD_KNOWN | GW_FIELD_NOT_ZERO},
    {.checks = GW_FIELD_RANGE, .min = 3, .max = 3}, /* one of a choice */
    {.length_max = 4, .length_min = 2},             /* the other */
    {.length_max = 4, .length_min = 2, .count_max = 2, .counter = 6, .checks = GW_FIELD_UTF8},
    {.count_max = 3, .counter = 5, .checks = GW_FIELD_RANGE, .min = 1, .max = 9},
};
static const struct gw_message_rules strict_message_rules = {&bodies__strict__descriptor,
                                                             strict_rules, 6, 5};

/* A message that contains itself, which the generator refuses. */
static const struct gw_message_rules deep_message_rules;
static const struct gw_field_rule deep_rules[] = {
    {.count_max = 1, .counter = 1, .message_rules = &deep_message_rules},
};
static const struct gw_message_rules deep_message_rules = {&bodies__deep__descriptor, deep_rules, 1,
                                                           0};

struct vector {
    const char *what;
    const char *bytes;
    size_t length;
};

#define V(what, bytes)                                                                             \
    {                                                                                              \
        what, bytes, sizeof(bytes) - 1                                                             \
    }

static void expect(const struct vector *vectors, size_t count, enum gw_packet_result expected)
{
    for (size_t i = 0; i < count; i++) {
        size_t steps = 0;
        enum gw_packet_result result = gw_validate_body(
            &every_message_rules, (const uint8_t *)vectors[i].bytes, vectors[i].length, &steps);
        if (result != expected) {
            fail_msg("%s: %s", vectors[i].what, gw_packet_result_name(result));
        }
        assert_in_range(steps, 0, vectors[i].length);
    }
}

#define EXPECT(vectors, expected) expect(vectors, sizeof(vectors) / sizeof((vectors)[0]), expected)

static void a_body_that_obeys_every_rule_passes(void **state)
{
    static const struct vector vectors[] = {
        V("nothing", ""),
        V("a text of four bytes", "\x0A\x04\xC3\xA4xy"),
        V("an empty text", "\x0A\x00"),
        V("bytes that are no text", "\x12\x04\xFF\x00\xC3\x28"),
        V("the least leaf", "\x1A\x02\x08\x09"),
        V("the greatest leaf", "\x1A\x02\x08\x12"),
        V("two leaves", "\x22\x00\x22\x02\x08\x01"),
        V("three numbers, packed", "\x2A\x03\x09\x12\x00"),
        V("three numbers, one by one", "\x28\x09\x28\x12\x28\x00"),
        V("three numbers, both ways", "\x2A\x02\x09\x12\x28\x00"),
        V("colours that are known", "\x30\x01\x30\x05\x30\x00"),
        V("the largest float", "\x3D\xFF\xFF\x7F\x7F"),
        V("one and a half", "\x41\x00\x00\x00\x00\x00\x00\xF8\x3F"),
        V("minus one and a half", "\x41\x00\x00\x00\x00\x00\x00\xF8\xBF"),
        V("three thousand million", "\x48\x80\xBC\xC1\x96\x0B"),
        V("minus three thousand million", "\x48\x80\xC4\xBE\xE9\xF4\xFF\xFF\xFF\xFF\x01"),
        V("four thousand million in four bytes", "\x55\x00\x28\x6B\xEE"),
        V("one less than 2^53", "\x58\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x0F"),
        V("either of a choice", "\x58\x01\x62\x00"),
        V("an entry of a map", "\x6A\x07\x0A\x03"
                               "abc"
                               "\x12\x00"),
        V("minus seven in ten bytes", "\x70\xF9\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"),
        V("minus seven in five bytes", "\x70\xF9\xFF\xFF\xFF\x0F"),
        V("seven, and above 32 bits what nobody reads", "\x70\x87\x80\x80\x80\x80\x01"),
        V("two texts", "\x7A\x02xy\x7A\x00"),
        V("any bool", "\x80\x01\x7F"),
        V("minus two in eight bytes", "\x81\x7D\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),
        V("an unknown field of each kind", "\xF8\x7F\x01\xF9\x7F"
                                           "12345678"
                                           "\xFA\x7F\x02xy\xFD\x7F"
                                           "1234"),
    };
    EXPECT(vectors, GW_PACKET_OK);
}

static void a_value_that_a_rule_forbids_is_a_bad_body(void **state)
{
    static const struct vector vectors[] = {
        V("a text of five bytes", "\x0A\x05"
                                  "abcde"),
        V("half a character", "\x0A\x01\xC3"),
        V("an end of text inside", "\x0A\x03x\x00y"),
        V("an overlong slash", "\x0A\x02\xC0\xAF"),
        V("five bytes", "\x12\x05"
                        "abcde"),
        V("less than the least leaf", "\x1A\x02\x08\x0B"),
        V("more than the greatest leaf", "\x1A\x02\x08\x14"),
        V("a leaf that is right, then wrong", "\x1A\x04\x08\x01\x08\x14"),
        V("a bad number among packed ones", "\x2A\x02\x09\x14"),
        V("a bad number on its own", "\x28\x14"),
        V("a colour between those that are known", "\x30\x02"),
        V("a colour above", "\x30\x06"),
        V("a colour below", "\x30\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"),
        V("infinity", "\x3D\x00\x00\x80\x7F"),
        V("minus infinity", "\x3D\x00\x00\x80\xFF"),
        V("NaN", "\x3D\x00\x00\xC0\x7F"),
        V("NaN in a range", "\x41\x00\x00\x00\x00\x00\x00\xF8\x7F"),
        V("a little more than one and a half", "\x41\x01\x00\x00\x00\x00\x00\xF8\x3F"),
        V("a little less than minus one and a half", "\x41\x01\x00\x00\x00\x00\x00\xF8\xBF"),
        V("three thousand million and one", "\x48\x81\xBC\xC1\x96\x0B"),
        V("zero in four bytes", "\x55\x00\x00\x00\x00"),
        V("four thousand million and one", "\x55\x01\x28\x6B\xEE"),
        V("2^53", "\x58\x80\x80\x80\x80\x80\x80\x80\x10"),
        V("2^64 - 1", "\x58\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"),
        V("a key of a map that is too long", "\x6A\x06\x0A\x04"
                                             "abcd"),
        V("a bad leaf in a map", "\x6A\x04\x12\x02\x08\x14"),
        V("minus eight", "\x70\xF8\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"),
        V("eight", "\x70\x08"),
        V("one of the texts is too long", "\x7A\x02xy\x7A\x03xyz"),
        V("three in eight bytes", "\x81\x7D\x03\x00\x00\x00\x00\x00\x00\x00"),
    };
    EXPECT(vectors, GW_PACKET_BAD_BODY);
}

static void a_body_of_another_type_is_a_bad_body(void **state)
{
    static const struct vector vectors[] = {
        V("a key alone", "\x70"),
        V("a key that does not end", "\x80"),
        V("a key of more than 32 bits", "\x88\x80\x80\x80\x10\x00"),
        V("a key of six bytes", "\xF0\x80\x80\x80\x80\x00\x01"),
        V("a length of six bytes", "\x0A\x81\x80\x80\x80\x80\x00x"),
        V("field number 0", "\x00\x00"),
        V("field number 0 with a length", "\x02\x00"),
        V("a varint of eleven bytes", "\x58\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"),
        V("a varint that does not end", "\x70\x80"),
        V("seven bytes of eight", "\x41"
                                  "1234567"),
        V("three bytes of four", "\x55"
                                 "123"),
        V("a length without its bytes", "\x0A\x02x"),
        V("a length alone", "\x0A"),
        V("a length of all bits", "\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"),
        V("a text as a number", "\x08\x01"),
        V("a number as a text", "\x72\x01x"),
        V("one number as packed ones", "\x72\x02\x01\x02"),
        V("four bytes as eight", "\x51"
                                 "12345678"),
        V("the beginning of a group", "\x0B"),
        V("the end of a group", "\x0C"),
        V("the beginning of an unknown group", "\xFB\x7F"),
        V("wire type 6", "\x0E\x00"),
        V("wire type 7 of an unknown field", "\xFF\x7F\x00"),
        V("a leaf longer than what is around it", "\x6A\x02\x12\x01\x08\x01"),
        V("packed numbers that do not end", "\x2A\x01\x80\x01"),
        V("an unknown length without its bytes", "\xFA\x7F\x03xy"),
    };
    EXPECT(vectors, GW_PACKET_BAD_BODY);
}

static void a_field_that_occurs_too_often_is_too_complex(void **state)
{
    static const struct vector vectors[] = {
        V("a leaf twice", "\x1A\x00\x1A\x00"),
        V("three leaves", "\x22\x00\x22\x00\x22\x00"),
        V("four packed numbers", "\x2A\x04\x00\x00\x00\x00"),
        V("four numbers, both ways", "\x2A\x02\x00\x00\x28\x00\x28\x00"),
        V("a message of a choice twice", "\x62\x00\x58\x01\x62\x00"),
        V("two entries of a map", "\x6A\x00\x6A\x00"),
        V("a map's value twice", "\x6A\x04\x12\x00\x12\x00"),
        V("three texts", "\x7A\x00\x7A\x00\x7A\x00"),
    };
    EXPECT(vectors, GW_PACKET_TOO_COMPLEX);
}

static void sixteen_unknown_fields_pass_and_one_more_does_not(void **state)
{
    uint8_t body[3 * (GW_VALIDATE_UNKNOWN_MAX + 1)];
    for (size_t i = 0; i <= GW_VALIDATE_UNKNOWN_MAX; i++) {
        memcpy(body + 3 * i, "\xF8\x7F\x01", 3);
    }
    assert_int_equal(
        gw_validate_body(&every_message_rules, body, 3 * GW_VALIDATE_UNKNOWN_MAX, NULL),
        GW_PACKET_OK);
    assert_int_equal(gw_validate_body(&every_message_rules, body, sizeof body, NULL),
                     GW_PACKET_TOO_COMPLEX);
}

/* Each level contains all following ones: lengths shrink from outside to inside. */
static size_t nest(uint8_t *body, size_t depth)
{
    for (size_t i = 0; i < depth; i++) {
        body[2 * i] = 0x0A;
        body[2 * i + 1] = (uint8_t)(2 * (depth - 1 - i));
    }
    return 2 * depth;
}

static void eight_messages_deep_pass_and_nine_do_not(void **state)
{
    uint8_t body[64];
    size_t length = nest(body, GW_VALIDATE_DEPTH_MAX - 1);
    assert_int_equal(gw_validate_body(&deep_message_rules, body, length, NULL), GW_PACKET_OK);
    length = nest(body, GW_VALIDATE_DEPTH_MAX);
    assert_int_equal(gw_validate_body(&deep_message_rules, body, length, NULL),
                     GW_PACKET_TOO_COMPLEX);
}

static void each_message_has_its_own_counters(void **state)
{
    static const struct vector vectors[] = {
        V("a leaf, and one inside an entry", "\x1A\x00\x6A\x02\x12\x00"),
        V("one inside an entry, and a leaf", "\x6A\x02\x12\x00\x1A\x00"),
    };
    EXPECT(vectors, GW_PACKET_OK);
}

/* ---- required fields ---- */

enum { PART_COUNT = 5 };

/* The required fields of a strict body, one each. */
static const struct vector parts[PART_COUNT] = {
    V("sides", "\x08\x02"),  V("name", "\x12\x01x"),       V("leaf", "\x1A\x02\x08\x04"),
    V("colour", "\x20\x05"), V("numbers", "\x42\x01\x01"),
};

/* A body of all parts but one, followed by `more`. */
static size_t strict_body(uint8_t *bytes, size_t without, const struct vector *more)
{
    size_t length = 0;
    for (size_t i = 0; i <= PART_COUNT; i++) {
        const struct vector *part = i == PART_COUNT ? more : &parts[i];
        if (i != without && part != NULL) {
            memcpy(bytes + length, part->bytes, part->length);
            length += part->length;
        }
    }
    return length;
}

static void explains(const struct gw_message_rules *message_rules, const void *bytes, size_t length,
                     const char *field, const char *rule)
{
    struct gw_packet_fault fault;
    assert_true(gw_validate_explain(message_rules, bytes, length, &fault));
    assert_string_equal(fault.field, field);
    assert_string_equal(fault.rule, rule);
}

static void a_field_that_may_not_be_0_or_empty_may_not_be_absent(void **state)
{
    static const char *const rules[PART_COUNT] = {
        "is absent, so 0, which is not from 2 to 100",
        "is absent, so shorter than 1 bytes",
        "is required, and is absent",
        "is required, and is absent",
        "is absent, so 0, which is not from 1 to 9",
    };
    uint8_t bytes[64];
    struct gw_packet_fault unused;
    size_t length = strict_body(bytes, SIZE_MAX, NULL);
    assert_int_equal(gw_validate_body(&strict_message_rules, bytes, length, NULL), GW_PACKET_OK);
    assert_false(gw_validate_explain(&strict_message_rules, bytes, length, &unused));
    for (size_t i = 0; i < PART_COUNT; i++) {
        length = strict_body(bytes, i, NULL);
        assert_int_equal(gw_validate_body(&strict_message_rules, bytes, length, NULL),
                         GW_PACKET_BAD_BODY);
        explains(&strict_message_rules, bytes, length, parts[i].what, rules[i]);
    }
    assert_int_equal(gw_validate_body(&strict_message_rules, bytes, 0, NULL), GW_PACKET_BAD_BODY);
}

/* protobuf keeps the last occurrence, so each one is checked. */
static void each_occurrence_of_a_field_is_checked(void **state)
{
    static const struct {
        struct vector more;
        const char *field;
        const char *rule;
    } wrong[] = {
        {V("", "\x08\x00"), "sides", "is not from 2 to 100"},
        {V("", "\x08\x65"), "sides", "is not from 2 to 100"},
        {V("", "\x12\x00"), "name", "is shorter than 1 bytes"},
        {V("", "\x12\x09"
               "123456789"),
         "name", "is longer than 8 bytes"},
        {V("", "\x12\x01\x1B"), "name", "has a character that is not printable"},
        {V("", "\x12\x01\xC3"), "name", "is not UTF-8 without NUL"},
        {V("", "\x20\x00"), "colour", "is required, and is 0"},
        {V("", "\x20\x02"), "colour", "is not a value of its enum"},
        {V("", "\x28\x02"), "three", "is not from 3 to 3"},
        {V("", "\x32\x01x"), "word", "is shorter than 2 bytes"},
        {V("", "\x3A\x01x"), "words", "is shorter than 2 bytes"},
        {V("", "\x42\x01\x00"), "numbers", "is not from 1 to 9"},
        {V("", "\x42\x03\x01\x01\x01"), "numbers", "comes more than 3 times"},
        {V("", "\x1A\x02\x08\x04"), "leaf", "comes more than 1 times"},
        {V("", "\x09\x00"), "sides", "has another type in the schema"},
        {V("", "\x08"), "sides", "is cut off or is not a protobuf message"},
        {V("", "\x00"), "body", "is cut off or is not a protobuf message"},
    };
    uint8_t bytes[64];
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        size_t length = strict_body(bytes, SIZE_MAX, &wrong[i].more);
        assert_int_not_equal(gw_validate_body(&strict_message_rules, bytes, length, NULL),
                             GW_PACKET_OK);
        explains(&strict_message_rules, bytes, length, wrong[i].field, wrong[i].rule);
    }
}

static void an_optional_field_may_be_absent(void **state)
{
    static const struct vector more[] = {
        V("one of the choice", "\x28\x03"), V("the other", "\x32\x02xy"),
        V("two words", "\x3A\x02xy\x3A\x02xy"), V("no numbers, packed, behind one", "\x42\x00")};
    uint8_t bytes[64];
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        size_t length = strict_body(bytes, SIZE_MAX, &more[i]);
        assert_int_equal(gw_validate_body(&strict_message_rules, bytes, length, NULL),
                         GW_PACKET_OK);
    }
    size_t length = strict_body(bytes, 4, &more[3]); /* packed, without elements */
    assert_int_equal(gw_validate_body(&strict_message_rules, bytes, length, NULL),
                     GW_PACKET_BAD_BODY);
}

/* Required fields of a nested message are required in each of its occurrences. */
static void a_nested_message_is_checked_if_it_is_in_the_body(void **state)
{
    static const struct vector empty_leaf = V("", "\x1A\x00");
    uint8_t bytes[64];
    size_t length = strict_body(bytes, 2, &empty_leaf);
    assert_int_equal(gw_validate_body(&strict_message_rules, bytes, length, NULL),
                     GW_PACKET_BAD_BODY);
    explains(&strict_message_rules, bytes, length, "leaf.value",
             "is absent, so 0, which is not from 2 to 9");
    static const struct vector cut_leaf = V("", "\x1A\x01\x00");
    length = strict_body(bytes, 2, &cut_leaf);
    explains(&strict_message_rules, bytes, length, "leaf",
             "is cut off or is not a protobuf message");
}

static void a_fault_is_explained_by_the_path_to_its_field(void **state)
{
    explains(&every_message_rules, "\x6A\x04\x12\x02\x08\x14", 6, "named.value.value",
             "is not from -5 to 9");
    explains(&every_message_rules, "\x3D\x00\x00\x80\x7F", 5, "single",
             "is infinite or not a number");
    uint8_t bytes[64];
    size_t length = nest(bytes, GW_VALIDATE_DEPTH_MAX);
    explains(&deep_message_rules, bytes, length, "deep.deep.deep.deep.deep.deep.deep.deep",
             "nests more than 8 deep");
    uint8_t unknown[3 * (GW_VALIDATE_UNKNOWN_MAX + 1)];
    for (size_t i = 0; i <= GW_VALIDATE_UNKNOWN_MAX; i++) {
        memcpy(unknown + 3 * i, "\xF8\x7F\x01", 3);
    }
    explains(&every_message_rules, unknown, sizeof unknown, "body",
             "has more than 16 fields that the schema does not have");
}

/* ---- costs ---- */

static uint8_t body[BODY_BYTES];
static max_align_t memory[ARENA_BYTES / sizeof(max_align_t)];
static size_t allocation_count;
static size_t allocated_bytes;
static void *(*take)(void *allocator_data, size_t bytes);

static void *count_and_take(void *allocator_data, size_t bytes)
{
    allocation_count++;
    allocated_bytes += bytes;
    return take(allocator_data, bytes);
}

/* Fills the body with copies of one field. */
static size_t fill(const char *bytes, size_t length, size_t body_bytes)
{
    size_t filled = 0;
    for (; filled + length <= body_bytes; filled += length) {
        memcpy(body + filled, bytes, length);
    }
    return filled;
}

/* Attacks that cost protobuf-c 44 to 164 bytes of memory for each byte sent, or quadratic time. */
static const struct vector bombs[] = {
    V("empty messages", "\x22\x00"),
    V("one message, merged again and again", "\x1A\x02\x08\x01"),
    V("entries of a map", "\x6A\x00"),
    V("empty texts", "\x7A\x00"),
    V("numbers one by one", "\x28\x00"),
    V("unknown numbers", "\xF8\x7F\x00"),
    V("unknown texts", "\xFA\x7F\x00"),
    V("unknown four bytes", "\xFD\x7F"
                            "1234"),
};

static void an_attack_is_refused_after_a_few_steps_without_memory(void **state)
{
    for (size_t i = 0; i < sizeof bombs / sizeof bombs[0]; i++) {
        size_t length = fill(bombs[i].bytes, bombs[i].length, BODY_BYTES);
        size_t steps = 0;
        enum gw_packet_result result = gw_validate_body(&every_message_rules, body, length, &steps);
        if (result != GW_PACKET_TOO_COMPLEX) {
            fail_msg("%s: %s", bombs[i].what, gw_packet_result_name(result));
        }
        assert_in_range(steps, 1, 2 * (GW_VALIDATE_UNKNOWN_MAX + 1));
    }
}

static void packed_numbers_cost_a_step_each_and_no_more_than_their_count(void **state)
{
    memset(body, 0, sizeof body);
    memcpy(body, "\x2A\xFC\xFF\x03", 4);
    size_t steps = 0;
    assert_int_equal(gw_validate_body(&every_message_rules, body, sizeof body, &steps),
                     GW_PACKET_TOO_COMPLEX);
    assert_int_equal(steps, 1 + 4);
}

/* Only a plain field may be repeated without a count; protobuf keeps the last occurrence. */
static void a_repeated_plain_field_costs_time_in_proportion_to_its_bytes(void **state)
{
    static const struct vector fields[] = {V("numbers", "\x70\x01"), V("texts", "\x0A\x00"),
                                           V("long texts", "\x0A\x04"
                                                           "abcd")};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        for (size_t body_bytes = 64; body_bytes <= 4096; body_bytes *= 2) {
            size_t length = fill(fields[i].bytes, fields[i].length, body_bytes);
            size_t steps = 0;
            assert_int_equal(gw_validate_body(&every_message_rules, body, length, &steps),
                             GW_PACKET_OK);
            assert_int_equal(steps, length / fields[i].length);

            struct gw_arena arena;
            gw_arena_init(&arena, memory, ARENA_BYTES);
            take = arena.allocator.alloc;
            arena.allocator.alloc = count_and_take;
            allocation_count = 0;
            allocated_bytes = 0;
            assert_non_null(protobuf_c_message_unpack(&bodies__every__descriptor, &arena.allocator,
                                                      length, body));
            assert_in_range(allocation_count, 1, steps + 16);
            assert_in_range(allocated_bytes, 1, 40 * length + 2048);
        }
    }
}

/* Every field as often as allowed: the memory that the largest valid body needs. */
static void the_largest_valid_body_takes_little_memory(void **state)
{
    static const char heavy[] =
        "\x0A\x04"
        "abcd"
        "\x12\x04"
        "abcd"
        "\x1A\x02\x08\x01"
        "\x22\x00\x22\x00"
        "\x2A\x03\x00\x00\x00"
        "\x62\x00"
        "\x6A\x02\x12\x00"
        "\x7A\x00\x7A\x00"
        "\xFA\x7F\x00\xFA\x7F\x00\xFA\x7F\x00\xFA\x7F\x00\xFA\x7F\x00\xFA\x7F\x00\xFA\x7F\x00"
        "\xFA\x7F\x00\xFA\x7F\x00\xFA\x7F\x00\xFA\x7F\x00\xFA\x7F\x00\xFA\x7F\x00\xFA\x7F\x00"
        "\xFA\x7F\x00\xFA\x7F\x00";
    const uint8_t *bytes = (const uint8_t *)heavy;
    size_t length = sizeof heavy - 1;
    assert_int_equal(gw_validate_body(&every_message_rules, bytes, length, NULL), GW_PACKET_OK);
    struct gw_arena arena;
    gw_arena_init(&arena, memory, ARENA_BYTES);
    assert_non_null(
        protobuf_c_message_unpack(&bodies__every__descriptor, &arena.allocator, length, bytes));
    assert_in_range(arena.used_bytes, 1, 4096);
}

/* protobuf-c must unpack each body that passes the validation. */
static void a_valid_body_unpacks(void **state)
{
    static const uint8_t good[] = "\x0A\x02hi\x1A\x02\x08\x09\x2A\x03\x09\x12\x00\x28\x01\x30\x05"
                                  "\x6A\x05\x0A\x01k\x12\x00\x70\x07\x7A\x02xy\xFA\x7F\x01z";
    uint8_t mutant[sizeof good - 1];
    size_t passed = 0;
    for (size_t at = 0; at < sizeof mutant; at++) {
        for (unsigned value = 0; value <= 0xFF; value++) {
            memcpy(mutant, good, sizeof mutant);
            mutant[at] = (uint8_t)value;
            bool fits =
                gw_validate_body(&every_message_rules, mutant, sizeof mutant, NULL) == GW_PACKET_OK;
            struct gw_packet_fault fault;
            assert_int_equal(
                gw_validate_explain(&every_message_rules, mutant, sizeof mutant, &fault), !fits);
            if (!fits) {
                continue;
            }
            struct gw_arena arena;
            gw_arena_init(&arena, memory, ARENA_BYTES);
            passed++;
            assert_non_null(protobuf_c_message_unpack(&bodies__every__descriptor, &arena.allocator,
                                                      sizeof mutant, mutant));
        }
    }
    assert_in_range(passed, sizeof mutant, 0xFF * sizeof mutant);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_that_obeys_every_rule_passes),
        cmocka_unit_test(a_value_that_a_rule_forbids_is_a_bad_body),
        cmocka_unit_test(a_body_of_another_type_is_a_bad_body),
        cmocka_unit_test(a_field_that_occurs_too_often_is_too_complex),
        cmocka_unit_test(sixteen_unknown_fields_pass_and_one_more_does_not),
        cmocka_unit_test(eight_messages_deep_pass_and_nine_do_not),
        cmocka_unit_test(each_message_has_its_own_counters),
        cmocka_unit_test(a_field_that_may_not_be_0_or_empty_may_not_be_absent),
        cmocka_unit_test(each_occurrence_of_a_field_is_checked),
        cmocka_unit_test(an_optional_field_may_be_absent),
        cmocka_unit_test(a_nested_message_is_checked_if_it_is_in_the_body),
        cmocka_unit_test(a_fault_is_explained_by_the_path_to_its_field),
        cmocka_unit_test(an_attack_is_refused_after_a_few_steps_without_memory),
        cmocka_unit_test(packed_numbers_cost_a_step_each_and_no_more_than_their_count),
        cmocka_unit_test(a_repeated_plain_field_costs_time_in_proportion_to_its_bytes),
        cmocka_unit_test(the_largest_valid_body_takes_little_memory),
        cmocka_unit_test(a_valid_body_unpacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
