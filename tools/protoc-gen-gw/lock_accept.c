/* tools/protoc-gen-gw/lock_accept.c: Acceptance of incompatible changes into the lock. */
#include "tools/protoc-gen-gw/lock.h"

#include <inttypes.h>
#include <string.h>

static bool has_id(const struct schema *schema, uint32_t id)
{
    for (size_t i = 0; i < schema->packet_count; i++) {
        if (schema->packets[i].policy->id == id) {
            return true;
        }
    }
    return false;
}

static bool is_ours(const struct schema *schema, const struct lock_line *line)
{
    size_t length = strlen(schema->package);
    return strncmp(line->name, schema->package, length) == 0 && line->name[length] == '.';
}

static void remove_those_gone(struct lock *lock, struct schema *schema, struct text *words)
{
    for (size_t i = 0; i < lock->count; i++) {
        struct lock_line *line = &lock->list[i];
        if (line->name != NULL && line->id != 0 && !line->is_removed && is_ours(schema, line) &&
            !has_id(schema, line->id)) {
            line->is_removed = true;
            lock_line_changed(lock, schema, line);
            text_print(words,
                       "id %" PRIu32
                       ": %s is removed, and its id is never used again; a client that "
                       "still sends it is closed with UNKNOWN_PACKET\n",
                       line->id, line->name);
        }
    }
}

/* A different message has the id of an old one. */
static void rename_line(struct lock *lock, struct schema *schema, struct lock_line *line,
                        const struct packet *packet, struct text *words)
{
    text_print(
        words,
        "id %" PRIu32 ": was %s%s, becomes %s; a server reads the old one of an old client as the "
        "new one\n",
        line->id, line->name, line->is_removed ? ", which was removed" : "", packet->type->name);
    line->name = packet->type->name;
    line->is_removed = false;
    line->from = packet->from;
    line->reply = lock_reply_of(packet);
    lock_set_fields(schema, line, packet->type);
    lock_line_changed(lock, schema, line);
}

static void turn_line(struct lock *lock, struct schema *schema, struct lock_line *line,
                      const struct packet *packet, struct text *words)
{
    text_print(words, "id %" PRIu32 ": %s was from %s, and is from %s now\n", line->id, line->name,
               lock_from_word(line->from), lock_from_word(packet->from));
    line->from = packet->from;
    lock_line_changed(lock, schema, line);
}

static void accept_fields(struct lock *lock, struct schema *schema, struct lock_line *line,
                          const struct type *type, struct text *words)
{
    for (size_t i = 0; i < type->message->n_field; i++) {
        const struct field *field = &type->fields[i];
        struct lock_field *old = lock_find_field(line, field->proto->number);
        const char *now = lock_type_word(&schema->pool, field);
        const char *name = field->proto->name == NULL ? "" : field->proto->name;
        if (old == NULL) {
            lock_add_field(lock, schema, line, field);
            text_print(words, "%s: field %" PRId32 " is new, a %s\n", type->name,
                       field->proto->number, now);
            continue;
        }
        if (old->name == NULL || strcmp(old->name, name) != 0) {
            if (old->name != NULL) {
                text_print(words,
                           "%s: field %" PRId32 " was called %s, and is called %s now; a server "
                           "reads the old one of an old client as the new one\n",
                           type->name, field->proto->number, old->name, name);
            }
            old->name = field->proto->name;
            lock_line_changed(lock, schema, line);
        }
        if (strcmp(old->type, now) != 0) {
            text_print(words,
                       "%s: field %" PRId32 " was a %s, and is a %s now; the server refuses or "
                       "misreads it from an old client\n",
                       type->name, field->proto->number, old->type, now);
            old->type = now;
            lock_line_changed(lock, schema, line);
        }
    }
}

static void accept_reply(struct lock *lock, struct schema *schema, struct lock_line *line,
                         const struct packet *packet, struct text *words)
{
    const char *now = lock_reply_of(packet);
    bool is_same =
        now == NULL || line->reply == NULL ? now == line->reply : strcmp(now, line->reply) == 0;
    if (!is_same) {
        text_print(words, "id %" PRIu32 ": %s was answered by %s, and is answered by %s now%s\n",
                   line->id, line->name, line->reply == NULL ? "nothing" : line->reply,
                   now == NULL ? "nothing" : now,
                   line->reply == NULL
                       ? ""
                       : "; an old client waits for the reply until its request times out");
        line->reply = now;
        lock_line_changed(lock, schema, line);
    }
}

static void accept_packet(struct lock *lock, struct schema *schema, const struct packet *packet,
                          struct text *words)
{
    struct lock_line *line = lock_find_id(lock, packet->policy->id);
    if (line == NULL) {
        lock_add_packet(lock, schema, packet);
        text_print(words, "id %" PRIu32 ": %s is new\n", packet->policy->id, packet->type->name);
        return;
    }
    if (line->is_removed || strcmp(line->name, packet->type->name) != 0) {
        rename_line(lock, schema, line, packet, words);
        return;
    }
    if (line->from != packet->from) {
        turn_line(lock, schema, line, packet, words);
    }
    accept_reply(lock, schema, line, packet, words);
    accept_fields(lock, schema, line, packet->type, words);
}

static void accept_part(struct lock *lock, struct schema *schema, const struct type *type,
                        struct text *words)
{
    struct lock_line *line = lock_find_name(lock, type->name, true);
    if (line == NULL) {
        lock_add_part(lock, schema, type);
        text_print(words, "%s is new, a part of packets\n", type->name);
    } else {
        accept_fields(lock, schema, line, type, words);
    }
}

void lock_accept(struct lock *lock, struct schema *schema, struct text *words)
{
    remove_those_gone(lock, schema, words);
    for (size_t i = 0; i < schema->packet_count; i++) {
        accept_packet(lock, schema, &schema->packets[i], words);
    }
    for (size_t i = 0; i < schema->types.count; i++) {
        const struct type *type = &schema->types.list[i];
        if (type->message != NULL && lock_is_part(schema, type)) {
            accept_part(lock, schema, type, words);
        }
    }
}
