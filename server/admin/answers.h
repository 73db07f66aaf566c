/* server/admin/answers.h: What the HTTP interface shows: metrics and state. */
#ifndef GW_SERVER_ADMIN_ANSWERS_H
#define GW_SERVER_ADMIN_ANSWERS_H

#include "server/admin/text.h"
#include <stdbool.h>

struct server;
struct server_config;

/*
 * Writes every counter. With `openmetrics` in OpenMetrics 1.0, otherwise in version 0.0.4 of
 * Prometheus' text format, which has other names of counters in its TYPE lines and no EOF.
 *
 * Thread    any
 */
void admin_write_metrics(struct admin_text *text, struct server *server, bool openmetrics);

/* Writes the program, its configuration, listeners and counters as one JSON object. Thread: any. */
void admin_write_state(struct admin_text *text, struct server *server,
                       const struct server_config *config);

/* Writes the URL of the first listener that speaks WebSocket. Returns whether there is one. */
bool admin_write_web_socket(struct admin_text *text, const struct server *server);

#endif
