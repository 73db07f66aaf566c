/* session/batch.c: what a group was told, one frame behind the other in one buffer. */
#include "session/internal.h"
#include "session/membership.h"

#include <string.h>

enum { BATCH_BYTES_MIN = 256, BATCH_BYTES_MAX = 64 * 1024 };

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* At least `bytes`, and twice what there was, so that a batch that grows is not copied often. */
static uint32_t next_size(uint32_t size, uint32_t bytes)
{
    while (size < bytes) {
        size *= 2;
    }
    return size;
}

static uint32_t room_in(const struct gw_group *group)
{
    return group->batch != NULL ? gw_buf_bytes(group->batch) : 0;
}

/* Goes on in a buffer that holds `bytes`. Returns whether there was memory for it. */
static bool grow(struct gw_group *group, uint32_t bytes)
{
    struct gw_buf *larger_one = gw_buf_create(next_size(BATCH_BYTES_MIN, bytes));
    if (larger_one == NULL) {
        return false;
    }
    if (group->batch != NULL) {
        memcpy(gw_buf_data(larger_one), gw_buf_data(group->batch), group->batch_bytes);
        gw_buf_unref(group->batch);
    }
    group->batch = larger_one;
    return true;
}

/* What coalesces is the end of its buffer, so that it can be cut off. */
static bool fits_behind(const struct gw_group *group, uint32_t bytes, uint16_t kind)
{
    return group->batch_bytes + bytes <= BATCH_BYTES_MAX &&
           (group->batch_kind == 0 || group->batch_kind == kind);
}

static void note_kind(struct gw_group *group, uint16_t kind)
{
    if (group->batch_kind != kind) {
        group->batch_kind = kind;
        group->batch_kind_begin = group->batch_bytes;
    }
}

uint8_t *gw__batch_add(struct gw_group *group, uint32_t bytes, uint16_t kind)
{
    if (group->batch_bytes != 0 && !fits_behind(group, bytes, kind)) {
        gw_group_flush(group);
    }
    uint32_t needed_bytes = group->batch_bytes + bytes;
    if (needed_bytes > room_in(group) &&
        !grow(group, larger(needed_bytes, group->batch_bytes_before))) {
        return NULL;
    }
    uint8_t *place = gw_buf_data(group->batch) + group->batch_bytes;
    note_kind(group, kind);
    group->batch_bytes = needed_bytes;
    return place;
}

struct gw_buf *gw__batch_take(struct gw_group *group)
{
    if (group->batch_bytes == 0) {
        return NULL;
    }
    struct gw_buf *batch = group->batch;
    gw_buf_trim(batch, group->batch_bytes);
    if (group->batch_kind != 0) {
        gw_buf_mark(batch, group->batch_kind_begin, group->batch_kind);
        group->batch_kind = 0;
    }
    group->batch_bytes_before = group->batch_bytes;
    group->batch_bytes = 0;
    group->batch = NULL;
    return batch;
}
