/* server/log/out_posix.c: Output of the log by write(2), which reports partial writes. */
#define _POSIX_C_SOURCE 200809L
#include "server/log/out.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct server_log_out {
    int descriptor;
    pthread_mutex_t mutex;
    int error;         /* guarded by the mutex, as all below */
    size_t rest_bytes; /* of a line that was written in part */
    char rest[SERVER_LOG_OUT_BYTES_MAX];
};

struct server_log_out *server_log_out_create(FILE *file)
{
    struct server_log_out *out = calloc(1, sizeof *out);
    if (out != NULL) {
        out->descriptor = fileno(file);
        pthread_mutex_init(&out->mutex, NULL);
    }
    return out;
}

void server_log_out_destroy(struct server_log_out *out)
{
    if (out != NULL) {
        pthread_mutex_destroy(&out->mutex);
        free(out);
    }
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits until a non-blocking descriptor is writable, at most until `until_ms`. Returns whether it
 * is. */
static bool wait_for_room(int descriptor, int64_t until_ms)
{
    struct pollfd poll_fd = {.fd = descriptor, .events = POLLOUT};
    int64_t left_ms = until_ms - now_ms();
    return left_ms > 0 && poll(&poll_fd, 1, (int)left_ms) > 0 && (poll_fd.revents & POLLOUT) != 0;
}

/* Returns the number of bytes written. */
static size_t write_bytes(struct server_log_out *out, const char *bytes, size_t count,
                          int64_t until_ms)
{
    size_t done = 0;
    while (done < count) {
        ssize_t written = write(out->descriptor, bytes + done, count - done);
        if (written > 0) {
            done += (size_t)written;
            continue;
        }
        int error = written == 0 ? ENOSPC : errno;
        if (error == EINTR || ((error == EAGAIN || error == EWOULDBLOCK) &&
                               wait_for_room(out->descriptor, until_ms))) {
            continue;
        }
        out->error = error;
        break;
    }
    return done;
}

static bool write_locked(struct server_log_out *out, const char *line, size_t bytes,
                         int64_t until_ms)
{
    if (out->rest_bytes > 0) {
        size_t done = write_bytes(out, out->rest, out->rest_bytes, until_ms);
        out->rest_bytes -= done;
        memmove(out->rest, out->rest + done, out->rest_bytes);
    }
    if (out->rest_bytes > 0) {
        return false;
    }
    size_t done = write_bytes(out, line, bytes, until_ms);
    if (done > 0 && done < bytes) {
        out->rest_bytes = bytes - done < sizeof out->rest ? bytes - done : sizeof out->rest;
        memcpy(out->rest, line + done, out->rest_bytes);
    }
    return done > 0 || bytes == 0;
}

bool server_log_out_write(struct server_log_out *out, const char *line, size_t bytes,
                          uint32_t wait_ms)
{
    int64_t until_ms = wait_ms == 0 ? 0 : now_ms() + wait_ms;
    pthread_mutex_lock(&out->mutex);
    bool is_written = write_locked(out, line, bytes, until_ms);
    pthread_mutex_unlock(&out->mutex);
    return is_written;
}

int server_log_out_error(struct server_log_out *out, bool *is_cut_out)
{
    pthread_mutex_lock(&out->mutex);
    int error = out->error;
    *is_cut_out = out->rest_bytes > 0;
    pthread_mutex_unlock(&out->mutex);
    return error;
}

struct timespec server_log_utc_now(void)
{
    struct timespec now = {0};
    (void)timespec_get(&now, TIME_UTC);
    return now;
}
