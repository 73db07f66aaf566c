/* tools/protoc-gen-gw/run.c: One run of the generator, from a schema to files. */
#include "tools/protoc-gen-gw/run.h"

#include "tools/protoc-gen-gw/list.h"
#include "tools/protoc-gen-gw/lock.h"
#include "tools/protoc-gen-gw/names.h"
#include "tools/protoc-gen-gw/reference.h"

#include <stdlib.h>
#include <string.h>

static bool read_what(struct task *task, const char *word)
{
    static const char *const words[] = {
        [RUN_LIST] = "list", [RUN_SHOW_CHANGES] = "changes", [RUN_ACCEPT] = "accept"};
    for (int i = RUN_LIST; i <= RUN_ACCEPT; i++) {
        if (strcmp(word, words[i]) == 0) {
            task->what = i;
            return true;
        }
    }
    return false;
}

static bool is_module(const char *path)
{
    size_t length = strlen(path);
    return name_is_good_path(path) && length > 4 && strcmp(path + length - 4, ".mjs") == 0;
}

static bool read_word(struct task *task, const char *word)
{
    if (strncmp(word, "with=", 5) == 0) {
        task->control_name = word + 5;
        return true;
    }
    if (strncmp(word, "packets=", 8) == 0) {
        task->packets_command = word + 8;
        return true;
    }
    if (strncmp(word, "reference=", 10) == 0) {
        task->reference_path = word + 10;
        return true;
    }
    if (strncmp(word, "js=", 3) == 0 && is_module(word + 3)) {
        task->js_name = word + 3;
        return true;
    }
    if (strcmp(word, "documents") == 0) {
        task->what = RUN_DOCUMENT;
        return true;
    }
    if (strncmp(word, "do=", 3) == 0 && task->words != NULL) {
        return read_what(task, word + 3);
    }
    if (strncmp(word, "lock=", 5) == 0) {
        task->lock_path = word + 5;
    } else if (strcmp(word, "control") == 0) {
        task->is_control = true;
    } else if (strncmp(word, "include=", 8) == 0 && name_is_good_path(word + 8)) {
        task->include_prefix = word + 8;
    } else {
        return word[0] == '\0';
    }
    return true;
}

const char *run_read_parameter(struct task *task, struct pool *pool, const char *parameter)
{
    const char *ci = getenv("CI");
    task->include_prefix = "";
    task->packets_command = "tools/packets ";
    task->is_frozen = ci != NULL && strcmp(ci, "true") == 0;
    char *rest = pool_print(pool, "%s", parameter == NULL ? "" : parameter);
    while (*rest != '\0') {
        char *word = rest;
        rest += strcspn(rest, ",");
        if (*rest != '\0') {
            *rest++ = '\0';
        }
        if (!read_word(task, word)) {
            return pool_print(
                pool,
                "the option \"%s\" is not known: lock=PATH, control, include=PREFIX, js=FILE.mjs",
                word);
        }
    }
    return NULL;
}

static void generate(const struct task *task, struct schema *schema, struct lock *lock,
                     struct output *output)
{
    if (task->lock_path != NULL) {
        lock_check(lock, schema, task->is_frozen);
    }
    if (schema->problems.count == 0) {
        if (task->js_name != NULL) {
            output_javascript(output, schema, task->js_name);
        } else {
            output_make(output, schema, lock);
        }
        lock_write(lock, schema);
    }
}

static void answer(const struct task *task, struct schema *schema, struct lock *lock)
{
    if (task->what == RUN_LIST) {
        list_packets(task->words, schema, lock);
        return;
    }
    lock_accept(lock, schema, task->words);
    if (task->what == RUN_ACCEPT) {
        lock_write(lock, schema);
    }
}

/* Reads the control packets, which every game has, and reports their errors too. */
static void read_control(const struct task *task, struct schema *schema)
{
    struct schema *control = pool_take(&schema->pool, 1, sizeof *control);
    schema_read(control, task->files, task->file_count, task->control_name, true);
    schema->control = control;
    for (size_t i = 0; i < control->problems.count; i++) {
        const struct problem *problem = &control->problems.list[i];
        problem_add(&schema->problems, problem->file, problem->line, "%s", problem->what);
    }
}

static void document(const struct task *task, struct schema *schema, struct output *output)
{
    if (task->control_name != NULL) {
        read_control(task, schema);
    }
    if (schema->problems.count == 0) {
        output_document(output, schema);
        if (task->js_name != NULL) {
            output_javascript(output, schema, task->js_name);
        }
    }
    if (schema->problems.count == 0 && task->reference_path != NULL) {
        reference_keep(schema, task->reference_path, task->is_frozen);
    }
}

const char *run_task(const struct task *task, struct schema *schema, struct output *output)
{
    schema_read(schema, task->files, task->file_count, task->file_name, task->is_control);
    schema->include_prefix = task->include_prefix;
    schema->packets_command = task->packets_command;
    struct lock lock = {0};
    if (task->lock_path != NULL) {
        lock_read(&lock, schema, task->lock_path);
    }
    if (task->what == RUN_GENERATE) {
        generate(task, schema, &lock, output);
    } else if (task->what == RUN_DOCUMENT) {
        document(task, schema, output);
    } else if (schema->problems.count == 0) {
        answer(task, schema, &lock);
    }
    return schema->problems.count == 0 ? NULL : problems_text(&schema->problems);
}
