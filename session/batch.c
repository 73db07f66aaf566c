/* session/batch.c: frames that a group was told and that have not left yet. */
#include "session/internal.h"
#include "session/membership.h"

#include <string.h>

enum { PIECE_BYTES_MIN = 256, BATCH_BYTES_MAX = 64 * 1024 };

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* A buffer of at least `bytes`, in powers of two, so that one that grows is not copied often. */
static struct gw_buf *create_buf(uint32_t bytes)
{
    uint32_t size = PIECE_BYTES_MIN;
    while (size < bytes) {
        size *= 2;
    }
    return gw_buf_create(size);
}

static struct gw_batch_piece *last_of(struct gw_group *group)
{
    return &group->pieces[group->piece_count - 1];
}

static uint32_t end_of(const struct gw_group *group, uint32_t piece)
{
    return piece + 1 < group->piece_count ? group->pieces[piece + 1].begin : group->batch_bytes;
}

static void mark(struct gw_batch_piece *piece)
{
    if (piece->kind != 0) {
        gw_buf_mark(piece->buf, piece->key_begin, piece->kind);
    }
}

/* Only the tail of a buffer can coalesce, because there it can be cut off. */
static bool last_piece_takes(struct gw_group *group, uint16_t kind)
{
    return group->piece_count > 0 && (last_of(group)->kind == 0 || last_of(group)->kind == kind);
}

/* The first piece is as large as the last batch: the next one is much the same. */
static bool begin_piece(struct gw_group *group, uint32_t bytes)
{
    uint32_t bytes_before = group->piece_count == 0 ? group->batch_bytes_before : 0;
    struct gw_buf *buf = create_buf(larger(bytes, bytes_before));
    if (buf != NULL) {
        group->pieces[group->piece_count++] =
            (struct gw_batch_piece){.buf = buf, .begin = group->batch_bytes};
    }
    return buf != NULL;
}

/* Members that were sent a part of the old buffer keep it. */
static bool grow(struct gw_batch_piece *piece, uint32_t used_bytes, uint32_t bytes)
{
    struct gw_buf *buf = create_buf(used_bytes + bytes);
    if (buf == NULL) {
        return false;
    }
    memcpy(gw_buf_data(buf), gw_buf_data(piece->buf), used_bytes);
    gw_buf_unref(piece->buf);
    piece->buf = buf;
    mark(piece);
    return true;
}

uint8_t *gw__batch_add(struct gw_group *group, uint32_t bytes, uint16_t kind)
{
    bool fits = group->batch_bytes == 0 || group->batch_bytes + bytes <= BATCH_BYTES_MAX;
    bool takes = last_piece_takes(group, kind);
    if (!fits || (!takes && group->piece_count == GW_BATCH_PIECE_COUNT_MAX)) {
        gw_group_flush(group);
        takes = false;
    }
    if (!takes && !begin_piece(group, bytes)) {
        return NULL;
    }
    struct gw_batch_piece *piece = last_of(group);
    uint32_t used_bytes = group->batch_bytes - piece->begin;
    if (used_bytes + bytes > gw_buf_bytes(piece->buf) && !grow(piece, used_bytes, bytes)) {
        return NULL;
    }
    if (piece->kind != kind) {
        piece->kind = kind;
        piece->key_begin = used_bytes;
        mark(piece);
    }
    group->batch_bytes += bytes;
    return gw_buf_data(piece->buf) + used_bytes;
}

void gw__batch_send(struct gw_group *group, struct gw_membership *membership)
{
    for (uint32_t i = 0; i < group->piece_count; i++) {
        const struct gw_batch_piece *piece = &group->pieces[i];
        uint32_t begin = larger(membership->sent_bytes, piece->begin);
        uint32_t end = end_of(group, i);
        if (begin < end) {
            gw__session_push_part(membership->session, piece->buf, begin - piece->begin,
                                  end - piece->begin);
        }
    }
    membership->sent_bytes = group->batch_bytes;
}

void gw__batch_drop(struct gw_group *group)
{
    while (group->piece_count > 0) {
        gw_buf_unref(last_of(group)->buf);
        group->piece_count--;
    }
    group->batch_bytes_before = group->batch_bytes;
    group->batch_bytes = 0;
}
