/* tests/consumer/counter/net/port.h: a header that happens to be called as one of Gangway's. */
#ifndef COUNTER_NET_PORT_H
#define COUNTER_NET_PORT_H

/* Where the counter listens. */
const char *os_now_ns(void);

#endif
