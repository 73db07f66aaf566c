/* server/config/options.h: The table of options, and the conversion of their values. */
#ifndef GW_SERVER_CONFIG_OPTIONS_H
#define GW_SERVER_CONFIG_OPTIONS_H

#include "server/config/config.h"
#include <stddef.h>

struct command_line_option;

enum server_option_kind {
    SERVER_OPTION_NUMBER, /* uint32_t, from min to max */
    SERVER_OPTION_SWITCH, /* bool: yes or no */
    SERVER_OPTION_CHOICE, /* uint32_t: one of the names that name_of() gives for min to max */
    SERVER_OPTION_TEXT,   /* char[SERVER_TEXT_BYTES], at most `max` bytes; may be empty */
    SERVER_OPTION_LISTEN, /* addresses, added to those that were given before */
};

struct server_option {
    const char *name; /* as in the INI file; on the command line with - for _ */
    enum server_option_kind kind;
    const char *value;   /* the placeholder of the value in --help */
    const char *initial; /* the default, as text */
    uint32_t min;
    uint32_t max;
    const char *wants; /* TEXT: what it is, for --help and errors: "a file" */
    const char *(*name_of)(uint32_t value);
    size_t offset; /* in struct server_config */
    const char *help;
};

extern const struct server_option server_options[];
extern const size_t server_option_count;

/* Returns the option with that name; NULL if there is none. */
const struct server_option *server_option_find(const struct command_line_option *option);

/* Whether the file or the command line sets the option with this name of the table. */
bool server_option_is_given(const struct server_config *config, const char *name);

/*
 * Sets the option to the value of `text`. For LISTEN, `is_first` clears the list before.
 *
 * Returns   whether the text is valid and in range; if not, *problem_out has the reason.
 */
bool server_option_set(const struct server_option *option, const char *text, bool is_first,
                       struct server_config *config, struct problem *problem_out);

enum { SERVER_OPTION_TEXT_BYTES = 1024 };

/* Writes the value as server_option_set() reads it. Returns `text`. */
const char *server_option_text(const struct server_option *option,
                               const struct server_config *config,
                               char text[SERVER_OPTION_TEXT_BYTES]);

/* Writes the range of the value: "0 to 64", "auto, iocp, uring or epoll". Returns `text`. */
const char *server_option_range(const struct server_option *option,
                                char text[SERVER_OPTION_TEXT_BYTES]);

#endif
