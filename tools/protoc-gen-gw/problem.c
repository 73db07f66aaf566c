/* tools/protoc-gen-gw/problem.c: List of errors in a schema, sorted by file and line. */
#include "tools/protoc-gen-gw/problem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void problem_add(struct problems *problems, const char *file, int line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    problems->list =
        pool_grow(problems->pool, problems->list, problems->count, sizeof *problems->list);
    problems->list[problems->count] = (struct problem){
        .file = file,
        .line = line,
        .what = pool_print_list(problems->pool, format, arguments),
        .order = problems->count,
    };
    problems->count++;
    va_end(arguments);
}

static int by_place(const void *left, const void *right)
{
    const struct problem *a = left;
    const struct problem *b = right;
    int files = strcmp(a->file, b->file);
    if (files != 0) {
        return files;
    }
    if (a->line != b->line) {
        return a->line < b->line ? -1 : 1;
    }
    return a->order < b->order ? -1 : 1;
}

static const char *sentence(struct pool *pool, const struct problem *problem)
{
    if (problem->line == 0) {
        return pool_print(pool, "%s: %s", problem->file, problem->what);
    }
    return pool_print(pool, "%s:%d: %s", problem->file, problem->line, problem->what);
}

/* protoc writes "--gw_out: " before the text, so the first problem starts on a new line. */
const char *problems_text(struct problems *problems)
{
    qsort(problems->list, problems->count, sizeof *problems->list, by_place);
    size_t length = 0;
    for (size_t i = 0; i < problems->count; i++) {
        length += strlen(sentence(problems->pool, &problems->list[i])) + 1;
    }
    char *text = pool_take(problems->pool, 1, length + 1);
    char *end = text;
    for (size_t i = 0; i < problems->count; i++) {
        end += sprintf(end, "\n%s", sentence(problems->pool, &problems->list[i]));
    }
    return text;
}
