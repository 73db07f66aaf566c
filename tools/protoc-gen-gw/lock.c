/* tools/protoc-gen-gw/lock.c: compares the schema with what was promised before. */
#include "tools/protoc-gen-gw/lock.h"

#include <inttypes.h>
#include <string.h>

static const struct lock_line *find_id(const struct lock *lock, uint32_t id)
{
    for (size_t i = 0; i < lock->count; i++) {
        if (lock->list[i].line != 0 && lock->list[i].id == id) {
            return &lock->list[i];
        }
    }
    return NULL;
}

static const struct lock_line *find_name(const struct lock *lock, const char *name)
{
    for (size_t i = 0; i < lock->count; i++) {
        const struct lock_line *line = &lock->list[i];
        if (line->id != 0 && !line->is_removed && strcmp(line->name, name) == 0) {
            return line;
        }
    }
    return NULL;
}

static const char *word_of(uint8_t from)
{
    static const char *const words[] = {"nobody", "CLIENT", "SERVER", "BOTH"};
    return words[from & 3];
}

static void say_renumbered(const struct lock *lock, struct schema *schema,
                           const struct packet *packet, const struct lock_line *old)
{
    problem_add(&schema->problems, schema->file_name, packet->line,
                "%s has id %" PRIu32 ", but %s:%d gave it %" PRIu32 ", and a number stays: write "
                "id: %" PRIu32 " again, or mark that line `removed` by hand to give the packet a "
                "new number",
                packet->name, packet->policy->id, lock->path, old->line, old->id, old->id);
}

static void say_reused(const struct lock *lock, struct schema *schema, const struct packet *packet,
                       const struct lock_line *old)
{
    problem_add(&schema->problems, schema->file_name, packet->line,
                "%s has id %" PRIu32 ", but %s:%d gave it to %s%s: give %s an id that nobody had; "
                "if %s is only a new name of that message, edit that line by hand",
                packet->name, old->id, lock->path, old->line, old->name,
                old->is_removed ? ", which was removed" : "", packet->name, packet->name);
}

static void say_turned(const struct lock *lock, struct schema *schema, const struct packet *packet,
                       const struct lock_line *old)
{
    problem_add(&schema->problems, schema->file_name, packet->line,
                "%s is from %s, but %s:%d says from %s: turn it back, or edit that line by hand",
                packet->name, word_of(packet->from), lock->path, old->line, word_of(old->from));
}

static void check_packet(struct lock *lock, struct schema *schema, const struct packet *packet,
                         bool is_frozen)
{
    const struct lock_line *by_name = find_name(lock, packet->type->name);
    const struct lock_line *by_id = find_id(lock, packet->policy->id);
    if (by_name != NULL && by_name->id != packet->policy->id) {
        say_renumbered(lock, schema, packet, by_name);
    } else if (by_id != NULL && by_id != by_name) {
        say_reused(lock, schema, packet, by_id);
    } else if (by_name != NULL && by_name->from != packet->from) {
        say_turned(lock, schema, packet, by_name);
    } else if (by_name == NULL && is_frozen) {
        problem_add(&schema->problems, schema->file_name, packet->line,
                    "%s has id %" PRIu32 ", which %s does not know, and CI=true: build without CI, "
                    "which adds it, and commit the lock",
                    packet->name, packet->policy->id, lock->path);
    } else if (by_name == NULL) {
        lock_add(lock, schema, packet);
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
                        "%s is gone, but %s:%d gave it id %" PRIu32 ": bring it back, or write "
                        "`removed` at the end of that line by hand",
                        old->name, lock->path, old->line, old->id);
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
}
