/* server/utc_posix.c: C11's clock. */
#include "server/utc.h"

struct timespec server_utc_now(void)
{
    struct timespec now = {0};
    (void)timespec_get(&now, TIME_UTC);
    return now;
}
