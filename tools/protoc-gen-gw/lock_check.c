/* tools/protoc-gen-gw/lock_check.c: Comparison of a schema with the lock. */
#include "tools/protoc-gen-gw/lock.h"

#include <inttypes.h>
#include <string.h>

/* Advice for an incompatible change. The command follows the other arguments. */
#define OR_ACCEPT "; if no client out there knows it, `%saccept` changes the lock"

static const char *from_word(uint8_t from)
{
    static const char *const words[] = {"-", "CLIENT", "SERVER", "BOTH"};
    return words[from & 3];
}

static void say_renumbered(const struct lock *lock, struct schema *schema,
                           const struct packet *packet, const struct lock_line *old)
{
    problem_add(&schema->problems, schema->file_name, packet->line,
                "%s has id %" PRIu32 ", but %s:%d gave it %" PRIu32 ", and a number stays: write "
                "id: %" PRIu32 " again" OR_ACCEPT,
                packet->name, packet->policy->id, lock->path, old->line, old->id, old->id,
                schema->packets_command);
}

static void say_reused(const struct lock *lock, struct schema *schema, const struct packet *packet,
                       const struct lock_line *old)
{
    problem_add(&schema->problems, schema->file_name, packet->line,
                "%s has id %" PRIu32
                ", but %s:%d gave it to %s%s: give %s an id that was never used "
                "(`%slist` shows them); if %s is only a new name of that message, "
                "`%saccept` renames it",
                packet->name, old->id, lock->path, old->line, old->name,
                old->is_removed ? ", which was removed" : "", packet->name, schema->packets_command,
                packet->name, schema->packets_command);
}

static void say_turned(const struct lock *lock, struct schema *schema, const struct packet *packet,
                       const struct lock_line *old)
{
    problem_add(&schema->problems, schema->file_name, packet->line,
                "%s is from %s, but %s:%d says from %s: turn it back" OR_ACCEPT, packet->name,
                from_word(packet->from), lock->path, old->line, from_word(old->from),
                schema->packets_command);
}

static void say_retyped(const struct lock *lock, struct schema *schema, const struct type *type,
                        const struct field *field, const struct lock_line *old)
{
    const char *name = field->proto->name;
    problem_add(&schema->problems, type->file->name, type_member_line(type, field->index),
                "%s.%s is number %" PRId32
                ", a %s, but %s:%d says that this number is a %s: give the "
                "field a number that was never used" OR_ACCEPT,
                type->name, name == NULL ? "" : name, field->proto->number,
                lock_type_word(&schema->pool, field), lock->path, old->line,
                lock_find_field(old, field->proto->number)->type, schema->packets_command);
}

static void say_behind(const struct lock *lock, struct schema *schema, const struct type *type,
                       int line, const char *what)
{
    problem_add(&schema->problems, schema->file_name, line,
                "%s %s, which %s does not know, and CI=true: build without CI, which adds it, and "
                "commit the lock",
                type->name, what, lock->path);
}

static bool is_named(const struct lock_field *old, const struct field *field)
{
    const char *name = field->proto->name;
    return old != NULL && old->name != NULL && name != NULL && strcmp(old->name, name) == 0;
}

/* The number of the field with this name in the lock, or 0. */
static int32_t number_of_name(const struct lock_line *line, const struct field *field)
{
    for (size_t i = 0; i < line->field_count; i++) {
        if (is_named(&line->fields[i], field)) {
            return line->fields[i].number;
        }
    }
    return 0;
}

/* Reports a field whose number changed. */
static void say_moved(const struct lock *lock, struct schema *schema, const struct type *type,
                      const struct field *field, const struct lock_line *line, int32_t before)
{
    problem_add(&schema->problems, type->file->name, type_member_line(type, field->index),
                "%s.%s is number %" PRId32 ", but %s:%d says that it is number %" PRId32
                ", and a number stays: write %" PRId32 " again, or another name if it is another "
                "field" OR_ACCEPT,
                type->name, field->proto->name, field->proto->number, lock->path, line->line,
                before, before, schema->packets_command);
}

/* Adds new fields unless `is_frozen`. */
static void add_field(struct lock *lock, struct schema *schema, const struct type *type,
                      struct lock_line *line, const struct field *field, bool is_frozen)
{
    struct lock_field *old = lock_find_field(line, field->proto->number);
    if (is_frozen) {
        say_behind(lock, schema, type, type_member_line(type, field->index),
                   pool_print(&schema->pool, "has a field %s%s%" PRId32,
                              old == NULL || field->proto->name == NULL ? "" : field->proto->name,
                              old == NULL ? "" : " = ", field->proto->number));
    } else if (old == NULL) {
        lock_add_field(lock, schema, line, field);
    } else {
        old->name = field->proto->name;
        lock_line_changed(lock, schema, line);
    }
}

/*
 * Compares the fields of a message with its line and adds new ones. A name that the lock does not
 * have is a renamed field, which no client sees; a name that it has under another number is a field
 * that moved.
 */
static void check_fields(struct lock *lock, struct schema *schema, const struct type *type,
                         struct lock_line *line, bool is_frozen)
{
    size_t problem_count = schema->problems.count;
    for (size_t i = 0; i < type->message->n_field; i++) {
        const struct field *field = &type->fields[i];
        const struct lock_field *old = lock_find_field(line, field->proto->number);
        int32_t before = is_named(old, field) ? 0 : number_of_name(line, field);
        if (old != NULL && strcmp(old->type, lock_type_word(&schema->pool, field)) != 0) {
            say_retyped(lock, schema, type, field, line);
        } else if (before != 0) {
            say_moved(lock, schema, type, field, line, before);
        }
    }
    /* First, because names that are added would hide a field that moved. */
    bool is_right = schema->problems.count == problem_count;
    for (size_t i = 0; i < type->message->n_field && is_right; i++) {
        const struct field *field = &type->fields[i];
        if (!is_named(lock_find_field(line, field->proto->number), field)) {
            add_field(lock, schema, type, line, field, is_frozen);
        }
    }
}

/* A client would wait for the missing reply until its request times out. */
static void check_reply(struct lock *lock, struct schema *schema, const struct packet *packet,
                        struct lock_line *line, bool is_frozen)
{
    const char *now = lock_reply_of(packet);
    if (line->reply == NULL && now == NULL) {
        return;
    }
    if (line->reply != NULL && (now == NULL || strcmp(line->reply, now) != 0)) {
        problem_add(&schema->problems, schema->file_name, packet->line,
                    "%s is answered by %s, but %s:%d says by %s, which clients wait for: write "
                    "reply: \"%s\" again" OR_ACCEPT,
                    packet->name, now == NULL ? "nothing" : now, lock->path, line->line,
                    line->reply, line->reply, schema->packets_command);
    } else if (line->reply == NULL && is_frozen) {
        say_behind(lock, schema, packet->type, packet->line,
                   pool_print(&schema->pool, "is answered by %s", now));
    } else if (line->reply == NULL) {
        line->reply = now;
        lock_line_changed(lock, schema, line);
    }
}

static void check_packet(struct lock *lock, struct schema *schema, const struct packet *packet,
                         bool is_frozen)
{
    struct lock_line *by_name = lock_find_name(lock, packet->type->name, false);
    const struct lock_line *by_id = lock_find_id(lock, packet->policy->id);
    if (by_name != NULL && by_name->id != packet->policy->id) {
        say_renumbered(lock, schema, packet, by_name);
    } else if (by_id != NULL && by_id != by_name) {
        say_reused(lock, schema, packet, by_id);
    } else if (by_name != NULL && by_name->from != packet->from) {
        say_turned(lock, schema, packet, by_name);
    } else if (by_name == NULL && is_frozen) {
        say_behind(lock, schema, packet->type, packet->line,
                   pool_print(&schema->pool, "has id %" PRIu32, packet->policy->id));
    } else if (by_name == NULL) {
        lock_add_packet(lock, schema, packet);
    } else {
        check_reply(lock, schema, packet, by_name, is_frozen);
        check_fields(lock, schema, packet->type, by_name, is_frozen);
    }
}

static void check_part(struct lock *lock, struct schema *schema, const struct type *type,
                       bool is_frozen)
{
    struct lock_line *line = lock_find_name(lock, type->name, true);
    if (line != NULL) {
        check_fields(lock, schema, type, line, is_frozen);
    } else if (is_frozen) {
        say_behind(lock, schema, type, type->file == schema->file ? type_line(type) : 0,
                   "is part of a packet");
    } else {
        lock_add_part(lock, schema, type);
    }
}

static bool is_in_package(const char *name, const char *package)
{
    size_t length = strlen(package);
    return strncmp(name, package, length) == 0 && name[length] == '.';
}

static bool has_packet(const struct schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->packet_count; i++) {
        if (strcmp(schema->packets[i].type->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Other packages share the lock: their own runs check their packets. */
static void check_removed_packets(const struct lock *lock, struct schema *schema)
{
    for (size_t i = 0; i < lock->count; i++) {
        const struct lock_line *old = &lock->list[i];
        if (old->id != 0 && !old->is_removed && is_in_package(old->name, schema->package) &&
            !has_packet(schema, old->name)) {
            problem_add(&schema->problems, schema->file_name, 0,
                        "%s is gone, but %s:%d gave it id %" PRIu32 ": bring it back, or let "
                        "`%saccept` mark it as removed; its id is never used again",
                        old->name, lock->path, old->line, old->id, schema->packets_command);
        }
    }
}

void lock_check(struct lock *lock, struct schema *schema, bool is_frozen)
{
    check_removed_packets(lock, schema);
    for (size_t i = 0; i < schema->packet_count; i++) {
        const struct packet *packet = &schema->packets[i];
        if (packet->policy->id != 0 && packet->from != 0) {
            check_packet(lock, schema, packet, is_frozen);
        }
    }
    for (size_t i = 0; i < schema->types.count; i++) {
        const struct type *type = &schema->types.list[i];
        if (type->message != NULL && lock_is_part(schema, type)) {
            check_part(lock, schema, type, is_frozen);
        }
    }
}
