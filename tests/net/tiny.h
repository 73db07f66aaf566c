/* tests/net/tiny.h: The smallest kernel queues, to show that full ones lose nothing. */
#ifndef GW_TESTS_NET_TINY_H
#define GW_TESTS_NET_TINY_H

/* Makes the queues of ports that are opened later tiny, for backends whose queues have a size. */
void tiny_queues(void);

#endif
