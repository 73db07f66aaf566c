/* tests/net/tiny_uring.c: io_uring with rings of 8 entries. */
#include "tests/net/tiny.h"

#include "net/backend/uring_sizes.h"

void tiny_queues(void)
{
    gw__uring_sizes = (struct gw_uring_sizes){
        .request_count = 8,
        .completion_count = 8,
        .buffer_count = 4,
    };
}
