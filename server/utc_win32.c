/* server/utc_win32.c: the older of Windows' C libraries has no timespec_get(). */
#include "server/utc.h"

#include <stdint.h>
#include <windows.h>

/* A file's time counts from 1601, in steps of 100 ns. */
static const uint64_t steps_per_second = 10000000;
static const uint64_t seconds_until_1970 = UINT64_C(11644473600);

struct timespec server_utc_now(void)
{
    FILETIME file_time;
    GetSystemTimePreciseAsFileTime(&file_time);
    uint64_t steps = (uint64_t)file_time.dwHighDateTime << 32 | file_time.dwLowDateTime;
    return (struct timespec){
        .tv_sec = (time_t)(steps / steps_per_second - seconds_until_1970),
        .tv_nsec = (long)(steps % steps_per_second * 100),
    };
}
