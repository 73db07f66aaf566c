/* tests/vectors/test_vectors.c: Replay of the vectors of frames.json by protobuf-c and
 * protocol/frame.h. */
#include "tests/test.h"

#include "game/game.pb-c.h"
#include "gw/control.pb-c.h"
#include "protocol/frame.h"
#include "vectors.pb-c.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAME_BYTES = 8192, TEXT_BYTES = 32768 };

struct vector {
    const char *name;
    const ProtobufCMessageDescriptor *type;
    const char *hex; /* of the frame */
    uint16_t id;
    uint16_t tag;
    uint8_t flags;
    const char *text;   /* the fields as print_fields() prints them; NULL: it is refused */
    const char *writes; /* the body that a runtime writes, as hex */
};

static const struct vector vectors[] = {
#include "vectors.gen.h"
};

/* What protobuf-c writes otherwise. Both forms mean the same to every runtime. */
static const char *const written_otherwise[] = {
    "minus 0 is sent",                         /* it does not send it */
    "maps with keys and values of 0",          /* it does not send them */
    "an entry of a map without key and value", /* the same */
};

/* What protobuf-c reads otherwise: it keeps the fields of the last message alone, which the library
 * refuses in a body from a client, and all entries of a map. */
static const char *const read_otherwise[] = {
    "a message twice is merged",
    "a message in a oneof twice is merged",
    "a key of a map twice: the last value counts",
};

/* What protobuf-c refuses: groups, which proto3 does not have, and fields of another wire type. */
static const char *const not_read[] = {
    "an unknown group with a group inside",
    "a field of another wire type is unknown",
};

#define IS_AMONG(name, list) is_among(name, list, sizeof list / sizeof list[0])

static bool is_among(const char *name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, list[i]) == 0) {
            return true;
        }
    }
    return false;
}

static size_t bytes_of(const char *hex, uint8_t *bytes)
{
    size_t count = strlen(hex) / 2;
    assert_true(count <= FRAME_BYTES);
    for (size_t i = 0; i < count; i++) {
        unsigned byte;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        bytes[i] = (uint8_t)byte;
    }
    return count;
}

/* ---- the fields of a message as text ---- */

static char text[TEXT_BYTES];
static size_t text_length;

static void print(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    text_length +=
        (size_t)vsnprintf(text + text_length, TEXT_BYTES - text_length, format, arguments);
    va_end(arguments);
    assert_true(text_length < TEXT_BYTES);
}

static void print_bytes(const void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        print("%02x", ((const uint8_t *)bytes)[i]);
    }
}

static void print_fields(const ProtobufCMessage *message);

static size_t size_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return 4;
    }
}

static void print_value(ProtobufCType type, const void *value)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        print("%" PRId64, *(const int64_t *)value);
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        print("%" PRIu64, *(const uint64_t *)value);
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        print("%" PRIu32, *(const uint32_t *)value);
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        print("%016" PRIx64, *(const uint64_t *)value);
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        print("%08" PRIx32, *(const uint32_t *)value);
        break;
    case PROTOBUF_C_TYPE_STRING:
        print_bytes(*(char *const *)value, strlen(*(char *const *)value));
        break;
    case PROTOBUF_C_TYPE_BYTES:
        print_bytes(((const ProtobufCBinaryData *)value)->data,
                    ((const ProtobufCBinaryData *)value)->len);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        print("{");
        print_fields(*(ProtobufCMessage *const *)value);
        print("}");
        break;
    default:
        print("%" PRId32, *(const int32_t *)value);
        break;
    }
}

static bool is_set(const ProtobufCFieldDescriptor *field, const void *value, uint32_t quantifier)
{
    static const uint8_t zero[8];
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
        return quantifier == field->id;
    }
    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        return *(void *const *)value != NULL;
    case PROTOBUF_C_TYPE_STRING:
        return (*(char *const *)value)[0] != '\0';
    case PROTOBUF_C_TYPE_BYTES:
        return ((const ProtobufCBinaryData *)value)->len != 0;
    default:
        return memcmp(value, zero, size_of(field->type)) != 0;
    }
}

static void print_fields(const ProtobufCMessage *message)
{
    const char *blank = "";
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        const char *value = (const char *)message + field->offset;
        const char *quantifier = (const char *)message + field->quantifier_offset;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            size_t count = *(const size_t *)quantifier;
            if (count == 0) {
                continue;
            }
            print("%s%s=[", blank, field->name);
            for (size_t k = 0; k < count; k++) {
                print("%s", k == 0 ? "" : " ");
                print_value(field->type, *(char *const *)value + k * size_of(field->type));
            }
            print("]");
        } else if (is_set(field, value, *(const uint32_t *)quantifier)) {
            print("%s%s=", blank, field->name);
            print_value(field->type, value);
        } else {
            continue;
        }
        blank = " ";
    }
}

/* ---- tests ---- */

static void check_vector(const struct vector *vector)
{
    uint8_t frame[FRAME_BYTES];
    uint8_t written[FRAME_BYTES];
    uint8_t expected[FRAME_BYTES];
    size_t count = bytes_of(vector->hex, frame);
    struct gw_frame header = gw_frame_read(frame);
    assert_int_equal(header.body_bytes, count - GW_FRAME_HEADER_BYTES);
    assert_int_equal(header.packet_id, vector->id);
    assert_int_equal(header.tag, vector->tag);
    assert_int_equal(header.flags, vector->flags);
    ProtobufCMessage *message = protobuf_c_message_unpack(vector->type, NULL, header.body_bytes,
                                                          frame + GW_FRAME_HEADER_BYTES);
    if (vector->text == NULL) {
        assert_null(message);
        return;
    }
    if (IS_AMONG(vector->name, not_read)) {
        assert_null(message);
        return;
    }
    assert_non_null(message);
    text_length = 0;
    text[0] = '\0';
    print_fields(message);
    if (!IS_AMONG(vector->name, read_otherwise)) {
        assert_string_equal(text, vector->text);
    }
    if (!IS_AMONG(vector->name, read_otherwise) && !IS_AMONG(vector->name, written_otherwise)) {
        unsigned unknown_count = message->n_unknown_fields;
        message->n_unknown_fields = 0;
        size_t length = protobuf_c_message_pack(message, written);
        message->n_unknown_fields = unknown_count;
        assert_int_equal(length, bytes_of(vector->writes, expected));
        assert_memory_equal(written, expected, length);
    }
    protobuf_c_message_free_unpacked(message, NULL);
}

static void protobuf_c_reads_and_writes_every_vector(void **state)
{
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        printf("vector: %s\n", vectors[i].name);
        check_vector(&vectors[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(protobuf_c_reads_and_writes_every_vector)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
