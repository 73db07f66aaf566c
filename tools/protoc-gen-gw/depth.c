/* tools/protoc-gen-gw/depth.c: Nesting depth of a packed message, measured without recursion. */
#include "tools/protoc-gen-gw/depth.h"

struct level {
    const ProtobufCMessageDescriptor *type;
    size_t end;
};

struct walk {
    const uint8_t *bytes;
    size_t place;
    struct level levels[DEPTH_MAX];
    size_t depth;
};

static size_t left(const struct walk *walk)
{
    return walk->levels[walk->depth - 1].end - walk->place;
}

static bool read_varint(struct walk *walk, uint64_t *value_out)
{
    *value_out = 0;
    for (unsigned shift = 0; shift < 64 && left(walk) != 0; shift += 7) {
        uint8_t byte = walk->bytes[walk->place++];
        *value_out |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            return true;
        }
    }
    return false;
}

static bool skip(struct walk *walk, uint64_t length)
{
    if (length > left(walk)) {
        return false;
    }
    walk->place += (size_t)length;
    return true;
}

static const ProtobufCMessageDescriptor *message_of(const struct walk *walk, uint64_t number)
{
    const ProtobufCMessageDescriptor *type = walk->levels[walk->depth - 1].type;
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(type, (unsigned)number);
    return field != NULL && field->type == PROTOBUF_C_TYPE_MESSAGE ? field->descriptor : NULL;
}

enum step { STEP_ON, STEP_TOO_DEEP, STEP_NO_MESSAGE };

static enum step enter(struct walk *walk, uint64_t number, uint64_t length)
{
    const ProtobufCMessageDescriptor *type = message_of(walk, number);
    if (type == NULL || length > left(walk)) {
        return skip(walk, length) ? STEP_ON : STEP_NO_MESSAGE;
    }
    if (walk->depth == DEPTH_MAX) {
        return STEP_TOO_DEEP;
    }
    struct level level = {type, walk->place + (size_t)length};
    walk->levels[walk->depth++] = level;
    return STEP_ON;
}

static enum step step(struct walk *walk)
{
    enum { VARINT = 0, EIGHT_BYTES = 1, LENGTH_FIRST = 2, FOUR_BYTES = 5 };
    uint64_t key;
    uint64_t value;
    bool fine = read_varint(walk, &key);
    switch (fine ? key & 7 : 7) {
    case VARINT:
        fine = read_varint(walk, &value);
        break;
    case EIGHT_BYTES:
        fine = skip(walk, 8);
        break;
    case LENGTH_FIRST:
        return read_varint(walk, &value) ? enter(walk, key >> 3, value) : STEP_NO_MESSAGE;
    case FOUR_BYTES:
        fine = skip(walk, 4);
        break;
    default:
        return STEP_NO_MESSAGE;
    }
    return fine ? STEP_ON : STEP_NO_MESSAGE;
}

bool depth_is_fine(const ProtobufCMessageDescriptor *type, const uint8_t *bytes, size_t length)
{
    struct walk walk = {.bytes = bytes, .levels = {{type, length}}, .depth = 1};
    enum step next = STEP_ON;
    while (next == STEP_ON && walk.depth != 0) {
        if (left(&walk) == 0) {
            walk.depth--;
        } else {
            next = step(&walk);
        }
    }
    return next != STEP_TOO_DEEP;
}
