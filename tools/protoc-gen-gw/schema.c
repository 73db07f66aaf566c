/* tools/protoc-gen-gw/schema.c: Packets and stages of one .proto file. */
#include "tools/protoc-gen-gw/schema.h"

#include "tools/protoc-gen-gw/hash.h"
#include "tools/protoc-gen-gw/names.h"
#include "tools/protoc-gen-gw/options.h"
#include "tools/protoc-gen-gw/rules.h"

#include <stdlib.h>
#include <string.h>

/* Numbers of fields in descriptor.proto. */
enum { MESSAGE_OPTIONS = 7 };

static const ProtobufCMessage *options_of(const struct type *type)
{
    if (type->message != NULL) {
        return type->message->options == NULL ? NULL : &type->message->options->base;
    }
    return type->enumeration->options == NULL ? NULL : &type->enumeration->options->base;
}

static const char *without_package(const struct schema *schema, const char *full_name)
{
    size_t length = strlen(schema->package);
    return length == 0 ? full_name : full_name + length + 1;
}

static void name_packet(struct schema *schema, struct packet *packet)
{
    struct pool *pool = &schema->pool;
    packet->name = without_package(schema, packet->type->name);
    packet->snake = name_snake(pool, packet->name);
    packet->upper = name_upper(pool, packet->name);
    packet->c_type = name_type(pool, packet->type->name);
    packet->c_symbol = name_symbol(pool, packet->type->name);
}

static void add_packet(struct schema *schema, const struct type *type, Gw__PacketPolicy *policy)
{
    schema->packets =
        pool_grow(&schema->pool, schema->packets, schema->packet_count, sizeof *schema->packets);
    struct packet *packet = &schema->packets[schema->packet_count++];
    *packet = (struct packet){
        .type = type,
        .policy = policy,
        .line = type_option_line(type, MESSAGE_OPTIONS, OPTION_PACKET),
    };
    name_packet(schema, packet);
}

static void read_message(struct schema *schema, const struct type *type)
{
    Gw__PacketPolicy *policy;
    switch (option_read_packet(options_of(type), &policy)) {
    case OPTION_ABSENT:
        break;
    case OPTION_READ:
        add_packet(schema, type, policy);
        break;
    case OPTION_BROKEN:
        problem_add(&schema->problems, schema->file_name, type_line(type),
                    "the option (gw.packet) of %s cannot be read", type->name);
        break;
    }
}

static void read_stages(struct schema *schema, const struct type *type)
{
    if (!option_read_stages(options_of(type))) {
        return;
    }
    if (schema->stages_type != NULL) {
        problem_add(&schema->problems, schema->file_name, type_line(type),
                    "%s and %s (line %d) both have (gw.stages): a game has one such enum",
                    type->name, schema->stages_type->name, type_line(schema->stages_type));
        return;
    }
    schema->stages_type = type;
    schema->stage_count = type->enumeration->n_value;
    schema->stages = pool_take(&schema->pool, schema->stage_count, sizeof *schema->stages);
    for (size_t i = 0; i < schema->stage_count; i++) {
        const char *name = type->enumeration->value[i]->name;
        schema->stages[i] = (struct stage){
            .name = name == NULL ? "" : name,
            .number = type->enumeration->value[i]->number,
            .line = type_member_line(type, i),
        };
    }
}

static void read_types(struct schema *schema)
{
    for (size_t i = 0; i < schema->types.count; i++) {
        const struct type *type = &schema->types.list[i];
        if (type->file != schema->file) {
            continue;
        }
        if (type->message != NULL) {
            read_message(schema, type);
        } else {
            read_stages(schema, type);
        }
    }
}

static int by_id(const void *left, const void *right)
{
    const struct packet *a = left;
    const struct packet *b = right;
    if (a->policy->id != b->policy->id) {
        return a->policy->id < b->policy->id ? -1 : 1;
    }
    return a->line - b->line;
}

static const proto_file *find_file(proto_file *const *files, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (files[i]->name != NULL && strcmp(files[i]->name, name) == 0) {
            return files[i];
        }
    }
    return NULL;
}

void schema_read(struct schema *schema, proto_file *const *files, size_t count,
                 const char *file_name, bool is_control)
{
    *schema = (struct schema){.file_name = file_name, .is_control = is_control};
    schema->problems.pool = &schema->pool;
    schema->file = find_file(files, count, file_name);
    if (schema->file == NULL) {
        problem_add(&schema->problems, file_name, 0, "is not among the files that were given");
        return;
    }
    schema->package = schema->file->package == NULL ? "" : schema->file->package;
    schema->prefix = name_snake(&schema->pool, schema->package);
    types_read(&schema->types, &schema->pool, files, count);
    read_types(schema);
    if (schema->packet_count != 0) {
        qsort(schema->packets, schema->packet_count, sizeof *schema->packets, by_id);
    }
    fields_read(schema);
    rules_apply(schema);
    if (schema->problems.count == 0) {
        schema->hash = hash_of_schema(schema);
    }
}

void schema_keep_policy(struct schema *schema, Gw__FieldPolicy *policy)
{
    struct kept_policy *kept = pool_take(&schema->pool, 1, sizeof *kept);
    *kept = (struct kept_policy){policy, schema->kept};
    schema->kept = kept;
}

void schema_fini(struct schema *schema)
{
    if (schema->control != NULL) {
        schema_fini(schema->control);
    }
    for (struct kept_policy *kept = schema->kept; kept != NULL; kept = kept->older) {
        gw__field_policy__free_unpacked(kept->policy, NULL);
    }
    for (size_t i = 0; i < schema->packet_count; i++) {
        gw__packet_policy__free_unpacked(schema->packets[i].policy, NULL);
    }
    pool_fini(&schema->pool);
}
