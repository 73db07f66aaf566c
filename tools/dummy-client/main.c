/* tools/dummy-client/main.c: the program: command line, run, report, exit status. */
#include "net/addr.h"
#include "net/error.h"
#include "session/token.h"
#include "tools/common/text_file.h"
#include "tools/dummy-client/connect.h"
#include "tools/dummy-client/options.h"
#include "tools/dummy-client/report.h"
#include "tools/dummy-client/run.h"
#include "tools/dummy-client/script.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_BAD_OPTIONS = 2, KEY_FILE_BYTES_MAX = 64 * 1024 };

static void warn_of_excess(const struct dummy_options *options)
{
    struct dummy_rate_excess excess = dummy_script_excess(options);
    if (excess.message != DUMMY_MESSAGE_COUNT) {
        fprintf(
            stderr,
            "gangway-dummy: %g %s messages per second each, and the schema allows %u: unless it "
            "runs with --unlimited, the server will throttle the clients and then close them\n",
            excess.wanted, dummy_message_name(excess.message), excess.allowed);
    }
}

static int report_error(const struct dummy_options *options, int error)
{
    if (error == GW_E_UNSUPPORTED) {
        const char *refusal = gw_backend_refusal(options->backend);
        fprintf(stderr, "gangway-dummy: --backend %s: %s; give auto\n",
                gw_backend_name(options->backend),
                refusal != NULL ? refusal : "the system does not grant it to so many --workers");
        return STATUS_BAD_OPTIONS;
    }
    fprintf(stderr, "gangway-dummy: cannot start: %s; try another --backend or --workers\n",
            gw_error_name(error));
    return STATUS_FAILED;
}

/* A failed write is an error; a full disk may show only at fclose(). */
static int close_output(int status)
{
    errno = 0;
    bool is_written = ferror(stdout) == 0;
    is_written = fclose(stdout) == 0 && is_written;
    if (!is_written) {
        fprintf(stderr, "gangway-dummy: cannot write: %s\n",
                errno == 0 ? "the output failed" : strerror(errno));
        return STATUS_FAILED;
    }
    return status;
}

static int run(struct dummy_options *options)
{
    static struct dummy_report report;
    char url[URL_TEXT_BYTES];
    options->take_signals = true;
    warn_of_excess(options);
    int error = dummy_run_execute(options, &report);
    if (error != 0) {
        return report_error(options, error);
    }
    if (report.nobody_listens) {
        fprintf(stderr, "gangway-dummy: no server listens at %s: start one with ./tools/run.sh\n",
                url_format(&options->connect, url));
    }
    if (report.problem != NULL) {
        fprintf(stderr, "gangway-dummy: %s: %s\n", url_format(&options->connect, url),
                report.problem);
    }
    bool has_no_client = dummy_report_has_no_client(&report);
    if (has_no_client) {
        fprintf(stderr, "gangway-dummy: cannot dial %s: %s\n", url_format(&options->connect, url),
                options->source.count > 0 ? "give a --source that is an address of this machine"
                                          : "give fewer --clients, or allow more descriptors");
    }
    if (options->json) {
        dummy_report_print_json(&report, stdout);
    } else if (!report.nobody_listens && !has_no_client) {
        dummy_report_print(&report, stdout);
    }
    return close_output(dummy_report_is_clean(&report) ? STATUS_OK : STATUS_FAILED);
}

/* Opens the keys of --token-key. */
static bool open_tokens(struct dummy_options *options, struct problem *problem)
{
    char why[GW_TOKEN_PROBLEM_BYTES];
    struct problem reason;
    char *keys = text_file_read(options->token_key, KEY_FILE_BYTES_MAX, &reason);
    if (keys == NULL) {
        return problem_set(problem, "--token-key: %.400s", reason.text);
    }
    const struct gw_tokens_config config = {.keys = keys, .realm = "gangway", .used_count_max = 1};
    int error = gw_tokens_create(&config, &options->tokens, why);
    free(keys);
    if (error == GW_E_UNSUPPORTED) {
        return problem_set(problem, "--token-key: this build has no login tokens");
    }
    return error == GW_OK || problem_set(problem, "--token-key %.200s: %s", options->token_key,
                                         error == GW_E_INVALID ? why : gw_error_text(error));
}

static int prepare_and_run(struct dummy_options *options)
{
    struct problem problem;
    if (options->token_key != NULL && !open_tokens(options, &problem)) {
        fprintf(stderr, "gangway-dummy: %s\n", problem.text);
        return STATUS_BAD_OPTIONS;
    }
    if (options->tls_insecure && url_has_tls(&options->connect)) {
        fprintf(stderr, "gangway-dummy: --tls-insecure: the certificate of the server is not "
                        "checked\n");
    }
    bool is_open = dummy_connect_open(options, &problem);
    int status = is_open ? run(options) : STATUS_BAD_OPTIONS;
    if (!is_open) {
        fprintf(stderr, "gangway-dummy: %s\n", problem.text);
    }
    dummy_connect_close(options);
    gw_tokens_destroy(options->tokens);
    return status;
}

int main(int argc, char **argv)
{
    struct dummy_options options;
    struct problem problem;
    switch (dummy_options_read(argc, argv, &options, &problem)) {
    case DUMMY_OPTIONS_HELP:
        dummy_options_print_help(stdout);
        return close_output(STATUS_OK);
    case DUMMY_OPTIONS_VERSION:
        dummy_options_print_version(stdout);
        return close_output(STATUS_OK);
    case DUMMY_OPTIONS_BAD:
        fprintf(stderr, "gangway-dummy: %s\n", problem.text);
        return STATUS_BAD_OPTIONS;
    default:
        return prepare_and_run(&options);
    }
}
