/* tools/token/main.c: the program gangway-token: keys and login tokens. */
#include "net/error.h"
#include "session/token.h"
#include "tools/common/command_line.h"
#include "tools/common/text_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STATUS_OK = 0, STATUS_REFUSED = 1, STATUS_BAD_OPTIONS = 2, KEY_FILE_BYTES_MAX = 64 * 1024 };

struct options {
    uint64_t id;
    const char *keys;
    const char *realm;
    uint64_t account;
    const char *name;
    uint64_t seconds;
};

/* One option, of those commands whose letters `commands` has: k(ey), m(int), s(how). */
struct option {
    const char *name;
    const char *value;
    const char *help;
    const char *commands;
    uint64_t max; /* 0: a text */
    size_t offset;
};

#define AT(member) .offset = offsetof(struct options, member)

static const struct option table[] = {
    {"id", "NUMBER", "key: the key's number [1]", "k", UINT32_MAX, AT(id)},
    {"keys", "FILE", "mint, show: the keys; -: the standard input", "ms", 0, AT(keys)},
    {"realm", "NAME", "mint, show: the servers that it is for [gangway]", "ms", 0, AT(realm)},
    {"account", "NUMBER", "mint: the user's number, not 0", "m", UINT64_MAX, AT(account)},
    {"name", "NAME", "mint: the user's name in the game", "m", 0, AT(name)},
    {"seconds", "NUMBER", "mint: how long it is valid [60]", "m", GW_TOKEN_SPAN_S_MAX, AT(seconds)},
};

static void print_help(void)
{
    printf("gangway-token: login tokens for gangway-server --auth token.\n\n"
           "  gangway-token key [options]             prints a new key, a line of a key file\n"
           "  gangway-token mint [options]            prints a new token in hexadecimal digits\n"
           "  gangway-token show [options] TOKEN      prints what a token contains\n\n");
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char left[32];
        snprintf(left, sizeof left, "--%s %s", table[i].name, table[i].value);
        printf("  %-17s %s\n", left, table[i].help);
    }
    printf("  --help            print this help\n"
           "  --version         print the version\n\n"
           "Exit status: 0 done, 1 the token was refused, 2 wrong options or files.\n");
}

static int fail(const struct problem *problem)
{
    fprintf(stderr, "gangway-token: %s\n", problem->text);
    return STATUS_BAD_OPTIONS;
}

static int close_output(int status)
{
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        fprintf(stderr, "gangway-token: cannot write: %s\n", strerror(errno));
        return STATUS_BAD_OPTIONS;
    }
    return status;
}

static bool set_option(const struct option *option, const char *text, struct options *options,
                       struct problem *problem)
{
    char *field = (char *)options + option->offset;
    uint64_t number;
    if (option->max == 0) {
        memcpy(field, &text, sizeof text);
        return true;
    }
    if (!command_line_number(text, &number) || number == 0 || number > option->max) {
        return problem_set(problem, "--%s %.60s: give a number from 1 to %llu", option->name, text,
                           (unsigned long long)option->max);
    }
    memcpy(field, &number, sizeof number);
    return true;
}

static bool read_options(struct command_line *line, char command, struct options *options,
                         struct problem *problem)
{
    while (line->next < line->count && strncmp(line->arguments[line->next], "--", 2) == 0) {
        struct command_line_option given;
        const struct option *found = NULL;
        if (!command_line_next(line, &given, problem)) {
            return false;
        }
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
            if (command_line_is_named(&given, table[i].name) &&
                strchr(table[i].commands, command) != NULL) {
                found = &table[i];
            }
        }
        if (found == NULL) {
            return command_line_unknown(&given, problem);
        }
        if (!command_line_take_value(line, &given, found->value, problem) ||
            !set_option(found, given.value, options, problem)) {
            return false;
        }
    }
    return true;
}

static bool open_tokens(const struct options *options, struct gw_tokens **tokens_out,
                        struct problem *problem)
{
    char why[GW_TOKEN_PROBLEM_BYTES];
    if (options->keys == NULL) {
        return problem_set(problem, "give the keys: --keys FILE");
    }
    char *keys = text_file_read(options->keys, KEY_FILE_BYTES_MAX, problem);
    if (keys == NULL) {
        return false;
    }
    const struct gw_tokens_config config = {.keys = keys, .realm = options->realm};
    int error = gw_tokens_create(&config, tokens_out, why);
    free(keys);
    if (error == GW_E_INVALID) {
        return problem_set(problem, "%.200s: %s", options->keys, why);
    }
    return error == GW_OK || problem_set(problem, "%s", gw_error_text(error));
}

static int print_key(const struct options *options, struct problem *problem)
{
    char key[GW_TOKEN_KEY_TEXT_BYTES];
    int error = gw_token_key_create((uint32_t)options->id, key);
    if (error != GW_OK) {
        problem_set(problem, "no key: %s", gw_error_text(error));
        return fail(problem);
    }
    printf("%s\n", key);
    return close_output(STATUS_OK);
}

static int mint(const struct options *options, struct problem *problem)
{
    uint8_t sealed[GW_TOKEN_BYTES_MAX];
    struct gw_tokens *tokens;
    struct gw_token token = {.account = options->account};
    if (options->account == 0) {
        problem_set(problem, "give the user's number: --account NUMBER");
        return fail(problem);
    }
    if (strlen(options->name) > GW_TOKEN_NAME_BYTES_MAX) {
        problem_set(problem, "--name: at most %d bytes", (int)GW_TOKEN_NAME_BYTES_MAX);
        return fail(problem);
    }
    if (!open_tokens(options, &tokens, problem)) {
        return fail(problem);
    }
    memcpy(token.name, options->name, strlen(options->name));
    token.not_before_s = (uint64_t)time(NULL);
    token.expires_s = token.not_before_s + options->seconds;
    uint32_t bytes = gw_tokens_seal(tokens, &token, sealed);
    gw_tokens_destroy(tokens);
    if (bytes == 0) {
        problem_set(problem, "--name: it is not printable UTF-8");
        return fail(problem);
    }
    for (uint32_t i = 0; i < bytes; i++) {
        printf("%02x", sealed[i]);
    }
    printf("\n");
    return close_output(STATUS_OK);
}

static int value_of(char digit)
{
    const char *digits = "0123456789abcdef";
    const char *found = strchr(digits, digit >= 'A' && digit <= 'F' ? digit - 'A' + 'a' : digit);
    return found == NULL || digit == '\0' ? -1 : (int)(found - digits);
}

/* Reads hexadecimal digits. Returns the number of bytes; 0 when there are others, or too many. */
static size_t read_hex(const char *text, uint8_t bytes_out[GW_TOKEN_BYTES_MAX])
{
    size_t digits = strlen(text);
    if (digits % 2 != 0 || digits > 2 * (size_t)GW_TOKEN_BYTES_MAX) {
        return 0;
    }
    for (size_t i = 0; i < digits / 2; i++) {
        int high = value_of(text[2 * i]);
        int low = value_of(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return 0;
        }
        bytes_out[i] = (uint8_t)(high * 16 + low);
    }
    return digits / 2;
}

static int show(const struct options *options, const char *text, struct problem *problem)
{
    uint8_t sealed[GW_TOKEN_BYTES_MAX];
    struct gw_tokens *tokens;
    struct gw_token token = {0};
    size_t bytes = read_hex(text, sealed);
    if (bytes == 0) {
        problem_set(problem, "a token is 2 to %d hexadecimal digits", 2 * GW_TOKEN_BYTES_MAX);
        return fail(problem);
    }
    if (!open_tokens(options, &tokens, problem)) {
        return fail(problem);
    }
    enum gw_token_result result =
        gw_tokens_open(tokens, sealed, bytes, (uint64_t)time(NULL), &token);
    gw_tokens_destroy(tokens);
    printf("result: %s\n", gw_token_result_name(result));
    if (token.account != 0) {
        printf("account: %llu\nname: %s\nrealm: %s\nkey: %u\nvalid: %llu to %llu\n",
               (unsigned long long)token.account, token.name, token.realm, (unsigned)token.key_id,
               (unsigned long long)token.not_before_s, (unsigned long long)token.expires_s);
    }
    return close_output(result == GW_TOKEN_OK ? STATUS_OK : STATUS_REFUSED);
}

int main(int argc, char **argv)
{
    struct options options = {.id = 1, .realm = "gangway", .name = "", .seconds = 60};
    struct command_line line = {.count = argc, .arguments = argv, .next = 2};
    struct problem problem;
    const char *command = argc > 1 ? argv[1] : "--help";
    if (strcmp(command, "--help") == 0 || strcmp(command, "-h") == 0) {
        print_help();
        return close_output(argc > 1 ? STATUS_OK : STATUS_BAD_OPTIONS);
    }
    if (strcmp(command, "--version") == 0) {
        printf("gangway-token %s\n", TOKEN_VERSION);
        return close_output(STATUS_OK);
    }
    bool is_show = strcmp(command, "show") == 0;
    if (strcmp(command, "key") != 0 && strcmp(command, "mint") != 0 && !is_show) {
        problem_set(&problem, "\"%.60s\" is not key, mint or show; see --help", command);
        return fail(&problem);
    }
    if (!read_options(&line, command[0], &options, &problem)) {
        return fail(&problem);
    }
    if (line.count - line.next != (is_show ? 1 : 0)) {
        problem_set(&problem,
                    is_show ? "give one TOKEN behind the options"
                            : "\"%.60s\" is not an option; see --help",
                    line.next < line.count ? line.arguments[line.next] : "");
        return fail(&problem);
    }
    if (is_show) {
        return show(&options, argv[line.next], &problem);
    }
    return command[0] == 'k' ? print_key(&options, &problem) : mint(&options, &problem);
}
