/* tools/protoc-gen-gw/lock_file.c: the lock as a file. */
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
    "# Every packet id ever given away: id, who sends it, packet. The build adds lines; none is "
    "ever taken away, but marked `removed`.\n";

static const char *const from_words[] = {"?", "client", "server", "both"};

static uint8_t from_of(const char *word)
{
    for (uint8_t from = 1; word != NULL && from <= 3; from++) {
        if (strcmp(word, from_words[from]) == 0) {
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

/* The next word of *rest, which it cuts off; NULL when there is none. */
static char *next_word(char **rest)
{
    char *word = *rest + strspn(*rest, " \t\r");
    char *end = word + strcspn(word, " \t\r");
    *rest = *end == '\0' ? end : end + 1;
    *end = '\0';
    return *word == '\0' ? NULL : word;
}

static bool parse_line(char *text, struct lock_line *line)
{
    line->id = id_of(next_word(&text));
    line->from = from_of(next_word(&text));
    line->name = next_word(&text);
    const char *mark = next_word(&text);
    line->is_removed = mark != NULL;
    return line->id != 0 && line->from != 0 && name_is_good(line->name) &&
           (mark == NULL || strcmp(mark, "removed") == 0) && next_word(&text) == NULL;
}

static void check_once(const struct lock *lock, struct schema *schema, const struct lock_line *line)
{
    for (size_t i = 0; i < lock->count; i++) {
        if (lock->list[i].id == line->id) {
            problem_add(&schema->problems, lock->path, line->line,
                        "id %" PRIu32 " is given away twice; first in line %d", line->id,
                        lock->list[i].line);
        }
    }
}

static void insert(struct lock *lock, struct schema *schema, size_t place,
                   const struct lock_line *line)
{
    lock->list = pool_grow(&schema->pool, lock->list, lock->count, sizeof *lock->list);
    memmove(&lock->list[place + 1], &lock->list[place], (lock->count - place) * sizeof *lock->list);
    lock->list[place] = *line;
    lock->count++;
}

static void read_line(struct lock *lock, struct schema *schema, char *text, int number)
{
    struct lock_line line = {.text = pool_print(&schema->pool, "%s", text), .line = number};
    bool is_comment = text[0] == '#' || text[strspn(text, " \t\r")] == '\0';
    if (!is_comment && !parse_line(text, &line)) {
        problem_add(&schema->problems, lock->path, number,
                    "a line should be: id client|server|both package.Message [removed]");
        return;
    }
    if (!is_comment) {
        check_once(lock, schema, &line);
    }
    insert(lock, schema, lock->count, &line);
}

void lock_read(struct lock *lock, struct schema *schema, const char *path)
{
    *lock = (struct lock){.path = path};
    struct text text = {0};
    int error = file_read(path, &text);
    if (error != 0 && error != ENOENT) {
        problem_add(&schema->problems, path, 0, "cannot be read: %s", strerror(error));
    }
    /* The names stay in this copy. */
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
}

/* Behind the last smaller id, so that a comment stays with the line below it. */
static size_t place_for(const struct lock *lock, uint32_t id)
{
    size_t place = 0;
    while (place < lock->count && lock->list[place].id == 0) {
        place++;
    }
    for (size_t i = place; i < lock->count; i++) {
        if (lock->list[i].id != 0 && lock->list[i].id < id) {
            place = i + 1;
        }
    }
    return place;
}

void lock_add(struct lock *lock, struct schema *schema, const struct packet *packet)
{
    struct lock_line line = {
        .text = pool_print(&schema->pool, "%5" PRIu32 " %-6s %s", packet->policy->id,
                           from_words[packet->from], packet->type->name),
        .id = packet->policy->id,
        .from = packet->from,
        .name = packet->type->name,
    };
    insert(lock, schema, place_for(lock, line.id), &line);
    lock->added_count++;
}

void lock_write(struct lock *lock, struct schema *schema)
{
    if (lock->added_count == 0) {
        return;
    }
    struct text text = {0};
    text_print(&text, "%s", lock->count == lock->added_count ? first_line : "");
    for (size_t i = 0; i < lock->count; i++) {
        text_print(&text, "%s\n", lock->list[i].text);
    }
    int error = file_replace(lock->path, &text);
    if (error != 0) {
        problem_add(&schema->problems, lock->path, 0, "cannot be written: %s", strerror(error));
    }
    text_fini(&text);
}
