/* server/config/option_value.c: Conversion of option values from and to text. */
#include "server/config/options.h"

#include "tools/common/command_line.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- from text ---- */

static bool explain_range(const struct server_option *option, const char *text, const char *what,
                          struct problem *problem)
{
    char range[SERVER_OPTION_TEXT_BYTES];
    server_option_range(option, range);
    return problem_set(problem, "%s: \"%.60s\" is %s; give %.200s", option->name, text, what,
                       range);
}

static bool set_number(const struct server_option *option, const char *text, uint32_t *number,
                       struct problem *problem)
{
    uint64_t value;
    bool is_number = command_line_number(text, &value);
    if (!is_number && errno != ERANGE) {
        return explain_range(option, text, "not a number", problem);
    }
    if (!is_number || value < option->min || value > option->max) {
        return explain_range(option, text, "out of range", problem);
    }
    *number = (uint32_t)value;
    return true;
}

static bool set_switch(const struct server_option *option, const char *text, bool *is_on,
                       struct problem *problem)
{
    static const char *const words[][2] = {
        {"no", "yes"}, {"false", "true"}, {"off", "on"}, {"0", "1"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        for (int on = 0; on <= 1; on++) {
            if (strcmp(text, words[i][on]) == 0) {
                *is_on = on == 1;
                return true;
            }
        }
    }
    return explain_range(option, text, "neither", problem);
}

static bool set_choice(const struct server_option *option, const char *text, uint32_t *choice,
                       struct problem *problem)
{
    for (uint32_t value = option->min; value <= option->max; value++) {
        if (strcmp(text, option->name_of(value)) == 0) {
            *choice = value;
            return true;
        }
    }
    return explain_range(option, text, "none of them", problem);
}

static bool set_text(const struct server_option *option, const char *text, char *member,
                     struct problem *problem)
{
    if (strlen(text) > option->max) {
        return problem_set(problem, "%s: longer than %u bytes; give %s", option->name,
                           (unsigned)option->max, option->wants);
    }
    memcpy(member, text, strlen(text) + 1);
    return true;
}

/* Copies an item of a list without blanks around it. Returns false when it is too long. */
static bool copy_item(const char *text, size_t bytes, char out[URL_TEXT_BYTES])
{
    while (bytes > 0 && (*text == ' ' || *text == '\t')) {
        text++;
        bytes--;
    }
    while (bytes > 0 && (text[bytes - 1] == ' ' || text[bytes - 1] == '\t')) {
        bytes--;
    }
    snprintf(out, URL_TEXT_BYTES, "%.*s", (int)(bytes < URL_TEXT_BYTES ? bytes : 0), text);
    return bytes < URL_TEXT_BYTES;
}

static bool add_address(const struct server_option *option, const char *text, size_t bytes,
                        struct server_config *config, struct problem *problem)
{
    char item[URL_TEXT_BYTES];
    if (config->listen_count == SERVER_LISTEN_COUNT_MAX) {
        return problem_set(problem, "%s: more than %d addresses; give fewer", option->name,
                           SERVER_LISTEN_COUNT_MAX);
    }
    struct url *url = &config->listen[config->listen_count];
    const char *what = copy_item(text, bytes, item) ? url_parse(item, url) : "too long for a URL";
    if (what == NULL && url->is_name) {
        what = "a name, and names are not looked up";
    }
    if (what == NULL && strchr(url->path, '?') != NULL) {
        what = "a URL with a query, which listeners ignore";
    }
    if (what != NULL) {
        return explain_range(option, text, what, problem);
    }
    config->listen_count++;
    return true;
}

static bool add_addresses(const struct server_option *option, const char *text, bool is_first,
                          struct server_config *config, struct problem *problem)
{
    config->listen_count = is_first ? 0 : config->listen_count;
    config->listen_is_default = false;
    for (;;) {
        size_t bytes = strcspn(text, ",");
        if (!add_address(option, text, bytes, config, problem)) {
            return false;
        }
        if (text[bytes] == '\0') {
            return true;
        }
        text += bytes + 1;
    }
}

bool server_option_set(const struct server_option *option, const char *text, bool is_first,
                       struct server_config *config, struct problem *problem_out)
{
    void *member = (char *)config + option->offset;
    switch (option->kind) {
    case SERVER_OPTION_NUMBER:
        return set_number(option, text, member, problem_out);
    case SERVER_OPTION_SWITCH:
        return set_switch(option, text, member, problem_out);
    case SERVER_OPTION_CHOICE:
        return set_choice(option, text, member, problem_out);
    case SERVER_OPTION_TEXT:
        return set_text(option, text, member, problem_out);
    case SERVER_OPTION_LISTEN:
        return add_addresses(option, text, is_first, config, problem_out);
    }
    return false;
}

/* ---- to text ---- */

/* Appends to `text`; cuts what does not fit. */
static void add(char text[SERVER_OPTION_TEXT_BYTES], const char *more)
{
    size_t used = strlen(text);
    snprintf(text + used, SERVER_OPTION_TEXT_BYTES - used, "%s", more);
}

static void add_listen(const struct server_config *config, char text[SERVER_OPTION_TEXT_BYTES])
{
    char url[URL_TEXT_BYTES];
    for (uint32_t i = 0; i < config->listen_count; i++) {
        add(text, i == 0 ? "" : ", ");
        add(text, url_format(&config->listen[i], url));
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
    case SERVER_OPTION_TEXT:
        add(text, member);
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
    case SERVER_OPTION_TEXT:
        add(text, option->wants);
        break;
    case SERVER_OPTION_LISTEN:
        add(text, "HOST:PORT ([::1]:7777, *:7777), tls://HOST:PORT, ws:// or wss://HOST:PORT/PATH, "
                  "unix:/PATH or fd://3");
        break;
    }
    return text;
}
