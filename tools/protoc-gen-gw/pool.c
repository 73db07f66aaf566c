/* tools/protoc-gen-gw/pool.c: Memory pool, freed at the end of a run. */
#include "tools/protoc-gen-gw/pool.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pool_block {
    struct pool_block *older;
    max_align_t memory[];
};

static void give_up(void)
{
    fputs("protoc-gen-gw: no memory\n", stderr);
    exit(1);
}

void *must_allocate(void *old, size_t bytes)
{
    void *memory = realloc(old, bytes);
    if (memory == NULL) {
        give_up();
    }
    return memory;
}

void *pool_take(struct pool *pool, size_t count, size_t bytes)
{
    if (bytes != 0 && count > (SIZE_MAX - sizeof(struct pool_block)) / bytes) {
        give_up();
    }
    struct pool_block *block = must_allocate(NULL, sizeof *block + count * bytes);
    memset(block->memory, 0, count * bytes);
    block->older = pool->newest;
    pool->newest = block;
    return block->memory;
}

void *pool_grow(struct pool *pool, void *list, size_t count, size_t bytes)
{
    if ((count & (count - 1)) != 0) {
        return list;
    }
    void *larger = pool_take(pool, count == 0 ? 1 : count * 2, bytes);
    if (count != 0) {
        memcpy(larger, list, count * bytes);
    }
    return larger;
}

char *pool_print_list(struct pool *pool, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    if (length < 0) {
        give_up();
    }
    char *text = pool_take(pool, 1, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

char *pool_print(struct pool *pool, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = pool_print_list(pool, format, arguments);
    va_end(arguments);
    return text;
}

void pool_fini(struct pool *pool)
{
    while (pool->newest != NULL) {
        struct pool_block *older = pool->newest->older;
        free(pool->newest);
        pool->newest = older;
    }
}
