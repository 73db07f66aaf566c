/* tests/net/tiny_none.c: For systems whose queues have no size. */
#include "tests/net/tiny.h"

void tiny_queues(void)
{
}
