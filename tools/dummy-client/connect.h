/* tools/dummy-client/connect.h: the byte filters of the clients' connections. */
#ifndef GW_DUMMY_CONNECT_H
#define GW_DUMMY_CONNECT_H

#include "tools/common/problem.h"
#include <stdbool.h>

struct dummy_options;

/*
 * Creates the filters for the scheme of --connect, with the certificates of --tls-ca.
 *
 * Returns   whether they are there; if not, *problem_out has the reason.
 * Owns      gives references in options->filters; release them with dummy_connect_close().
 * Thread    setup: reads files.
 */
bool dummy_connect_open(struct dummy_options *options, struct problem *problem_out);
void dummy_connect_close(struct dummy_options *options);

#endif
