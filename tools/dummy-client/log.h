/* tools/dummy-client/log.h: what the house has to tell, on stderr. */
#ifndef GW_DUMMY_LOG_H
#define GW_DUMMY_LOG_H

#include "net/log.h"
#include <stdatomic.h>

/* What is more than detail, a few lines: with thousands of clients the same one comes often. */
struct dummy_log {
    atomic_uint count;
};

/* A log that prints to stderr. Owns: borrows `log`, zeroed, as long as it is used. */
struct gw_log dummy_log_open(struct dummy_log *log);

#endif
