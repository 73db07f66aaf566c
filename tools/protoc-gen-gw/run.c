/* tools/protoc-gen-gw/run.c: from a schema to files, all or nothing. */
#include "tools/protoc-gen-gw/run.h"

#include "tools/protoc-gen-gw/lock.h"
#include "tools/protoc-gen-gw/names.h"

#include <stdlib.h>
#include <string.h>

static bool read_word(struct task *task, const char *word)
{
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
                pool, "the option \"%s\" is not known: lock=PATH, control, include=PREFIX", word);
        }
    }
    return NULL;
}

const char *run_task(const struct task *task, struct schema *schema, struct output *output)
{
    schema_read(schema, task->files, task->file_count, task->file_name, task->is_control);
    schema->include_prefix = task->include_prefix;
    struct lock lock = {0};
    if (task->lock_path != NULL) {
        lock_read(&lock, schema, task->lock_path);
        lock_check(&lock, schema, task->is_frozen);
    }
    if (schema->problems.count == 0) {
        output_make(output, schema);
        lock_write(&lock, schema);
    }
    return schema->problems.count == 0 ? NULL : problems_text(&schema->problems);
}
