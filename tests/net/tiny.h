/* tests/net/tiny.h: kernel queues as small as they get, to see that full ones lose nothing. */
#ifndef GW_TESTS_NET_TINY_H
#define GW_TESTS_NET_TINY_H

/* Makes the queues of ports that are opened from now on tiny, where a backend has any to make so. */
void tiny_queues(void);

#endif
