/* server/config/command_line.c: The command line of the server. */
#include "server/config/config.h"

#include "server/config/options.h"
#include "tools/common/command_line.h"

#include <string.h>

void server_config_init(struct server_config *config)
{
    struct problem none;
    *config = (struct server_config){0};
    for (size_t i = 0; i < server_option_count; i++) {
        (void)server_option_set(&server_options[i], server_options[i].initial, true, config, &none);
    }
    config->listen_is_default = true;
}

static bool set_option(struct command_line *line, struct command_line_option *argument,
                       bool *is_listen_set, struct server_config *config, struct problem *problem)
{
    const struct server_option *option = server_option_find(argument);
    if (option == NULL) {
        return command_line_unknown(argument, problem);
    }
    if (option->kind == SERVER_OPTION_SWITCH && argument->value == NULL) {
        argument->value = "yes";
    } else if (!command_line_take_value(line, argument, option->value, problem)) {
        return false;
    }
    bool is_first = !*is_listen_set;
    *is_listen_set |= option->kind == SERVER_OPTION_LISTEN;
    config->given |= (uint64_t)1 << (option - server_options);
    return server_option_set(option, argument->value, is_first, config, problem);
}

/* Options of the command line only; the INI file cannot set them. */
struct requests {
    const char *config_path;
    bool help;
    bool version;
    bool print_config;
};

static bool *request_of(struct requests *requests, const struct command_line_option *argument)
{
    if (command_line_is_named(argument, "help")) {
        return &requests->help;
    }
    if (command_line_is_named(argument, "version")) {
        return &requests->version;
    }
    return command_line_is_named(argument, "print-config") ? &requests->print_config : NULL;
}

static bool read_arguments(int argc, char **argv, struct requests *requests,
                           struct server_config *config, struct problem *problem)
{
    struct command_line line = {.count = argc, .arguments = argv, .next = 1};
    struct command_line_option argument;
    bool is_listen_set = false;
    bool is_good = true;
    while (is_good && line.next < line.count) {
        is_good = command_line_next(&line, &argument, problem);
        if (!is_good) {
            break;
        }
        bool *request = request_of(requests, &argument);
        if (request != NULL) {
            is_good = command_line_refuse_value(&argument, problem);
            *request = true;
        } else if (command_line_is_named(&argument, "config")) {
            is_good = command_line_take_value(&line, &argument, "FILE", problem);
            requests->config_path = argument.value;
        } else {
            is_good = set_option(&line, &argument, &is_listen_set, config, problem);
        }
    }
    return is_good;
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

bool server_config_check_listen(const struct server_config *config, const struct url *url,
                                struct problem *problem_out)
{
    char text[URL_TEXT_BYTES];
    return config->insecure_listen || url_has_tls(url) || gw_addr_is_loopback(&url->addr) ||
           problem_set(problem_out,
                       "listen: other machines can connect to %s without TLS; give an address of "
                       "127.0.0.0/8 or [::1], or tls:// or wss://, or also --insecure-listen",
                       url_format(url, text));
}

/* The address of a socket that the process was given is not known yet. */
static bool check(const struct server_config *config, struct problem *problem)
{
    bool is_good = true;
    for (uint32_t i = 0; is_good && i < config->listen_count; i++) {
        is_good = config->listen[i].scheme == URL_FD ||
                  server_config_check_listen(config, &config->listen[i], problem);
    }
    return is_good;
}

enum server_config_result server_config_read(int argc, char **argv, FILE *out,
                                             struct server_config *config_out,
                                             struct problem *problem_out)
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
    if (print_requested(&requests, config_out, out)) {
        return SERVER_CONFIG_DONE;
    }
    return check(config_out, problem_out) ? SERVER_CONFIG_RUN : SERVER_CONFIG_BAD;
}
