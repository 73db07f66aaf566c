/* tests/scripted/bytes.h: Growing queue of bytes. */
#ifndef GW_TESTS_SCRIPTED_BYTES_H
#define GW_TESTS_SCRIPTED_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* All zero is empty. Its memory is neither counted nor refused: see memory.h. */
struct bytes {
    uint8_t *data;
    size_t begin; /* the content is [begin, end) */
    size_t end;
    size_t capacity;
};

static inline size_t bytes_count(const struct bytes *bytes)
{
    return bytes->end - bytes->begin;
}

/* The content, valid until the next change. */
static inline const uint8_t *bytes_data(const struct bytes *bytes)
{
    return bytes->data + bytes->begin;
}

void bytes_put(struct bytes *bytes, const void *data, size_t count);

/* Removes the first `count` bytes after copying them to `out`, which may be NULL. */
void bytes_take(struct bytes *bytes, void *out, size_t count);

void bytes_fini(struct bytes *bytes);

#endif
