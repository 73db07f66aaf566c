/* server/option_text.c: the values of options, as people write and read them. */
#include "server/options.h"

#include <inttypes.h>
#include <string.h>

/* Adds to a text that has room for it by its size, and is cut otherwise. */
static void add(char text[SERVER_OPTION_TEXT_BYTES], const char *more)
{
    size_t used = strlen(text);
    snprintf(text + used, SERVER_OPTION_TEXT_BYTES - used, "%s", more);
}

static void add_listen(const struct server_config *config, char text[SERVER_OPTION_TEXT_BYTES])
{
    char address[GW_ADDR_TEXT_BYTES];
    for (uint32_t i = 0; i < config->listen_count; i++) {
        add(text, i == 0 ? "" : ", ");
        add(text, gw_addr_format(&config->listen[i], address));
    }
}

const char *server_option_text(const struct server_option *option,
                               const struct server_config *config,
                               char text[SERVER_OPTION_TEXT_BYTES])
{
    const void *member = (const char *)config + option->offset;
    text[0] = '\0';
    switch (option->kind) {
    case SERVER_OPTION_NUMBER:
        snprintf(text, SERVER_OPTION_TEXT_BYTES, "%" PRIu32, *(const uint32_t *)member);
        break;
    case SERVER_OPTION_SWITCH:
        add(text, *(const bool *)member ? "yes" : "no");
        break;
    case SERVER_OPTION_CHOICE:
        add(text, option->name_of(*(const uint32_t *)member));
        break;
    case SERVER_OPTION_LISTEN:
        add_listen(config, text);
        break;
    }
    return text;
}

static void add_names(const struct server_option *option, char text[SERVER_OPTION_TEXT_BYTES])
{
    for (uint32_t value = option->min; value <= option->max; value++) {
        const char *gap = value == option->max ? " or " : ", ";
        add(text, value == option->min ? "" : gap);
        add(text, option->name_of(value));
    }
}

const char *server_option_range(const struct server_option *option,
                                char text[SERVER_OPTION_TEXT_BYTES])
{
    text[0] = '\0';
    switch (option->kind) {
    case SERVER_OPTION_NUMBER:
        snprintf(text, SERVER_OPTION_TEXT_BYTES, "%" PRIu32 " to %" PRIu32, option->min,
                 option->max);
        break;
    case SERVER_OPTION_SWITCH:
        add(text, "yes or no");
        break;
    case SERVER_OPTION_CHOICE:
        add_names(option, text);
        break;
    case SERVER_OPTION_LISTEN:
        add(text, "an address such as 0.0.0.0:7777, [::1]:7777 or *:7777");
        break;
    }
    return text;
}
