/* tests/consumer/counter/net/port.h: A header with the path of one of Gangway's. */
#ifndef COUNTER_NET_PORT_H
#define COUNTER_NET_PORT_H

/* Where the counter listens. */
const char *os_now_ns(void);

#endif
