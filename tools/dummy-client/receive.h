/* tools/dummy-client/receive.h: what a client hears. */
#ifndef GW_DUMMY_RECEIVE_H
#define GW_DUMMY_RECEIVE_H

struct gw_packet_table;

/*
 * The packets of the server, each with its handler. Whoever asks for the table here links the
 * handlers with it; named directly, a linker could look for them where it has been already.
 */
const struct gw_packet_table *dummy_receive_packets(void);

#endif
