/* net/backend/uring_ring.c: The ring of an io_uring lane: opening, entering, reasons for a refusal.
 */
#define _GNU_SOURCE /* <liburing.h> */
#include "net/backend/uring_lane.h"

#include "net/backend/uring_sizes.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct gw_uring_sizes gw__uring_sizes = {
    .request_count = 256,
    .completion_count = 4096,
    .buffer_count = 64,
};

/* ---- opening ---- */

/*
 * Only the lane's worker submits (SINGLE_ISSUER), and the kernel does the ring's pending work only
 * inside the worker's calls (DEFER_TASKRUN). Another thread opens the ring, so it starts disabled:
 * the thread that enables it becomes its submitter. Returns 0 or a negative errno.
 */
static int open_ring(struct io_uring *ring, uint32_t request_count, uint32_t completion_count)
{
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                 IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_R_DISABLED | IORING_SETUP_SUBMIT_ALL |
                 IORING_SETUP_CQSIZE,
        .cq_entries = completion_count,
    };
    return io_uring_queue_init_params(request_count, ring, &params);
}

int gw__uring_lane_open(struct gw_uring_lane *lane)
{
    const struct gw_uring_sizes *sizes = &gw__uring_sizes;
    int error = open_ring(&lane->ring, sizes->request_count, sizes->completion_count);
    if (error != 0) {
        return error;
    }
    error = gw__uring_buffers_open(&lane->buffers, &lane->ring, sizes->buffer_count);
    lane->wake = error == 0 ? eventfd(0, EFD_CLOEXEC) : -1; /* blocking: only the kernel reads it */
    if (error == 0 && lane->wake < 0) {
        error = -errno;
    }
    if (error != 0) {
        io_uring_queue_exit(&lane->ring);
        gw__uring_buffers_close(&lane->buffers);
    }
    return error;
}

void gw__uring_lane_close(struct gw_uring_lane *lane)
{
    io_uring_queue_exit(&lane->ring);
    close(lane->wake);
    gw__uring_buffers_close(&lane->buffers);
}

/* EPERM has two causes, with different remedies. */
static const char *permission_refusal(void)
{
    char value = '0';
    int file = open("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC); /* since 6.6 */
    if (file >= 0) {
        if (read(file, &value, 1) != 1) {
            value = '0';
        }
        close(file);
    }
    return value != '0'
               ? "io_uring refused by this kernel: EPERM (sysctl kernel.io_uring_disabled "
                 "is not 0; with 1 the group of kernel.io_uring_group may use it)"
               : "io_uring refused by this kernel: EPERM (a seccomp filter, of a container "
                 "or a service; allow io_uring_setup, io_uring_enter, io_uring_register)";
}

const char *gw__uring_refusal(int error)
{
    switch (-error) {
    case EPERM:
    case EACCES:
        return permission_refusal();
    case ENOSYS:
        return "io_uring refused by this kernel: ENOSYS (built without CONFIG_IO_URING, or a "
               "seccomp filter answers for it)";
    case ENOMEM:
        return "io_uring refused by this kernel: ENOMEM (locked memory; allow 96 KiB for each "
               "worker: ulimit -l, LimitMEMLOCK=, --ulimit memlock=)";
    case EINVAL:
        return "io_uring of this kernel is older than 6.1: EINVAL";
    case EMFILE:
        return "no descriptor for io_uring: EMFILE (two for each worker: ulimit -n)";
    case ENFILE:
        return "no descriptor for io_uring: ENFILE (of the whole machine: sysctl fs.file-max)";
    default:
        return "io_uring refused by this kernel";
    }
}

/* ---- entering the kernel ---- */

bool gw__uring_enable(struct gw_uring_lane *lane)
{
    if (!lane->is_enabled) {
        /* liburing 2.3 declares io_uring_enable_rings(), and does not export it. */
        lane->is_enabled =
            io_uring_register(lane->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) == 0;
    }
    return lane->is_enabled;
}

bool gw__uring_has_more(const struct gw_uring_lane *lane)
{
    return (IO_URING_READ_ONCE(*lane->ring.sq.kflags) & IORING_SQ_TASKRUN) != 0;
}

/* From <linux/io_uring.h> of 6.15; liburing 2.3 has neither. */
enum { FEAT_NO_IOWAIT = 1 << 17, ENTER_NO_IOWAIT = 1 << 7 };

/* Publishes the prepared requests to the kernel, as liburing's submits do. Returns their count. */
static unsigned publish_requests(struct io_uring_sq *sq)
{
    unsigned tail = *sq->ktail;
    for (; sq->sqe_head != sq->sqe_tail; sq->sqe_head++, tail++) {
        sq->array[tail & sq->ring_mask] = sq->sqe_head & sq->ring_mask;
    }
    IO_URING_WRITE_ONCE(*sq->ktail, tail); /* the kernel reads it in the call of this thread */
    return tail - IO_URING_READ_ONCE(*sq->khead);
}

/*
 * The kernel counts a thread that sleeps in a ring with requests as waiting for a disk: an idle
 * server would show as 100 % of iowait. Kernels from 6.15 on do not, when the caller asks for it.
 */
static int sleep_in_ring(struct io_uring *ring, struct __kernel_timespec *left)
{
    struct io_uring_cqe *first;
    if ((ring->features & FEAT_NO_IOWAIT) == 0) {
        return io_uring_submit_and_wait_timeout(ring, &first, 1, left, NULL);
    }
    struct io_uring_getevents_arg argument = {.ts = (uintptr_t)left};
    unsigned flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG | ENTER_NO_IOWAIT;
    return io_uring_enter2((unsigned)ring->ring_fd, publish_requests(&ring->sq), 1, flags,
                           (sigset_t *)(void *)&argument, sizeof(argument));
}

int gw__uring_enter(struct gw_uring_lane *lane, uint64_t left_ns)
{
    enum { NS_PER_S = 1000000000 };
    struct __kernel_timespec left = {.tv_sec = (int64_t)(left_ns / NS_PER_S),
                                     .tv_nsec = (long long)(left_ns % NS_PER_S)};
    int result = left_ns == 0 ? io_uring_submit_and_get_events(&lane->ring)
                              : sleep_in_ring(&lane->ring, &left);
    return result < 0 ? result : 0;
}
