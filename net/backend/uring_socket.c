/* net/backend/uring_socket.c: What the io_uring backend stores for a socket. */
#include "net/backend/uring_socket.h"

#include "net/error.h"
#include "net/pool.h"
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SOCKET_COUNT = 127 }; /* about a page */

struct gw_uring_block {
    struct gw_uring_block *next;
    struct gw_uring_socket records[BLOCK_SOCKET_COUNT];
};

/* ---- records ---- */

static void add_block(struct gw_uring_sockets *sockets)
{
    struct gw_uring_block *block = malloc(sizeof(*block));
    if (block == NULL) {
        return;
    }
    block->next = sockets->blocks;
    sockets->blocks = block;
    for (int i = 0; i < BLOCK_SOCKET_COUNT; i++) {
        gw__uring_socket_give(sockets, &block->records[i]);
    }
}

struct gw_uring_socket *gw__uring_socket_take(struct gw_uring_sockets *sockets)
{
    if (sockets->free == NULL) {
        add_block(sockets);
    }
    struct gw_uring_socket *record = sockets->free;
    if (record != NULL) {
        sockets->free = record->next;
        *record = (struct gw_uring_socket){.socket = NULL};
    }
    return record;
}

void gw__uring_socket_give(struct gw_uring_sockets *sockets, struct gw_uring_socket *record)
{
    record->next = sockets->free;
    sockets->free = record;
}

void gw__uring_sockets_free(struct gw_uring_sockets *sockets)
{
    while (sockets->blocks != NULL) {
        struct gw_uring_block *block = sockets->blocks;
        sockets->blocks = block->next;
        free(block);
    }
    sockets->free = NULL;
}

/* ---- results without an operation ---- */

static uint32_t block_bytes(int result)
{
    return (uint32_t)sizeof(struct gw_uring_buffered) + (result > 0 ? (uint32_t)result : 0);
}

/* Appends a new one; NULL: no memory. The list is short, so it is walked. */
static struct gw_uring_buffered *append(struct gw_uring_socket *record, int result)
{
    struct gw_uring_buffered **link = &record->buffered;
    struct gw_uring_buffered *buffered = gw__pool_take(block_bytes(result));
    if (buffered == NULL) {
        return NULL;
    }
    while (*link != NULL) {
        link = &(*link)->next;
    }
    buffered->next = NULL;
    buffered->result = result;
    buffered->accepted = OS_SOCKET_NONE;
    *link = buffered;
    return buffered;
}

void gw__uring_buffer_bytes(struct gw_uring_socket *record, int result, const uint8_t *bytes)
{
    /* After a lost result nothing is buffered: the bytes would have a gap. */
    struct gw_uring_buffered *buffered = record->has_lost ? NULL : append(record, result);
    if (buffered == NULL) {
        record->has_lost = true;
    } else if (result > 0) {
        memcpy(buffered->bytes, bytes, (size_t)result);
    }
}

void gw__uring_buffer_accepted(struct gw_uring_socket *record, os_socket accepted)
{
    struct gw_uring_buffered *buffered = append(record, GW_OK);
    if (buffered == NULL) {
        os_socket_close(accepted);
    } else {
        buffered->accepted = accepted;
    }
}

struct gw_uring_buffered *gw__uring_buffered_take(struct gw_uring_socket *record)
{
    struct gw_uring_buffered *buffered = record->buffered;
    if (buffered != NULL) {
        record->buffered = buffered->next;
    }
    return buffered;
}

void gw__uring_buffered_free(struct gw_uring_buffered *buffered)
{
    if (buffered != NULL) {
        gw__pool_give(buffered, block_bytes(buffered->result));
    }
}

void gw__uring_buffered_drop(struct gw_uring_socket *record)
{
    struct gw_uring_buffered *buffered;
    while ((buffered = gw__uring_buffered_take(record)) != NULL) {
        if (buffered->accepted != OS_SOCKET_NONE) {
            os_socket_close(buffered->accepted);
        }
        gw__uring_buffered_free(buffered);
    }
}
