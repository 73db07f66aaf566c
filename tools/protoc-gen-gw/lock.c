/* tools/protoc-gen-gw/lock.c: Lines of the lock. */
#include "tools/protoc-gen-gw/lock.h"

#include <inttypes.h>
#include <string.h>

static const char *const from_words[] = {"part", "client", "server", "both"};

const char *lock_from_word(uint8_t from)
{
    return from_words[from & 3];
}

static const char *scalar_word(int type)
{
    static const char *const words[] = {
        "?",       "double",   "float",    "int64",  "uint64",  "int32", "fixed64",
        "fixed32", "bool",     "string",   "group",  "message", "bytes", "uint32",
        "enum",    "sfixed32", "sfixed64", "sint32", "sint64",
    };
    return type > 0 && (size_t)type < sizeof words / sizeof words[0] ? words[type] : words[0];
}

const char *lock_type_word(struct pool *pool, const struct field *field)
{
    const char *name = field->proto->type_name;
    bool is_named = name != NULL && name[0] == '.';
    return pool_print(pool, "%s%s", is_named ? name + 1 : scalar_word((int)field->proto->type),
                      field->is_repeated ? "[]" : "");
}

struct lock_line *lock_find_id(const struct lock *lock, uint32_t id)
{
    for (size_t i = 0; i < lock->count; i++) {
        if (lock->list[i].name != NULL && lock->list[i].id == id) {
            return &lock->list[i];
        }
    }
    return NULL;
}

struct lock_line *lock_find_name(const struct lock *lock, const char *name, bool is_part)
{
    for (size_t i = 0; i < lock->count; i++) {
        struct lock_line *line = &lock->list[i];
        if (line->name != NULL && !line->is_removed && (line->id == 0) == is_part &&
            strcmp(line->name, name) == 0) {
            return line;
        }
    }
    return NULL;
}

const char *lock_reply_of(const struct packet *packet)
{
    return packet->reply == NULL ? NULL : packet->reply->type->name;
}

struct lock_field *lock_find_field(const struct lock_line *line, int32_t number)
{
    for (size_t i = 0; i < line->field_count; i++) {
        if (line->fields[i].number == number) {
            return &line->fields[i];
        }
    }
    return NULL;
}

int lock_line_of(const struct lock *lock, const struct packet *packet)
{
    const struct lock_line *line = lock_find_id(lock, packet->policy->id);
    return line == NULL ? 0 : (int)(line - lock->list) + 1;
}

void lock_line_changed(struct lock *lock, struct schema *schema, struct lock_line *line)
{
    struct text text = {0};
    if (line->id == 0) {
        text_print(&text, "    - %-6s %s", from_words[0], line->name);
    } else {
        text_print(&text, "%5" PRIu32 " %-6s %s", line->id, lock_from_word(line->from), line->name);
    }
    if (line->reply != NULL) {
        text_print(&text, " reply=%s", line->reply);
    }
    for (size_t i = 0; i < line->field_count; i++) {
        const struct lock_field *field = &line->fields[i];
        text_print(&text, " %" PRId32 ":%s%s%s", field->number,
                   field->name == NULL ? "" : field->name, field->name == NULL ? "" : ":",
                   field->type);
    }
    line->text = pool_print(&schema->pool, "%s%s", text.bytes, line->is_removed ? " removed" : "");
    lock->is_changed = true;
    text_fini(&text);
}

void lock_add_field(struct lock *lock, struct schema *schema, struct lock_line *line,
                    const struct field *field)
{
    struct lock_field *fields =
        pool_take(&schema->pool, line->field_count + 1, sizeof *line->fields);
    size_t place = 0;
    while (place < line->field_count && line->fields[place].number < field->proto->number) {
        place++;
    }
    if (line->field_count != 0) {
        memcpy(fields, line->fields, place * sizeof *fields);
        memcpy(fields + place + 1, line->fields + place,
               (line->field_count - place) * sizeof *fields);
    }
    fields[place] = (struct lock_field){field->proto->number, field->proto->name,
                                        lock_type_word(&schema->pool, field)};
    line->fields = fields;
    line->field_count++;
    lock_line_changed(lock, schema, line);
}

void lock_set_fields(struct schema *schema, struct lock_line *line, const struct type *type)
{
    line->field_count = type->message->n_field;
    line->fields = pool_take(&schema->pool, line->field_count, sizeof *line->fields);
    for (size_t i = 0; i < line->field_count; i++) {
        line->fields[i] = (struct lock_field){
            type->fields[i].proto->number,
            type->fields[i].proto->name,
            lock_type_word(&schema->pool, &type->fields[i]),
        };
    }
}

/* Inserts after the last smaller line, so that a comment stays above its line. */
static size_t place_for(const struct lock *lock, const struct lock_line *line)
{
    size_t place = 0;
    while (place < lock->count && lock->list[place].name == NULL) {
        place++;
    }
    for (size_t i = place; i < lock->count; i++) {
        const struct lock_line *other = &lock->list[i];
        bool is_before = line->id == 0 ? other->id != 0 || (other->name != NULL &&
                                                            strcmp(other->name, line->name) < 0)
                                       : other->id != 0 && other->id < line->id;
        place = other->name != NULL && is_before ? i + 1 : place;
    }
    return place;
}

static void insert(struct lock *lock, struct schema *schema, struct lock_line *line,
                   const struct type *type)
{
    size_t place = place_for(lock, line);
    lock_set_fields(schema, line, type);
    lock_line_changed(lock, schema, line);
    lock->list = pool_grow(&schema->pool, lock->list, lock->count, sizeof *lock->list);
    memmove(&lock->list[place + 1], &lock->list[place], (lock->count - place) * sizeof *lock->list);
    lock->list[place] = *line;
    lock->count++;
}

void lock_add_packet(struct lock *lock, struct schema *schema, const struct packet *packet)
{
    struct lock_line line = {
        .name = packet->type->name,
        .id = packet->policy->id,
        .from = packet->from,
        .reply = lock_reply_of(packet),
    };
    insert(lock, schema, &line, packet->type);
}

void lock_add_part(struct lock *lock, struct schema *schema, const struct type *type)
{
    struct lock_line line = {.name = type->name};
    insert(lock, schema, &line, type);
}

static bool is_packet(const struct schema *schema, const struct type *type)
{
    for (size_t i = 0; i < schema->packet_count; i++) {
        if (schema->packets[i].type == type) {
            return true;
        }
    }
    return false;
}

bool lock_is_part(const struct schema *schema, const struct type *type)
{
    return schema->in_packets[type - schema->types.list] && !is_packet(schema, type);
}
