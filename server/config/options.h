/* server/config/options.h: the one table of all options. */
#ifndef GW_SERVER_CONFIG_OPTIONS_H
#define GW_SERVER_CONFIG_OPTIONS_H

#include "server/config/config.h"
#include <stddef.h>

enum server_option_kind {
    SERVER_OPTION_NUMBER, /* uint32_t, from min to max */
    SERVER_OPTION_SWITCH, /* bool: yes or no */
    SERVER_OPTION_CHOICE, /* uint32_t: one of the names that name_of() gives for min to max */
    SERVER_OPTION_LISTEN, /* addresses, added to those that were given before */
};

struct server_option {
    const char *name; /* as in the INI file; on the command line with - for _ */
    enum server_option_kind kind;
    const char *value; /* what stands for its value in --help */
    const char *initial;
    uint32_t min;
    uint32_t max;
    const char *(*name_of)(uint32_t value);
    size_t offset; /* in struct server_config */
    const char *help;
};

extern const struct server_option server_options[];
extern const size_t server_option_count;

/* Finds an option by `name_bytes` bytes of its name; - and _ are the same. NULL: there is none. */
const struct server_option *server_option_find(const char *name, size_t name_bytes);

/*
 * Sets the option to what `text` says. Of LISTEN, `is_first` empties the list before.
 *
 * Returns   whether it can be understood and is in range; otherwise *problem_out says why.
 */
bool server_option_set(const struct server_option *option, const char *text, bool is_first,
                       struct server_config *config, struct server_problem *problem_out);

enum { SERVER_OPTION_TEXT_BYTES = 1024 };

/* Writes its value as server_option_set() reads it. Returns `text`. */
const char *server_option_text(const struct server_option *option,
                               const struct server_config *config,
                               char text[SERVER_OPTION_TEXT_BYTES]);

/* Writes what its value may be: "0 to 64", "auto, iocp, uring or epoll". Returns `text`. */
const char *server_option_range(const struct server_option *option,
                                char text[SERVER_OPTION_TEXT_BYTES]);

#endif
