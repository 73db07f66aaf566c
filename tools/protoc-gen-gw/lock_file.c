/* tools/protoc-gen-gw/lock_file.c: Parsing and writing of the lock file. */
#include "tools/protoc-gen-gw/lock.h"

#include "tools/protoc-gen-gw/file.h"
#include "tools/protoc-gen-gw/names.h"
#include "tools/protoc-gen-gw/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char first_line[] =
    "# Every packet id ever assigned: id, sender, packet, fields; then the messages that packets "
    "contain. The build adds to it; else `tools/packets accept` does.";

static uint8_t from_of(const char *word)
{
    for (uint8_t from = 1; word != NULL && from <= 3; from++) {
        if (strcmp(word, lock_from_word(from)) == 0) {
            return from;
        }
    }
    return 0;
}

static uint32_t id_of(const char *word)
{
    char *end = NULL;
    unsigned long id = word == NULL || *word == '-' ? 0 : strtoul(word, &end, 10);
    return id == 0 || id > UINT16_MAX || *end != '\0' ? 0 : (uint32_t)id;
}

/* Removes and returns the next word of *rest; NULL if there is none. */
static char *next_word(char **rest)
{
    char *word = *rest + strspn(*rest, " \t\r");
    char *end = word + strcspn(word, " \t\r");
    *rest = *end == '\0' ? end : end + 1;
    *end = '\0';
    return *word == '\0' ? NULL : word;
}

/* "3:members:game.Member[]", or without the name */
static bool parse_field(char *word, struct lock_field *field)
{
    char *colon = strchr(word, ':');
    if (colon == NULL || colon == word || strspn(word, "0123456789") != (size_t)(colon - word)) {
        return false;
    }
    unsigned long number = strtoul(word, NULL, 10);
    char *type = strchr(colon + 1, ':');
    *field = (struct lock_field){(int32_t)number, type == NULL ? NULL : colon + 1,
                                 type == NULL ? colon + 1 : type + 1};
    if (type != NULL) {
        *type = '\0';
    }
    return number != 0 && number <= INT32_MAX && field->type[0] != '\0' &&
           (field->name == NULL || name_is_good(field->name));
}

/* Parses the part after the name: reply, fields by number, "removed". */
static bool parse_fields(struct schema *schema, char *rest, struct lock_line *line)
{
    char *word;
    while ((word = next_word(&rest)) != NULL) {
        struct lock_field field;
        if (strcmp(word, "removed") == 0 && line->id != 0) {
            line->is_removed = true;
            return next_word(&rest) == NULL;
        }
        if (strncmp(word, "reply=", 6) == 0 && line->id != 0 && name_is_good(word + 6)) {
            line->reply = word + 6;
            continue;
        }
        bool is_field = parse_field(word, &field);
        if (!is_field || (line->field_count != 0 &&
                          line->fields[line->field_count - 1].number >= field.number)) {
            return false;
        }
        line->fields =
            pool_grow(&schema->pool, line->fields, line->field_count, sizeof *line->fields);
        line->fields[line->field_count++] = field;
    }
    return true;
}

static bool parse_line(struct schema *schema, char *text, struct lock_line *line)
{
    const char *id = next_word(&text);
    const char *from = next_word(&text);
    line->name = next_word(&text);
    bool is_part =
        id != NULL && strcmp(id, "-") == 0 && from != NULL && strcmp(from, lock_from_word(0)) == 0;
    line->id = is_part ? 0 : id_of(id);
    line->from = is_part ? 0 : from_of(from);
    return (is_part || (line->id != 0 && line->from != 0)) && name_is_good(line->name) &&
           parse_fields(schema, text, line);
}

static void check_once(const struct lock *lock, struct schema *schema, const struct lock_line *line)
{
    for (size_t i = 0; i < lock->count; i++) {
        const struct lock_line *other = &lock->list[i];
        if (line->id != 0 && other->name != NULL && other->id == line->id) {
            problem_add(&schema->problems, lock->path, line->line,
                        "id %" PRIu32 " is given away twice; first in line %d", line->id,
                        other->line);
        }
    }
}

static void read_line(struct lock *lock, struct schema *schema, char *text, int number)
{
    struct lock_line line = {.text = pool_print(&schema->pool, "%s", text), .line = number};
    bool is_comment = text[0] == '#' || text[strspn(text, " \t\r")] == '\0';
    if (!is_comment && !parse_line(schema, text, &line)) {
        problem_add(&schema->problems, lock->path, number,
                    "a line should be: id client|server|both package.Message "
                    "[reply=package.Message] [number:name:type...] [removed], or: - part "
                    "package.Message [number:name:type...]");
        return;
    }
    if (!is_comment) {
        check_once(lock, schema, &line);
    }
    lock->list = pool_grow(&schema->pool, lock->list, lock->count, sizeof *lock->list);
    lock->list[lock->count++] = line;
}

void lock_read(struct lock *lock, struct schema *schema, const char *path)
{
    *lock = (struct lock){.path = path};
    struct text text = {0};
    int error = file_read(path, &text);
    if (error != 0 && error != ENOENT) {
        problem_add(&schema->problems, path, 0, "cannot be read: %s", strerror(error));
    }
    /* The parsed names point into this copy. */
    char *rest = pool_print(&schema->pool, "%s", text.bytes == NULL ? "" : text.bytes);
    for (int number = 1; *rest != '\0'; number++) {
        char *line = rest;
        rest += strcspn(rest, "\n");
        if (*rest != '\0') {
            *rest++ = '\0';
        }
        read_line(lock, schema, line, number);
    }
    text_fini(&text);
    if (lock->count == 0) {
        lock->list = pool_grow(&schema->pool, NULL, 0, sizeof *lock->list);
        lock->list[lock->count++] = (struct lock_line){.text = first_line};
    }
}

void lock_write(struct lock *lock, struct schema *schema)
{
    if (!lock->is_changed) {
        return;
    }
    struct text text = {0};
    for (size_t i = 0; i < lock->count; i++) {
        text_print(&text, "%s\n", lock->list[i].text);
    }
    int error = file_replace(lock->path, &text);
    if (error != 0) {
        problem_add(&schema->problems, lock->path, 0, "cannot be written: %s", strerror(error));
    }
    text_fini(&text);
}
