/* server/config/print.c: Output of --print-config and --help. */
#include "server/config/options.h"

#include <string.h>

enum { OPTION_COLUMN_BYTES = 31 };

void server_config_print(const struct server_config *config, FILE *out)
{
    char text[SERVER_OPTION_TEXT_BYTES];
    fprintf(out, "; Read by gangway-server --config FILE.\n");
    for (size_t i = 0; i < server_option_count; i++) {
        const struct server_option *option = &server_options[i];
        fprintf(out, "\n; %s\n%s = %s\n", option->help, option->name,
                server_option_text(option, config, text));
    }
}

static void print_option(FILE *out, const char *name, const char *value, const char *help)
{
    char column[OPTION_COLUMN_BYTES + 1];
    snprintf(column, sizeof column, "--%s%s%s", name, value[0] == '\0' ? "" : " ", value);
    for (char *letter = column; *letter != '\0'; letter++) {
        *letter = *letter == '_' ? '-' : *letter;
    }
    fprintf(out, "  %-*s %s\n", OPTION_COLUMN_BYTES, column, help);
}

static void print_table(FILE *out, const struct server_config *config)
{
    char text[SERVER_OPTION_TEXT_BYTES];
    for (size_t i = 0; i < server_option_count; i++) {
        const struct server_option *option = &server_options[i];
        print_option(out, option->name, option->value == NULL ? "" : option->value, option->help);
        if (option->kind != SERVER_OPTION_SWITCH) {
            fprintf(out, "  %-*s %s", OPTION_COLUMN_BYTES, "", server_option_range(option, text));
            server_option_text(option, config, text);
            fprintf(out, " [%s]\n", text[0] == '\0' ? "none" : text);
        }
    }
}

void server_config_print_help(FILE *out)
{
    struct server_config config;
    server_config_init(&config);
    fprintf(
        out,
        "Usage: gangway-server [OPTION]...\n\n"
        "Serves players until a signal stops it gracefully (Ctrl-C, SIGTERM, SIGHUP, SIGQUIT). A\n"
        "second Ctrl-C or SIGTERM, 300 ms or more after the first, ends it at once.\n\n");
    print_table(out, &config);
    fprintf(out, "\n");
    print_option(out, "config", "FILE", "read options from an INI file; the command line wins");
    print_option(out, "print_config", "", "print the options as such a file");
    print_option(out, "help", "", "print this help");
    print_option(out, "version", "", "print the version");
    fprintf(
        out,
        "\nExit status: 0 after a graceful shutdown, --help, --version or --print-config; 1 after "
        "an\n"
        "error while serving or printing, or a second signal; 2 if the server could not start.\n");
}
