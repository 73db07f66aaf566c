/* tools/protoc-gen-gw/hash.c: Hash of a schema in canonical form. */
#include "tools/protoc-gen-gw/hash.h"

#include "tools/protoc-gen-gw/text.h"

#include <inttypes.h>
#include <stdlib.h>

static const char *text_of(const char *name)
{
    return name == NULL ? "" : name;
}

static void write_packets(const struct schema *schema, struct text *text)
{
    for (size_t i = 0; i < schema->packet_count; i++) {
        const struct packet *packet = &schema->packets[i];
        text_print(text, "packet %" PRIu32 " %s %u\n", packet->policy->id, packet->type->name,
                   (unsigned)packet->from);
    }
}

static int by_number(const void *left, const void *right)
{
    const proto_field *a = *(proto_field *const *)left;
    const proto_field *b = *(proto_field *const *)right;
    return (a->number > b->number) - (a->number < b->number);
}

static void write_message(struct schema *schema, const proto_message *message, struct text *text)
{
    proto_field **fields = pool_take(&schema->pool, message->n_field, sizeof *fields);
    for (size_t i = 0; i < message->n_field; i++) {
        fields[i] = message->field[i];
    }
    qsort(fields, message->n_field, sizeof *fields, by_number);
    for (size_t i = 0; i < message->n_field; i++) {
        text_print(text, "field %" PRId32 " %s %d %d %s\n", fields[i]->number,
                   text_of(fields[i]->name), (int)fields[i]->label, (int)fields[i]->type,
                   text_of(fields[i]->type_name));
    }
}

static void write_messages(struct schema *schema, struct text *text)
{
    for (size_t i = 0; i < schema->types.count; i++) {
        if (schema->in_packets[i]) {
            text_print(text, "message %s\n", schema->types.list[i].name);
            write_message(schema, schema->types.list[i].message, text);
        }
    }
}

static uint64_t fnv1a(const char *bytes, size_t length)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
    }
    return hash == 0 ? 1 : hash;
}

uint64_t hash_of_schema(struct schema *schema)
{
    struct text text = {0};
    text_print(&text, "package %s\n", schema->package);
    write_packets(schema, &text);
    write_messages(schema, &text);
    uint64_t hash = fnv1a(text.bytes, text.length);
    text_fini(&text);
    return hash;
}
