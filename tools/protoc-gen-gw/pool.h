/* tools/protoc-gen-gw/pool.h: memory that lives as long as the run does. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_POOL_H
#define GW_TOOLS_PROTOC_GEN_GW_POOL_H

#include <stdarg.h>
#include <stddef.h>

/*
 * A run of the generator reads one schema, says something about it, and ends. What it learns on the
 * way is taken from one pool and given back at once. When there is no memory the program says so
 * and exits: nothing has been written by then.
 */
struct pool_block;
struct pool {
    struct pool_block *newest;
};

/* Memory for `count` things of `bytes` each, all zero. Owns: stays the pool's. */
void *pool_take(struct pool *pool, size_t count, size_t bytes);

/*
 * Makes room for one thing more in a growing array: returns `list` itself, or a copy of twice the
 * size when `count` has reached a power of two. Owns: stays the pool's.
 */
void *pool_grow(struct pool *pool, void *list, size_t count, size_t bytes);

/* A string, printed. Owns: stays the pool's. */
char *pool_print(struct pool *pool, const char *format, ...);
char *pool_print_list(struct pool *pool, const char *format, va_list arguments);

/* Gives everything back. */
void pool_fini(struct pool *pool);

/* malloc and realloc that do not return without memory. Owns: gives it; free() takes it. */
void *must_allocate(void *old, size_t bytes);

#endif
