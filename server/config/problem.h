/* server/config/problem.h: An error message for the operator: the reason, and the remedy. */
#ifndef GW_SERVER_CONFIG_PROBLEM_H
#define GW_SERVER_CONFIG_PROBLEM_H

#include <stdbool.h>

enum { SERVER_PROBLEM_BYTES = 512 };

/* One line, without a newline. */
struct server_problem {
    char text[SERVER_PROBLEM_BYTES];
};

/* Formats the message as printf() does. Returns false, for use in a return statement. In
 * command_line.c. */
bool server_problem_set(struct server_problem *problem, const char *format, ...);

#endif
