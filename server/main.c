/* server/main.c: The program gangway-server. */
#include "net/port.h"
#include "net/signals.h"
#include "server/admin/admin.h"
#include "server/config/config.h"
#include "server/config/options.h"
#include "server/log/log.h"
#include "server/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { OUTPUT_BYTES = 64 * 1024 };

enum { EXIT_SERVED = 0, EXIT_FAILED = 1, EXIT_NOT_BEGUN = 2 };

static int fail(const struct problem *problem)
{
    fprintf(stderr, "gangway-server: %s\n", problem->text);
    return EXIT_NOT_BEGUN;
}

/* Returns EXIT_FAILED if the output of --help and the like was not written; a full disk shows at
 * fclose(). */
static int close_output(void)
{
    errno = 0;
    bool is_written = ferror(stdout) == 0;
    is_written = fclose(stdout) == 0 && is_written;
    if (!is_written) {
        fprintf(stderr, "gangway-server: cannot write: %s\n",
                errno == 0 ? "the output failed" : strerror(errno));
        return EXIT_FAILED;
    }
    return EXIT_SERVED;
}

static void on_signal(enum gw_signal signal, void *context)
{
    if (signal == GW_SIGNAL_STOP) {
        server_drain(context);
    } else {
        server_report(context);
    }
}

static void log_listening(const struct server *server, struct server_log *log)
{
    char line[256 + SERVER_LISTEN_COUNT_MAX * (URL_TEXT_BYTES + 2)];
    char text[URL_TEXT_BYTES];
    const struct gw_port *port = server_port(server);
    int used = snprintf(line, sizeof line, "gangway-server %s listening on ", GANGWAY_VERSION);
    for (uint32_t i = 0; server_url(server, i) != NULL; i++) {
        used += snprintf(line + used, sizeof line - (size_t)used, "%s%s", i == 0 ? "" : ", ",
                         url_format(server_url(server, i), text));
    }
    snprintf(line + used, sizeof line - (size_t)used, " (backend=%s workers=%u)\n",
             gw_backend_name(gw_port_backend(port)), gw_port_worker_count(port));
    server_log_plain(log, line);
}

/* Without --admin, an address that cannot be had is a warning: another server may have it. */
static bool start_admin(struct server *server, const struct server_config *config,
                        struct server_log *log, struct admin **admin_out, struct problem *problem)
{
    struct server_log_line line;
    bool is_given = server_option_is_given(config, "admin") || config->admin_token[0] != '\0';
    bool is_good = admin_create(server, config, admin_out, problem);
    if (!is_good && !is_given) {
        server_log_begin(&line, log, GW_LOG_WARNING, "admin_off");
        server_log_text(&line, "reason", problem->text);
        server_log_end(&line);
    } else if (*admin_out != NULL) {
        char address[GW_ADDR_TEXT_BYTES];
        server_log_begin(&line, log, GW_LOG_INFO, "admin");
        server_log_word(&line, "address", gw_addr_format(admin_addr(*admin_out), address));
        server_log_end(&line);
    }
    return is_good || !is_given;
}

/* Serves until a signal, or an error. Returns the exit status. */
static int serve(const struct server_config *config, struct server_log *log)
{
    struct problem problem;
    struct admin *admin = NULL;
    struct server *server = server_create(config, log, &problem);
    if (server == NULL) {
        return fail(&problem);
    }
    if (!start_admin(server, config, log, &admin, &problem)) {
        server_destroy(server);
        return fail(&problem);
    }
    (void)gw_signals_take(server_port(server), on_signal, server); /* no other handler is set */
    log_listening(server, log);
    if (!server_start(server, &problem)) {
        return fail(
            &problem); /* without threads the listeners cannot be closed: the process ends */
    }
    int error = server_join(server);
    gw_signals_release();
    admin_destroy(admin);
    server_log_wait(log);
    server_report(server);
    if (error != 0) {
        return EXIT_FAILED; /* the port failed; its objects cannot be freed */
    }
    server_destroy(server);
    return EXIT_SERVED;
}

int main(int argc, char **argv)
{
    static char output[OUTPUT_BYTES]; /* one write for a page, whose error close_output() reports */
    struct server_config config;
    struct problem problem;
    setvbuf(stdout, output, _IOFBF, sizeof output);
    switch (server_config_read(argc, argv, stdout, &config, &problem)) {
    case SERVER_CONFIG_DONE:
        return close_output();
    case SERVER_CONFIG_BAD:
        return fail(&problem);
    case SERVER_CONFIG_RUN:
        break;
    }
    const struct server_log_config log_config = {
        .level = (enum gw_log_level)config.log_level,
        .lines_per_second_max = config.log_lines_per_second,
    };
    struct server_log *log = server_log_create(stdout, &log_config);
    if (log == NULL) {
        fprintf(stderr, "gangway-server: no memory; free some\n");
        return EXIT_NOT_BEGUN;
    }
    int status = serve(&config, log);
    const char *why;
    uint64_t lost = server_log_finish(log, &why);
    if (lost > 0) {
        fprintf(stderr, "gangway-server: %llu lines of the log are missing: %s\n",
                (unsigned long long)lost, why);
    }
    server_log_destroy(log);
    return status;
}
