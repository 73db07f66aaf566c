/* tools/dummy-client/connect.h: the address and the byte filters of the clients' connections. */
#ifndef GW_DUMMY_CONNECT_H
#define GW_DUMMY_CONNECT_H

#include "tools/common/problem.h"
#include <stdbool.h>

struct dummy_options;

/*
 * Looks up the host name of --connect, if it is one, and creates the filters for its scheme, with
 * the certificates of --tls-ca. Of several addresses it takes the first one that accepts a
 * connection.
 *
 * Returns   whether they are there; if not, *problem_out has the reason.
 * Owns      gives references in options->filters; release them with dummy_connect_close().
 * Thread    setup: reads files, and waits for name servers.
 */
bool dummy_connect_open(struct dummy_options *options, struct problem *problem_out);
void dummy_connect_close(struct dummy_options *options);

#endif
