/* server/utc.h: the time of day, for the log. */
#ifndef GW_SERVER_UTC_H
#define GW_SERVER_UTC_H

#include <time.h>

/* Seconds and nanoseconds since 1970; all zero when the system does not know. Thread: any. */
struct timespec server_utc_now(void);

#endif
