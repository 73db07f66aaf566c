/* tools/dummy-client/option.h: one option of the command line, and the parsers of its value. */
#ifndef GW_DUMMY_OPTION_H
#define GW_DUMMY_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dummy_option {
    const char *name;
    const char *value;   /* the placeholder of its value in the help; NULL: it has none */
    const char *initial; /* its default, as on the command line; NULL: none, or off */
    const char *help;
    const char *wants; /* which values are valid; NULL: a number from min to max */
    void (*list)(char *text, size_t bytes); /* writes the rest of `wants`; or NULL */
    uint64_t min, max;
    size_t field; /* the offset of its field in the options */

    /* Parses `text` into the field. Returns whether it is valid. NULL: there is no field. */
    bool (*take)(const char *text, const struct dummy_option *option, void *field);
};

bool dummy_take_count(const char *text, const struct dummy_option *option, void *field);
bool dummy_take_millionths(const char *text, const struct dummy_option *option, void *field);
bool dummy_take_url(const char *text, const struct dummy_option *option, void *field);
bool dummy_take_source(const char *text, const struct dummy_option *option, void *field);
bool dummy_take_script(const char *text, const struct dummy_option *option, void *field);
bool dummy_take_backend(const char *text, const struct dummy_option *option, void *field);
bool dummy_take_packet(const char *text, const struct dummy_option *option, void *field);
bool dummy_take_text(const char *text, const struct dummy_option *option, void *field);
bool dummy_take_flag(const char *text, const struct dummy_option *option, void *field);

#endif
