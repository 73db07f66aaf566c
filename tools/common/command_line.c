/* tools/common/command_line.c: Parser of command lines: --name, --name=value, --name value. */
#include "tools/common/command_line.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_BYTES_MAX = 100 };

bool problem_set(struct problem *problem, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(problem->text, sizeof problem->text, format, arguments);
    va_end(arguments);
    return false;
}

static int shown_bytes(const struct command_line_option *option)
{
    return (int)(option->name_bytes < SHOWN_BYTES_MAX ? option->name_bytes : SHOWN_BYTES_MAX);
}

bool command_line_next(struct command_line *line, struct command_line_option *option_out,
                       struct problem *problem_out)
{
    const char *text = line->arguments[line->next++];
    if (strcmp(text, "-h") == 0) {
        text = "--help";
    }
    if (strncmp(text, "--", 2) != 0 || text[2] == '\0') {
        return problem_set(problem_out, "\"%.100s\" is not an option; see --help", text);
    }
    const char *name = text + 2;
    size_t name_bytes = strcspn(name, "=");
    const char *value = name[name_bytes] == '=' ? name + name_bytes + 1 : NULL;
    *option_out = (struct command_line_option){name, name_bytes, value};
    return true;
}

bool command_line_is_named(const struct command_line_option *option, const char *name)
{
    for (size_t i = 0; i < option->name_bytes; i++) {
        char letter = option->name[i] == '-' ? '_' : option->name[i];
        if (letter != (name[i] == '-' ? '_' : name[i])) {
            return false;
        }
    }
    return name[option->name_bytes] == '\0';
}

bool command_line_take_value(struct command_line *line, struct command_line_option *option,
                             const char *placeholder, struct problem *problem_out)
{
    if (option->value == NULL && line->next < line->count &&
        strncmp(line->arguments[line->next], "--", 2) != 0) {
        option->value = line->arguments[line->next++];
    }
    if (option->value == NULL) {
        int bytes = shown_bytes(option);
        return problem_set(problem_out, "--%.*s needs a value; give --%.*s %s", bytes, option->name,
                           bytes, option->name, placeholder);
    }
    return true;
}

bool command_line_refuse_value(const struct command_line_option *option,
                               struct problem *problem_out)
{
    return option->value == NULL || problem_set(problem_out, "--%.*s takes no value; remove it",
                                                shown_bytes(option), option->name);
}

bool command_line_unknown(const struct command_line_option *option, struct problem *problem_out)
{
    return problem_set(problem_out, "unknown option --%.*s; see --help", shown_bytes(option),
                       option->name);
}

bool command_line_number(const char *text, uint64_t *number_out)
{
    size_t digits = strspn(text, "0123456789");
    errno = 0;
    if (digits == 0 || text[digits] != '\0') {
        return false;
    }
    *number_out = strtoull(text, NULL, 10);
    return errno == 0;
}
