/* tools/common/problem.h: An error message of a program: the reason, and the remedy. */
#ifndef GW_TOOLS_COMMON_PROBLEM_H
#define GW_TOOLS_COMMON_PROBLEM_H

#include <stdbool.h>

enum { PROBLEM_BYTES = 1024 };

/* One line, without a newline. */
struct problem {
    char text[PROBLEM_BYTES];
};

/* Formats the message as printf() does. Returns false, for use in a return statement. */
bool problem_set(struct problem *problem, const char *format, ...);

#endif
