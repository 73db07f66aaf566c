/* tools/protoc-gen-gw/pool.h: Memory pool, freed at the end of a run. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_POOL_H
#define GW_TOOLS_PROTOC_GEN_GW_POOL_H

#include <stdarg.h>
#include <stddef.h>

/*
 * A run reads one schema and ends. All its memory comes from one pool and is freed at once. Without
 * memory the program prints an error and exits before it has written any file.
 */
struct pool_block;
struct pool {
    struct pool_block *newest;
};

/* Allocates `count` zeroed elements of `bytes` each. Owns: the pool keeps them. */
void *pool_take(struct pool *pool, size_t count, size_t bytes);

/*
 * Makes room for one more element in a growing array: returns `list`, or a copy of twice the size
 * when `count` has reached a power of two. Owns: the pool keeps it.
 */
void *pool_grow(struct pool *pool, void *list, size_t count, size_t bytes);

/* Formats a string. Owns: the pool keeps it. */
char *pool_print(struct pool *pool, const char *format, ...);
char *pool_print_list(struct pool *pool, const char *format, va_list arguments);

/* Frees all memory of the pool. */
void pool_fini(struct pool *pool);

/* realloc() that exits without memory. Owns: gives the memory; free it with free(). */
void *must_allocate(void *old, size_t bytes);

#endif
