/* tools/protoc-gen-gw/lock_check.c: compares the schema with what was promised before. */
#include "tools/protoc-gen-gw/lock.h"

#include <inttypes.h>
#include <string.h>

/* What to do when a promise must be broken. The command follows the other arguments. */
#define OR_ACCEPT "; if no client out there knows it, `%saccept` changes the lock"

static const char *from_word(uint8_t from)
{
    static const char *const words[] = {"nobody", "CLIENT", "SERVER", "BOTH"};
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
                "%s has id %" PRIu32 ", but %s:%d gave it to %s%s: give %s an id that nobody had "
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
                "field a number that nobody had" OR_ACCEPT,
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

/* Compares the fields of a message with its line, and adds those that are new. */
static void check_fields(struct lock *lock, struct schema *schema, const struct type *type,
                         struct lock_line *line, bool is_frozen)
{
    for (size_t i = 0; i < type->message->n_field; i++) {
        const struct field *field = &type->fields[i];
        const struct lock_field *old = lock_find_field(line, field->proto->number);
        if (old != NULL && strcmp(old->type, lock_type_word(&schema->pool, field)) != 0) {
            say_retyped(lock, schema, type, field, line);
        } else if (old == NULL && is_frozen) {
            say_behind(lock, schema, type, type_member_line(type, field->index),
                       pool_print(&schema->pool, "has a field %" PRId32, field->proto->number));
        } else if (old == NULL) {
            lock_add_field(lock, schema, line, field);
        }
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

/* Other packages share the lock; theirs to say is what became of their packets. */
static void check_nobody_is_gone(const struct lock *lock, struct schema *schema)
{
    for (size_t i = 0; i < lock->count; i++) {
        const struct lock_line *old = &lock->list[i];
        if (old->id != 0 && !old->is_removed && is_in_package(old->name, schema->package) &&
            !has_packet(schema, old->name)) {
            problem_add(&schema->problems, schema->file_name, 0,
                        "%s is gone, but %s:%d gave it id %" PRIu32 ": bring it back, or let "
                        "`%saccept` mark it as removed; nobody gets its id again",
                        old->name, lock->path, old->line, old->id, schema->packets_command);
        }
    }
}

void lock_check(struct lock *lock, struct schema *schema, bool is_frozen)
{
    check_nobody_is_gone(lock, schema);
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
