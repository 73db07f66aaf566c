/* tools/common/command_line.h: Parser of command lines: --name, --name=value, --name value. */
#ifndef GW_TOOLS_COMMON_COMMAND_LINE_H
#define GW_TOOLS_COMMON_COMMAND_LINE_H

#include "tools/common/problem.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The arguments of a program, and the index of the next one to read: 1 at the start. */
struct command_line {
    int count;
    char *const *arguments;
    int next;
};

struct command_line_option {
    const char *name; /* without --, of name_bytes bytes */
    size_t name_bytes;
    const char *value; /* behind the =; NULL: there is none */
};

/*
 * Reads the next argument, which exists. -h is --help.
 *
 * Returns   whether it is an option; if not, *problem_out has the reason, as for all functions
 * below.
 */
bool command_line_next(struct command_line *line, struct command_line_option *option_out,
                       struct problem *problem_out);

/* Returns whether the option has that name, in which - and _ are equal. */
bool command_line_is_named(const struct command_line_option *option, const char *name);

/* Takes the next argument as the value of an option without =. Returns whether the option has a
 * value. */
bool command_line_take_value(struct command_line *line, struct command_line_option *option,
                             const char *placeholder, struct problem *problem_out);

/* Returns whether the option has no value. */
bool command_line_refuse_value(const struct command_line_option *option,
                               struct problem *problem_out);

/* Reports that the program has no such option. Returns false. */
bool command_line_unknown(const struct command_line_option *option, struct problem *problem_out);

/* Reads all of `text` as a decimal number. Returns false, with errno ERANGE above UINT64_MAX. */
bool command_line_number(const char *text, uint64_t *number_out);

#endif
