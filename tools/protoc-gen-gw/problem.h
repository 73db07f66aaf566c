/* tools/protoc-gen-gw/problem.h: List of errors in a schema, sorted by file and line. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_PROBLEM_H
#define GW_TOOLS_PROTOC_GEN_GW_PROBLEM_H

#include "tools/protoc-gen-gw/pool.h"

#include <stddef.h>

struct problem {
    const char *file;
    int line; /* from 1; 0: the whole file */
    const char *what;
    size_t order;
};

struct problems {
    struct pool *pool;
    struct problem *list;
    size_t count;
};

/* Adds an error. Owns: borrows `file` for the run. */
void problem_add(struct problems *problems, const char *file, int line, const char *format, ...);

/* "file:line: what", one a line, sorted by file and line. Owns: the list keeps the text. */
const char *problems_text(struct problems *problems);

#endif
