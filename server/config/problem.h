/* server/config/problem.h: why something cannot be done, and what to do about it. */
#ifndef GW_SERVER_CONFIG_PROBLEM_H
#define GW_SERVER_CONFIG_PROBLEM_H

#include <stdbool.h>

enum { SERVER_PROBLEM_BYTES = 512 };

/* One line, for who started the server. */
struct server_problem {
    char text[SERVER_PROBLEM_BYTES];
};

/* Puts a problem into words, as printf() does. Returns false, so that it ends a function too. */
bool server_problem_say(struct server_problem *problem, const char *format, ...);

#endif
