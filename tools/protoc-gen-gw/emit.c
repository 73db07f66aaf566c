/* tools/protoc-gen-gw/emit.c: Parts that several generated files share. */
#include "tools/protoc-gen-gw/emit.h"

#include "tools/protoc-gen-gw/names.h"

#include <inttypes.h>

void emit_guard_open(struct text *text, struct schema *schema, const char *name)
{
    const char *guard = name_guard(&schema->pool, name);
    text_print(text, "#ifndef %s\n#define %s\n\n", guard, guard);
}

void emit_guard_close(struct text *text)
{
    text_print(text, "\nPROTOBUF_C__END_DECLS\n\n#endif\n");
}

/* `name` is a header of the library. */
void emit_include(struct text *text, const struct schema *schema, const char *name)
{
    text_print(text, "#include \"%s%s\"\n", schema->include_prefix, name);
}

void emit_ids(struct text *text, const struct schema *schema, const char *id_prefix)
{
    text_print(text, "enum {\n");
    for (size_t i = 0; i < schema->packet_count; i++) {
        text_print(text, "    %s%s = %" PRIu32 ",\n", id_prefix, schema->packets[i].upper,
                   schema->packets[i].policy->id);
    }
    text_print(text, "};\n");
}

static void emit_limits_of(struct text *text, struct schema *schema, const char *prefix,
                           const struct packet *packet)
{
    const struct type *type = packet->type;
    for (size_t i = 0; i < type->message->n_field; i++) {
        const struct field *field = &type->fields[i];
        if (field->length_max != 0 && (packet->from & FROM_CLIENT) != 0) {
            text_print(text, "    %s_%s_%s_BYTES_MAX = %" PRIu32 ",\n", prefix, packet->upper,
                       name_upper(&schema->pool, field->proto->name), field->length_max);
        }
    }
}

/* Maximum lengths, for programs that fill in or store texts. C has no empty enum. */
void emit_limits(struct text *text, struct schema *schema, const char *prefix)
{
    struct text limits = {0};
    for (size_t i = 0; i < schema->packet_count; i++) {
        emit_limits_of(&limits, schema, prefix, &schema->packets[i]);
    }
    if (limits.length != 0) {
        text_print(text, "\n/* Maximum lengths of texts that a client may send, in bytes. */\n");
        text_print(text, "enum {\n%s};\n", limits.bytes);
    }
    text_fini(&limits);
}

const char *emit_header_of(struct schema *schema, const char *stem)
{
    return pool_print(&schema->pool, "%s.gen.h", stem);
}

const char *emit_source_of(struct schema *schema, const char *stem)
{
    return pool_print(&schema->pool, "%s.gen.c", stem);
}

const char *emit_messages_of(struct schema *schema)
{
    return pool_print(&schema->pool, "%s.pb-c.h", name_stem(&schema->pool, schema->file_name));
}

unsigned emit_wire_type_of(const struct field *field)
{
    switch ((int)field->proto->type) {
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_DOUBLE:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FIXED64:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SFIXED64:
        return EMIT_EIGHT_BYTES;
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FLOAT:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FIXED32:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SFIXED32:
        return EMIT_FOUR_BYTES;
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_STRING:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BYTES:
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_MESSAGE:
        return EMIT_LENGTH_FIRST;
    default:
        return EMIT_VARINT;
    }
}

uint64_t emit_key_of(const struct field *field)
{
    return (uint64_t)(uint32_t)field->proto->number << 3 | emit_wire_type_of(field);
}
