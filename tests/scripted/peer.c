/* tests/scripted/peer.c: The test's end of a simulated connection. */
#include "tests/scripted/peer.h"

#include "tests/scripted/kernel_inside.h"

enum { BACKLOG_COUNT_MAX = 1024 };

/* A peer is an end without a handle; a listening peer is an end without a socket. */
static struct kernel_end *end_of(const struct peer *peer)
{
    return (struct kernel_end *)(uintptr_t)peer;
}

static struct peer *peer_of(struct kernel_end *end)
{
    return (struct peer *)end;
}

struct gw_addr peer_addr(uint16_t port)
{
    return (struct gw_addr){.ip = {[10] = 0xFF, [11] = 0xFF, [12] = 127, [15] = 1}, .port = port};
}

struct peer *peer_connect_from(const struct gw_addr *source, uint16_t port)
{
    struct gw_addr addr = peer_addr(port);
    struct kernel_end *listener = kernel_listener_at(&addr);
    if (listener == NULL || listener->waiting_count == listener->waiting_count_max) {
        return NULL;
    }
    struct kernel_end *end = kernel_end_create();
    struct kernel_end *other = kernel_end_create();
    end->here = *source;
    end->here.port = (uint16_t)(50000 + kernel.next_port++ % 10000);
    end->there = addr;
    end->window_bytes = KERNEL_WINDOW_BYTES;
    kernel_end_pair(end, other);
    end->peer_next = kernel.peers;
    kernel.peers = end;
    (void)kernel_backlog_push(listener, other);
    return peer_of(end);
}

struct peer *peer_connect(uint16_t port)
{
    const struct gw_addr source = peer_addr(0);
    return peer_connect_from(&source, port);
}

struct peer *peer_listen(uint16_t port)
{
    struct kernel_end *end = kernel_end_create();
    (void)kernel_end_name(end);
    end->is_listening = true;
    end->here = peer_addr(port);
    end->waiting_count_max = BACKLOG_COUNT_MAX;
    return peer_of(end);
}

struct peer *peer_accept(struct peer *listener)
{
    struct kernel_end *end = end_of(listener);
    return end->waiting_first == NULL ? NULL : peer_of(kernel_backlog_pop(end));
}

void peer_close(struct peer *peer)
{
    for (struct kernel_end **at = &kernel.peers; *at != NULL; at = &(*at)->peer_next) {
        if (*at == end_of(peer)) {
            *at = (*at)->peer_next;
            break;
        }
    }
    kernel_end_close(end_of(peer));
}

void peer_close_all(void)
{
    while (kernel.peers != NULL) {
        peer_close(peer_of(kernel.peers));
    }
}

void peer_send(struct peer *peer, const void *data, size_t count)
{
    struct kernel_end *end = end_of(peer);
    if (end->other != NULL) {
        bytes_put(&end->other->in, data, count);
    }
}

void peer_finish(struct peer *peer)
{
    kernel_end_finish(end_of(peer));
}

void peer_reset(struct peer *peer)
{
    kernel_end_reset(end_of(peer));
}

void peer_set_window(struct peer *peer, size_t bytes)
{
    end_of(peer)->window_bytes = bytes;
}

size_t peer_unread_count(const struct peer *peer)
{
    return bytes_count(&end_of(peer)->in);
}

const uint8_t *peer_data(const struct peer *peer)
{
    return bytes_data(&end_of(peer)->in);
}

size_t peer_read(struct peer *peer, void *data, size_t count)
{
    struct bytes *in = &end_of(peer)->in;
    count = count < bytes_count(in) ? count : bytes_count(in);
    bytes_take(in, data, count);
    return count;
}

bool peer_has_fin(const struct peer *peer)
{
    const struct kernel_end *end = end_of(peer);
    return end->is_finished && bytes_count(&end->in) == 0;
}

bool peer_has_reset(const struct peer *peer)
{
    return end_of(peer)->is_reset;
}

bool peer_is_connected(const struct peer *peer)
{
    return end_of(peer)->other != NULL;
}
