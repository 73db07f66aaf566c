/* server/log/out_win32.c: Output of the log by the C library; its files block on Windows. */
#include "server/log/out.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <windows.h>

enum { BUFFER_BYTES = 64 * 1024 };

struct server_log_out {
    FILE *file;
    atomic_int error;
};

struct server_log_out *server_log_out_create(FILE *file)
{
    struct server_log_out *out = calloc(1, sizeof *out);
    if (out != NULL) {
        out->file = file;
        /* The buffer collects a line, and fflush() writes it: one write for each line. */
        setvbuf(file, NULL, _IOFBF, BUFFER_BYTES);
    }
    return out;
}

void server_log_out_destroy(struct server_log_out *out)
{
    free(out);
}

bool server_log_out_write(struct server_log_out *out, const char *line, size_t bytes,
                          uint32_t wait_ms)
{
    (void)wait_ms;
    bool is_written = fwrite(line, 1, bytes, out->file) == bytes;
    is_written = fflush(out->file) == 0 && is_written;
    if (!is_written) {
        atomic_store(&out->error, errno);
        clearerr(out->file);
    }
    return is_written;
}

int server_log_out_error(struct server_log_out *out, bool *is_cut_out)
{
    *is_cut_out = false;
    return atomic_load(&out->error);
}

/* A FILETIME counts steps of 100 ns since 1601. */
static const uint64_t steps_per_second = 10000000;
static const uint64_t seconds_until_1970 = UINT64_C(11644473600);

/* msvcrt, the older C library of Windows, has no timespec_get(). */
struct timespec server_log_utc_now(void)
{
    FILETIME file_time;
    GetSystemTimePreciseAsFileTime(&file_time);
    uint64_t steps = (uint64_t)file_time.dwHighDateTime << 32 | file_time.dwLowDateTime;
    return (struct timespec){
        .tv_sec = (time_t)(steps / steps_per_second - seconds_until_1970),
        .tv_nsec = (long)(steps % steps_per_second * 100),
    };
}
