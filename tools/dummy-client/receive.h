/* tools/dummy-client/receive.h: the handlers of received packets. */
#ifndef GW_DUMMY_RECEIVE_H
#define GW_DUMMY_RECEIVE_H

struct gw_packet_table;

/*
 * The packet table of the client side, with the handlers in receive.c. A function, so that a linker
 * that reads libraries once, in order, takes receive.c together with the table.
 */
const struct gw_packet_table *dummy_receive_packets(void);

#endif
