/* server/problem.c: why something cannot be done, and what to do about it. */
#include "server/problem.h"

#include <stdarg.h>
#include <stdio.h>

bool server_problem_say(struct server_problem *problem, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(problem->text, sizeof problem->text, format, arguments);
    va_end(arguments);
    return false;
}
