/* tools/protoc-gen-gw/problem.h: what is wrong with a schema; all of it, not only the first. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_PROBLEM_H
#define GW_TOOLS_PROTOC_GEN_GW_PROBLEM_H

#include "tools/protoc-gen-gw/pool.h"

#include <stddef.h>

struct problem {
    const char *file;
    int line; /* from 1; 0: the file as a whole */
    const char *what;
    size_t order;
};

struct problems {
    struct pool *pool;
    struct problem *list;
    size_t count;
};

/* Remembers one more. Owns: borrows `file` for the run. */
void problem_add(struct problems *problems, const char *file, int line, const char *format, ...);

/* "file:line: what", a line each, by file and line. Owns: stays the pool's. */
const char *problems_text(struct problems *problems);

#endif
