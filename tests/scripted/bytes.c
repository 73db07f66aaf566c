/* tests/scripted/bytes.c: Growing queue of bytes. */
#include "tests/scripted/bytes.h"

#include "tests/scripted/memory.h"

#include <string.h>

static void make_room(struct bytes *bytes, size_t count)
{
    if (bytes->begin > 0 && bytes->begin >= bytes->capacity / 2) {
        memmove(bytes->data, bytes->data + bytes->begin, bytes_count(bytes));
        bytes->end -= bytes->begin;
        bytes->begin = 0;
    }
    if (bytes->end + count > bytes->capacity) {
        bytes->capacity = (bytes->end + count) * 2;
        bytes->data = memory_resize_unseen(bytes->data, bytes->capacity);
    }
}

void bytes_put(struct bytes *bytes, const void *data, size_t count)
{
    if (count > 0) {
        make_room(bytes, count);
        memcpy(bytes->data + bytes->end, data, count);
        bytes->end += count;
    }
}

void bytes_take(struct bytes *bytes, void *out, size_t count)
{
    if (out != NULL && count > 0) {
        memcpy(out, bytes->data + bytes->begin, count);
    }
    bytes->begin += count;
}

void bytes_fini(struct bytes *bytes)
{
    memory_free_unseen(bytes->data);
    *bytes = (struct bytes){0};
}
