/* net/backend/uring_socket.c: what the io_uring backend knows of a socket. */
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

/* ---- what nobody asked for yet ---- */

static uint32_t block_bytes(int result)
{
    return (uint32_t)sizeof(struct gw_uring_buffered) + (result > 0 ? (uint32_t)result : 0);
}

/* Puts a new one at the end; NULL: no memory. There are few. */
static struct gw_uring_buffered *append(struct gw_uring_socket *record, int result)
{
    struct gw_uring_buffered **link = &record->held;
    struct gw_uring_buffered *held = gw__pool_take(block_bytes(result));
    if (held == NULL) {
        return NULL;
    }
    while (*link != NULL) {
        link = &(*link)->next;
    }
    held->next = NULL;
    held->result = result;
    held->accepted = OS_SOCKET_NONE;
    *link = held;
    return held;
}

void gw__uring_buffer_bytes(struct gw_uring_socket *record, int result, const uint8_t *bytes)
{
    /* What comes after a gap is not what the peer has sent. */
    struct gw_uring_buffered *held = record->has_lost ? NULL : append(record, result);
    if (held == NULL) {
        record->has_lost = true;
    } else if (result > 0) {
        memcpy(held->bytes, bytes, (size_t)result);
    }
}

void gw__uring_buffer_accepted(struct gw_uring_socket *record, os_socket accepted)
{
    struct gw_uring_buffered *held = append(record, GW_OK);
    if (held == NULL) {
        os_socket_close(accepted);
    } else {
        held->accepted = accepted;
    }
}

struct gw_uring_buffered *gw__uring_buffered_take(struct gw_uring_socket *record)
{
    struct gw_uring_buffered *held = record->held;
    if (held != NULL) {
        record->held = held->next;
    }
    return held;
}

void gw__uring_buffered_free(struct gw_uring_buffered *held)
{
    if (held != NULL) {
        gw__pool_give(held, block_bytes(held->result));
    }
}

void gw__uring_buffered_drop(struct gw_uring_socket *record)
{
    struct gw_uring_buffered *held;
    while ((held = gw__uring_buffered_take(record)) != NULL) {
        if (held->accepted != OS_SOCKET_NONE) {
            os_socket_close(held->accepted);
        }
        gw__uring_buffered_free(held);
    }
}
