/* tools/protoc-gen-gw/rules.c: the rules about a schema as a whole. */
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
    if (!name_is_good(schema->package)) {
        problem_add(problems, schema->file_name, 0,
                    "must say its package: the names of all that is generated begin with it");
    }
    if (schema->packet_count == 0) {
        problem_add(problems, schema->file_name, 0,
                    "has no packet: no message in it has the option (gw.packet)");
    }
}

/* A packet of an imported file would get no handler, silently. The framework's have theirs. */
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
    /* The framework's imports no packets, but may be read along with a game's. */
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

/* Sorted by id, equal ones are neighbours. */
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

/* protobuf-c unpacks with recursion and no limit: a few kilobytes of such a packet kill a thread.
 */
static void check_circles(struct schema *schema)
{
    struct reach reach;
    reach_init(&reach, &schema->pool, &schema->types);
    for (size_t i = 0; i < schema->packet_count; i++) {
        const struct packet *packet = &schema->packets[i];
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
    rules_apply_to_fields(schema);
    rules_apply_to_replies(schema);
    check_ids_differ(schema);
    check_handlers_differ(schema);
    check_circles(schema);
}
