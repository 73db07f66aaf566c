/* server/config/command_line.c: Parser of the command line. */
#include "server/config/config.h"

#include "server/config/options.h"

#include <stdarg.h>
#include <string.h>

bool server_problem_set(struct server_problem *problem, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(problem->text, sizeof problem->text, format, arguments);
    va_end(arguments);
    return false;
}

void server_config_init(struct server_config *config)
{
    struct server_problem none;
    *config = (struct server_config){0};
    for (size_t i = 0; i < server_option_count; i++) {
        (void)server_option_set(&server_options[i], server_options[i].initial, true, config, &none);
    }
}

/* The arguments of a command line, and the next one to read. */
struct arguments {
    int count;
    char **all;
    int next;
    bool listen_seen;
};

/* An argument: --name, --name=value, or --name followed by a value. */
struct argument {
    const char *name;
    size_t name_bytes;
    const char *value; /* NULL: no = */
};

static bool is_named(const struct argument *argument, const char *name)
{
    return strlen(name) == argument->name_bytes &&
           memcmp(argument->name, name, argument->name_bytes) == 0;
}

static bool take_argument(struct arguments *arguments, struct argument *argument,
                          struct server_problem *problem)
{
    const char *text = arguments->all[arguments->next++];
    if (strcmp(text, "-h") == 0) {
        text = "--help";
    }
    if (strncmp(text, "--", 2) != 0 || text[2] == '\0') {
        return server_problem_set(problem, "\"%.100s\" is not an option; see --help", text);
    }
    argument->name = text + 2;
    argument->name_bytes = strcspn(argument->name, "=");
    argument->value = argument->name[argument->name_bytes] == '='
                          ? argument->name + argument->name_bytes + 1
                          : NULL;
    return true;
}

/* Takes the value of an option that must have one: behind the =, or the next argument. */
static bool take_value(struct arguments *arguments, struct argument *argument, const char *example,
                       struct server_problem *problem)
{
    bool is_next = argument->value == NULL && arguments->next < arguments->count &&
                   strncmp(arguments->all[arguments->next], "--", 2) != 0;
    if (is_next) {
        argument->value = arguments->all[arguments->next++];
    }
    if (argument->value == NULL) {
        return server_problem_set(problem, "--%.*s needs a value; give --%.*s %s",
                                  (int)argument->name_bytes, argument->name,
                                  (int)argument->name_bytes, argument->name, example);
    }
    return true;
}

static bool set_option(struct arguments *arguments, struct argument *argument,
                       struct server_config *config, struct server_problem *problem)
{
    const struct server_option *option = server_option_find(argument->name, argument->name_bytes);
    if (option == NULL) {
        return server_problem_set(problem, "unknown option --%.*s; see --help",
                                  (int)(argument->name_bytes < 100 ? argument->name_bytes : 100),
                                  argument->name);
    }
    if (option->kind == SERVER_OPTION_SWITCH && argument->value == NULL) {
        argument->value = "yes";
    } else if (!take_value(arguments, argument, option->value, problem)) {
        return false;
    }
    bool is_first = !arguments->listen_seen;
    arguments->listen_seen |= option->kind == SERVER_OPTION_LISTEN;
    return server_option_set(option, argument->value, is_first, config, problem);
}

/* Options of the command line only; the INI file cannot set them. */
struct requests {
    const char *config_path;
    bool help;
    bool version;
    bool print_config;
};

static bool *request_of(struct requests *requests, const struct argument *argument)
{
    if (is_named(argument, "help")) {
        return &requests->help;
    }
    if (is_named(argument, "version")) {
        return &requests->version;
    }
    return is_named(argument, "print-config") ? &requests->print_config : NULL;
}

static bool read_argument(struct arguments *arguments, struct requests *requests,
                          struct server_config *config, struct server_problem *problem)
{
    struct argument argument;
    if (!take_argument(arguments, &argument, problem)) {
        return false;
    }
    bool *request = request_of(requests, &argument);
    if (request != NULL && argument.value != NULL) {
        return server_problem_set(problem, "--%.*s takes no value; remove it",
                                  (int)argument.name_bytes, argument.name);
    }
    if (request != NULL) {
        *request = true;
        return true;
    }
    if (is_named(&argument, "config")) {
        bool has_value = take_value(arguments, &argument, "FILE", problem);
        requests->config_path = argument.value;
        return has_value;
    }
    return set_option(arguments, &argument, config, problem);
}

static bool read_arguments(int argc, char **argv, struct requests *requests,
                           struct server_config *config, struct server_problem *problem)
{
    struct arguments arguments = {.count = argc, .all = argv, .next = 1};
    while (arguments.next < arguments.count) {
        if (!read_argument(&arguments, requests, config, problem)) {
            return false;
        }
    }
    return true;
}

static bool print_requested(const struct requests *requests, const struct server_config *config,
                            FILE *out)
{
    if (requests->help) {
        server_config_print_help(out);
    } else if (requests->version) {
        fprintf(out, "gangway-server %s\n", GANGWAY_VERSION);
    } else if (requests->print_config) {
        server_config_print(config, out);
    }
    return requests->help || requests->version || requests->print_config;
}

enum server_config_result server_config_read(int argc, char **argv, FILE *out,
                                             struct server_config *config_out,
                                             struct server_problem *problem_out)
{
    struct requests requests = {0};
    server_config_init(config_out);
    if (!read_arguments(argc, argv, &requests, config_out, problem_out)) {
        return SERVER_CONFIG_BAD;
    }
    if (requests.config_path != NULL) {
        /* The file is known only now. The command line is read again, to override the file. */
        server_config_init(config_out);
        if (!server_config_read_file(config_out, requests.config_path, problem_out) ||
            !read_arguments(argc, argv, &requests, config_out, problem_out)) {
            return SERVER_CONFIG_BAD;
        }
    }
    return print_requested(&requests, config_out, out) ? SERVER_CONFIG_DONE : SERVER_CONFIG_RUN;
}
