/* tools/bench/raw_uring.c: a server on io_uring without a library: multishot recv, and send(2). */
#define _GNU_SOURCE
#include "tools/bench/peer.h"
#include "tools/bench/room.h"
#include "tools/bench/serve.h"
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

/*
 * One multishot recv for each peer, into shared buffers that fit into the second-level cache;
 * send(2) is called at once, while the bytes are in the cache. An entry for each send was slower in
 * every measured cell.
 */
enum {
    ENTRY_COUNT = 4096,
    COMPLETION_COUNT = 32768,
    BUFFER_COUNT = 64,
    BUFFER_GROUP = 0,
    ROUND_COMPLETION_COUNT_MAX = 1024,
    NS_PER_MS = 1000000,
};

/* The operation of an entry: the low bits of its user data, beside the peer. */
enum { FOR_ACCEPT, FOR_RECV, FOR_ROOM, FOR_MASK = 7 };

static struct io_uring ring;
static struct io_uring_buf_ring *buffers;
static uint8_t *memory;

static struct io_uring_sqe *next_entry(void)
{
    struct io_uring_sqe *entry = io_uring_get_sqe(&ring);
    if (entry == NULL) {
        io_uring_submit(&ring);
        entry = io_uring_get_sqe(&ring);
    }
    if (entry == NULL) {
        serve_fail("io_uring_get_sqe");
    }
    return entry;
}

/* Preparing an entry may clear it, so its user data is set last. */
static void mark(struct io_uring_sqe *entry, struct peer *peer, unsigned what)
{
    io_uring_sqe_set_data64(entry, (uint64_t)(uintptr_t)peer | what);
}

static void accept_more(int listener)
{
    struct io_uring_sqe *entry = next_entry();
    io_uring_prep_multishot_accept(entry, listener, NULL, NULL, SOCK_NONBLOCK);
    mark(entry, NULL, FOR_ACCEPT);
}

static void recv_more(struct peer *peer)
{
    struct io_uring_sqe *entry = next_entry();
    io_uring_prep_recv_multishot(entry, peer->socket, NULL, 0, 0);
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = BUFFER_GROUP;
    mark(entry, peer, FOR_RECV);
}

static void await_room(struct peer *peer)
{
    struct io_uring_sqe *entry = next_entry();
    io_uring_prep_poll_add(entry, peer->socket, POLLOUT);
    mark(entry, peer, FOR_ROOM);
}

static uint8_t *buffer_at(unsigned index)
{
    return memory + (size_t)index * PEER_RECV_BYTES_MAX;
}

static void give_buffer(unsigned index)
{
    io_uring_buf_ring_add(buffers, buffer_at(index), PEER_RECV_BYTES_MAX, (uint16_t)index,
                          io_uring_buf_ring_mask(BUFFER_COUNT), 0);
    io_uring_buf_ring_advance(buffers, 1);
}

static void open_ring(void)
{
    struct io_uring_params params = {.flags = IORING_SETUP_SINGLE_ISSUER |
                                              IORING_SETUP_DEFER_TASKRUN |
                                              IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_CQSIZE,
                                     .cq_entries = COMPLETION_COUNT};
    int error = io_uring_queue_init_params(ENTRY_COUNT, &ring, &params);
    if (error == 0) {
        memory = aligned_alloc(4096, (size_t)BUFFER_COUNT * PEER_RECV_BYTES_MAX);
        buffers = aligned_alloc(4096, BUFFER_COUNT * sizeof(struct io_uring_buf));
        struct io_uring_buf_reg group = {.ring_addr = (uint64_t)(uintptr_t)buffers,
                                         .ring_entries = BUFFER_COUNT,
                                         .bgid = BUFFER_GROUP};
        io_uring_buf_ring_init(buffers);
        error = io_uring_register_buf_ring(&ring, &group, 0);
    }
    if (error != 0) {
        errno = -error;
        serve_fail("io_uring");
    }
    for (unsigned i = 0; i < BUFFER_COUNT; i++) {
        give_buffer(i);
    }
}

static void accepted(int listener, const struct io_uring_cqe *done)
{
    struct peer *peer = done->res < 0 ? NULL : peer_create(done->res);
    if (peer != NULL) {
        serve_prepare(done->res);
        recv_more(peer);
    }
    if ((done->flags & IORING_CQE_F_MORE) == 0) {
        accept_more(listener);
    }
}

/* Returns false when the peer is to be closed. */
static bool take(struct peer *peer, const struct io_uring_cqe *done)
{
    bool was_late = peer_is_late(peer);
    bool lives = done->res > 0 || done->res == -ENOBUFS;
    if ((done->flags & IORING_CQE_F_BUFFER) != 0) {
        unsigned index = done->flags >> IORING_CQE_BUFFER_SHIFT;
        lives = lives && peer_take(peer, buffer_at(index), (uint32_t)done->res);
        give_buffer(index);
    }
    if (lives && !was_late && peer_is_late(peer)) {
        await_room(peer);
    }
    return lives;
}

/* Shuts a peer down after an error; it is freed when its multishot recv has ended. */
static void received(struct peer *peer, const struct io_uring_cqe *done)
{
    bool more = (done->flags & IORING_CQE_F_MORE) != 0;
    if (take(peer, done)) {
        if (!more) {
            recv_more(peer);
        }
    } else if (more) {
        shutdown(peer->socket, SHUT_RDWR);
    } else if (!peer_is_late(peer)) {
        peer_destroy(peer);
    }
}

/* The socket is writable, or the peer is gone, which its recv reports, too. */
static void room_came(struct peer *peer)
{
    if (peer_send_late(peer) && peer_is_late(peer)) {
        await_room(peer);
    }
}

static void take_completion(int listener, const struct io_uring_cqe *done)
{
    struct peer *peer = (struct peer *)(uintptr_t)(done->user_data & ~(uint64_t)FOR_MASK);
    switch (done->user_data & FOR_MASK) {
    case FOR_ACCEPT:
        accepted(listener, done);
        break;
    case FOR_RECV:
        received(peer, done);
        break;
    default:
        room_came(peer);
    }
}

static void wait_for_one(void)
{
    struct io_uring_cqe *first;
    int left_ms = rooms_left_ms();
    struct __kernel_timespec left = {.tv_sec = left_ms / 1000,
                                     .tv_nsec = (long long)(left_ms % 1000) * NS_PER_MS};
    (void)io_uring_submit_and_wait_timeout(&ring, &first, 1, left_ms < 0 ? NULL : &left, NULL);
}

static unsigned take_shown(int listener)
{
    struct io_uring_cqe *done;
    unsigned head;
    unsigned count = 0;
    io_uring_for_each_cqe(&ring, head, done)
    {
        take_completion(listener, done);
        count++;
    }
    io_uring_cq_advance(&ring, count);
    return count;
}

/* The kernel completes about 20 recvs in a call. Enters again while there are more, so that rooms
 * are not flushed after each 20. */
static void serve_round(int listener)
{
    wait_for_one();
    unsigned count = take_shown(listener);
    unsigned more = count;
    while (more > 0 && count < ROUND_COMPLETION_COUNT_MAX &&
           (IO_URING_READ_ONCE(*ring.sq.kflags) & IORING_SQ_TASKRUN) != 0) {
        (void)io_uring_get_events(&ring);
        more = take_shown(listener);
        count += more;
    }
    if (rooms_are_due()) {
        rooms_flush(await_room);
    }
}

int main(int argc, char **argv)
{
    struct serve_options options = serve_options(argc, argv);
    int listener = serve_listen();
    open_ring();
    accept_more(listener);
    rooms_tick(options.room_tick_ms);
    serve_ready(serve_port_of(listener));
    for (;;) {
        serve_round(listener);
    }
}
