/* tools/protoc-gen-gw/rules.c: Checks of a schema as a whole. */
#include "tools/protoc-gen-gw/rules.h"

#include "tools/protoc-gen-gw/names.h"
#include "tools/protoc-gen-gw/options.h"
#include "tools/protoc-gen-gw/reach.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void check_file(struct schema *schema)
{
    struct problems *problems = &schema->problems;
    const char *syntax = schema->file->syntax == NULL ? "" : schema->file->syntax;
    if (!name_is_good_path(schema->file_name)) {
        problem_add(problems, schema->file_name, 0,
                    "a path may have letters, digits, '_', '-', '.' and '/'");
    }
    if (strcmp(syntax, "proto3") != 0) {
        problem_add(problems, schema->file_name, 0, "must say: syntax = \"proto3\";");
    }
    if (!schema->is_control &&
        (strcmp(schema->prefix, "gw") == 0 || strncmp(schema->prefix, "gw_", 3) == 0)) {
        problem_add(problems, schema->file_name, 0,
                    "has the package %s, but names that begin with gw are the framework's own: "
                    "write another",
                    schema->package);
    }
    if (!name_is_good(schema->package)) {
        problem_add(problems, schema->file_name, 0,
                    "must say its package: the names of all that is generated begin with it");
    }
    if (schema->packet_count == 0) {
        problem_add(problems, schema->file_name, 0,
                    "has no packet: no message in it has the option (gw.packet)");
    }
}

/* A packet of an imported file would silently get no handler. The framework's packets have theirs.
 */
static void check_import(struct schema *schema, const struct type *type)
{
    const char *package = type->file->package == NULL ? "" : type->file->package;
    const Google__Protobuf__MessageOptions *options = type->message->options;
    Gw__PacketPolicy *policy = NULL;
    if (options == NULL || strcmp(package, "gw") == 0 ||
        option_read_packet(&options->base, &policy) != OPTION_READ) {
        return;
    }
    gw__packet_policy__free_unpacked(policy, NULL);
    problem_add(&schema->problems, schema->file_name, 0,
                "imports %s, which makes %s a packet: packets belong into the schema itself",
                type->file->name == NULL ? "" : type->file->name, type->name);
}

static void check_imports(struct schema *schema)
{
    /* The control schema imports no packets, but is read together with a game's. */
    for (size_t i = 0; i < schema->types.count && !schema->is_control; i++) {
        const struct type *type = &schema->types.list[i];
        if (type->message != NULL && type->file != schema->file) {
            check_import(schema, type);
        }
    }
}

static void check_stage(struct schema *schema, const struct stage *stage)
{
    const char *file = schema->file_name;
    int line = stage->line;
    if (!name_is_good(stage->name)) {
        problem_add(&schema->problems, file, line, "\"%s\" is not a name", stage->name);
    }
    if (strcmp(stage->name, "CONNECTED") == 0 || strcmp(stage->name, "GREETED") == 0) {
        problem_add(&schema->problems, file, line,
                    "stage %s has a name that is the framework's own: find another", stage->name);
    }
    if (stage->number < 0 || stage->number > STAGE_NUMBER_MAX) {
        problem_add(&schema->problems, file, line,
                    "stage %s is number %" PRId32 ": a game has at most 31 stages, 0 to 30",
                    stage->name, stage->number);
    }
}

static void check_stages(struct schema *schema)
{
    for (size_t i = 0; i < schema->stage_count; i++) {
        check_stage(schema, &schema->stages[i]);
    }
}

/* In an array sorted by id, equal ids are adjacent. */
static void check_ids_differ(struct schema *schema)
{
    for (size_t i = 1; i < schema->packet_count; i++) {
        const struct packet *first = &schema->packets[i - 1];
        const struct packet *second = &schema->packets[i];
        if (first->policy->id == second->policy->id && first->policy->id != 0) {
            problem_add(&schema->problems, schema->file_name, second->line,
                        "%s and %s (line %d) both have id %" PRIu32 ": give one of them another",
                        second->name, first->name, first->line, first->policy->id);
        }
    }
}

static int by_snake(const void *left, const void *right)
{
    const struct packet *a = *(const struct packet *const *)left;
    const struct packet *b = *(const struct packet *const *)right;
    int names = strcmp(a->snake, b->snake);
    return names != 0 ? names : (a->line > b->line) - (a->line < b->line);
}

static void check_handlers_differ(struct schema *schema)
{
    size_t count = schema->packet_count;
    const struct packet **packets = pool_take(&schema->pool, count, sizeof *packets);
    for (size_t i = 0; i < count; i++) {
        packets[i] = &schema->packets[i];
    }
    qsort(packets, count, sizeof *packets, by_snake);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(packets[i - 1]->snake, packets[i]->snake) == 0) {
            problem_add(&schema->problems, schema->file_name, packets[i]->line,
                        "%s and %s (line %d) would both be answered by %s_on_%s(): rename one",
                        packets[i]->name, packets[i - 1]->name, packets[i - 1]->line,
                        schema->prefix, packets[i]->snake);
        }
    }
}

/* A name in C, and the protobuf name that it is generated from. */
struct c_name {
    const char *name;
    const char *what;
    int line;
    const struct packet *packet; /* the packet whose type or id it names; or NULL */
};

struct c_names {
    struct c_name *list;
    size_t count;
};

static void add_name(struct schema *schema, struct c_names *names, const char *name,
                     const char *what, int line, const struct packet *packet)
{
    names->list = pool_grow(&schema->pool, names->list, names->count, sizeof *names->list);
    names->list[names->count++] = (struct c_name){name, what, line, packet};
}

static const struct packet *packet_of(const struct schema *schema, const struct type *type)
{
    for (size_t i = 0; i < schema->packet_count; i++) {
        if (schema->packets[i].type == type) {
            return &schema->packets[i];
        }
    }
    return NULL;
}

/* protoc-gen-c generates for each type a C type, functions with a common prefix, and an enum for
 * each oneof. */
static void add_names_of_type(struct schema *schema, struct c_names *names, const struct type *type)
{
    struct pool *pool = &schema->pool;
    const struct packet *packet = packet_of(schema, type);
    int line = type_line(type);
    const char *c_type = name_type(pool, type->name);
    const char *symbol = name_symbol(pool, type->name);
    add_name(schema, names, c_type, type->name, line, packet);
    /* Distinguished from a type: a package may be written in capitals. */
    add_name(schema, names, pool_print(pool, "%s__", symbol), type->name, line, packet);
    for (size_t i = 0; type->message != NULL && i < type->message->n_oneof_decl; i++) {
        const char *oneof = type->message->oneof_decl[i]->name;
        oneof = oneof == NULL ? "" : oneof;
        add_name(schema, names, pool_print(pool, "%s__%sCase", c_type, name_type(pool, oneof)),
                 pool_print(pool, "%s.%s", type->name, oneof), line, NULL);
    }
}

static void add_names_of_packet(struct schema *schema, struct c_names *names,
                                const struct packet *packet)
{
    struct pool *pool = &schema->pool;
    const char *game = name_upper(pool, schema->package);
    add_name(schema, names, pool_print(pool, "%s_PACKET_%s", game, packet->upper),
             packet->type->name, packet->line, packet);
    for (size_t i = 0; i < packet->type->message->n_field; i++) {
        const struct field *field = &packet->type->fields[i];
        if (field->length_max != 0 && (packet->from & FROM_CLIENT) != 0) {
            add_name(schema, names,
                     pool_print(pool, "%s_%s_%s_BYTES_MAX", game, packet->upper,
                                name_upper(pool, field->proto->name)),
                     pool_print(pool, "%s.%s", packet->type->name, field->proto->name),
                     type_member_line(packet->type, field->index), NULL);
        }
    }
}

static int by_c_name(const void *left, const void *right)
{
    const struct c_name *a = left;
    const struct c_name *b = right;
    int names = strcmp(a->name, b->name);
    int lines = (a->line > b->line) - (a->line < b->line);
    return names != 0 ? names : lines != 0 ? lines : strcmp(a->what, b->what);
}

static void check_c_names_differ(struct schema *schema)
{
    struct c_names names = {0};
    const char *game = name_upper(&schema->pool, schema->package);
    for (size_t i = 0; i < schema->types.count; i++) {
        if (schema->types.list[i].file == schema->file) {
            add_names_of_type(schema, &names, &schema->types.list[i]);
        }
    }
    for (size_t i = 0; i < schema->packet_count; i++) {
        add_names_of_packet(schema, &names, &schema->packets[i]);
    }
    for (size_t i = 0; i < schema->stage_count; i++) {
        add_name(schema, &names,
                 pool_print(&schema->pool, "%s_STAGE_%s", game,
                            name_upper(&schema->pool, schema->stages[i].name)),
                 schema->stages[i].name, schema->stages[i].line, NULL);
    }
    if (names.count != 0) {
        qsort(names.list, names.count, sizeof *names.list, by_c_name);
    }
    for (size_t i = 1; i < names.count; i++) {
        const struct c_name *a = &names.list[i - 1];
        const struct c_name *b = &names.list[i];
        bool is_reported = a->packet != NULL && b->packet != NULL &&
                           strcmp(a->packet->snake, b->packet->snake) == 0;
        if (strcmp(a->name, b->name) == 0 && !is_reported) {
            problem_add(&schema->problems, schema->file_name, b->line,
                        "%s and %s (line %d) would both be %s in C: rename one", b->what, a->what,
                        a->line, b->name);
        }
    }
}

/* protobuf-c unpacks with unlimited recursion: a few kilobytes of such a packet overflow the stack.
 */
static void check_nesting(struct schema *schema, bool are_fields_right)
{
    struct reach reach;
    reach_init(&reach, &schema->pool, &schema->types);
    for (size_t i = 0; i < schema->packet_count; i++) {
        struct packet *packet = &schema->packets[i];
        if ((packet->from & FROM_CLIENT) == 0) {
            continue;
        }
        const char *way = reach_circle(&reach, packet->type);
        if (way != NULL) {
            problem_add(&schema->problems, schema->file_name, type_line(packet->type),
                        "%s may come from a client, and nests without end: %s", packet->name, way);
        } else if (reach_depth(&reach, packet->type) > CLIENT_DEPTH_MAX) {
            problem_add(&schema->problems, schema->file_name, type_line(packet->type),
                        "%s may come from a client, and nests more than %d deep", packet->name,
                        CLIENT_DEPTH_MAX);
        } else if (are_fields_right) {
            rules_apply_size(schema, packet);
        }
    }
}

void rules_apply(struct schema *schema)
{
    check_file(schema);
    check_imports(schema);
    check_stages(schema);
    for (size_t i = 0; i < schema->packet_count; i++) {
        rules_apply_to_packet(schema, &schema->packets[i]);
    }
    size_t before = schema->problems.count;
    rules_apply_to_fields(schema);
    bool are_fields_right = schema->problems.count == before;
    rules_apply_to_replies(schema);
    check_ids_differ(schema);
    check_handlers_differ(schema);
    check_c_names_differ(schema);
    check_nesting(schema, are_fields_right);
}
