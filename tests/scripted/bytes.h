/* tests/scripted/bytes.h: bytes on their way, first in, first out. */
#ifndef GW_TESTS_SCRIPTED_BYTES_H
#define GW_TESTS_SCRIPTED_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* All zero is empty. Its memory is counted in no test: see memory.h. */
struct bytes {
    uint8_t *data;
    size_t begin; /* what is there: [begin, end) */
    size_t end;
    size_t capacity;
};

static inline size_t bytes_count(const struct bytes *bytes)
{
    return bytes->end - bytes->begin;
}

/* Where they lie, the first one first. */
static inline const uint8_t *bytes_look(const struct bytes *bytes)
{
    return bytes->data + bytes->begin;
}

void bytes_put(struct bytes *bytes, const void *data, size_t count);

/* Lets go of the first `count`, after a copy to `out` unless that is NULL. */
void bytes_take(struct bytes *bytes, void *out, size_t count);

void bytes_fini(struct bytes *bytes);

#endif
