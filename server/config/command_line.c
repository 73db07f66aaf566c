/* server/config/command_line.c: the command line. */
#include "server/config/config.h"

#include "server/config/options.h"

#include <stdarg.h>
#include <string.h>

bool server_problem_say(struct server_problem *problem, const char *format, ...)
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

/* The words of a command line, one by one. */
struct words {
    int count;
    char **all;
    int next;
    bool listen_seen;
};

/* An option as it stands there: --name, --name=value, or --name value. */
struct word {
    const char *name;
    size_t name_bytes;
    const char *value; /* NULL: none was given with = */
};

static bool is_named(const struct word *word, const char *name)
{
    return strlen(name) == word->name_bytes && memcmp(word->name, name, word->name_bytes) == 0;
}

static bool take_word(struct words *words, struct word *word, struct server_problem *problem)
{
    const char *text = words->all[words->next++];
    if (strcmp(text, "-h") == 0) {
        text = "--help";
    }
    if (strncmp(text, "--", 2) != 0 || text[2] == '\0') {
        return server_problem_say(problem, "\"%.100s\" is not an option; see --help", text);
    }
    word->name = text + 2;
    word->name_bytes = strcspn(word->name, "=");
    word->value = word->name[word->name_bytes] == '=' ? word->name + word->name_bytes + 1 : NULL;
    return true;
}

/* The value of an option that must have one: behind the =, or the next word. */
static bool take_value(struct words *words, struct word *word, const char *example,
                       struct server_problem *problem)
{
    bool is_next = word->value == NULL && words->next < words->count &&
                   strncmp(words->all[words->next], "--", 2) != 0;
    if (is_next) {
        word->value = words->all[words->next++];
    }
    if (word->value == NULL) {
        return server_problem_say(problem, "--%.*s needs a value; give --%.*s %s",
                                  (int)word->name_bytes, word->name, (int)word->name_bytes,
                                  word->name, example);
    }
    return true;
}

static bool set_option(struct words *words, struct word *word, struct server_config *config,
                       struct server_problem *problem)
{
    const struct server_option *option = server_option_find(word->name, word->name_bytes);
    if (option == NULL) {
        return server_problem_say(problem, "unknown option --%.*s; see --help",
                                  (int)(word->name_bytes < 100 ? word->name_bytes : 100),
                                  word->name);
    }
    if (option->kind == SERVER_OPTION_SWITCH && word->value == NULL) {
        word->value = "yes";
    } else if (!take_value(words, word, option->value, problem)) {
        return false;
    }
    bool is_first = !words->listen_seen;
    words->listen_seen |= option->kind == SERVER_OPTION_LISTEN;
    return server_option_set(option, word->value, is_first, config, problem);
}

/* What is not in the table, because no file can say it. */
struct wishes {
    const char *config_path;
    bool help;
    bool version;
    bool print_config;
};

static bool *wish_of(struct wishes *wishes, const struct word *word)
{
    if (is_named(word, "help")) {
        return &wishes->help;
    }
    if (is_named(word, "version")) {
        return &wishes->version;
    }
    return is_named(word, "print-config") ? &wishes->print_config : NULL;
}

static bool read_word(struct words *words, struct wishes *wishes, struct server_config *config,
                      struct server_problem *problem)
{
    struct word word;
    if (!take_word(words, &word, problem)) {
        return false;
    }
    bool *wish = wish_of(wishes, &word);
    if (wish != NULL && word.value != NULL) {
        return server_problem_say(problem, "--%.*s takes no value; leave it away",
                                  (int)word.name_bytes, word.name);
    }
    if (wish != NULL) {
        *wish = true;
        return true;
    }
    if (is_named(&word, "config")) {
        bool has_value = take_value(words, &word, "FILE", problem);
        wishes->config_path = word.value;
        return has_value;
    }
    return set_option(words, &word, config, problem);
}

static bool read_words(int argc, char **argv, struct wishes *wishes, struct server_config *config,
                       struct server_problem *problem)
{
    struct words words = {.count = argc, .all = argv, .next = 1};
    while (words.next < words.count) {
        if (!read_word(&words, wishes, config, problem)) {
            return false;
        }
    }
    return true;
}

static bool tell(const struct wishes *wishes, const struct server_config *config, FILE *out)
{
    if (wishes->help) {
        server_config_print_help(out);
    } else if (wishes->version) {
        fprintf(out, "gangway-server %s\n", GANGWAY_VERSION);
    } else if (wishes->print_config) {
        server_config_print(config, out);
    }
    return wishes->help || wishes->version || wishes->print_config;
}

enum server_config_result server_config_read(int argc, char **argv, FILE *out,
                                             struct server_config *config_out,
                                             struct server_problem *problem_out)
{
    struct wishes wishes = {0};
    server_config_init(config_out);
    if (!read_words(argc, argv, &wishes, config_out, problem_out)) {
        return SERVER_CONFIG_BAD;
    }
    if (wishes.config_path != NULL) {
        /* Only now is the file known. The words are read again on top of it, so that they win. */
        server_config_init(config_out);
        if (!server_config_read_file(config_out, wishes.config_path, problem_out) ||
            !read_words(argc, argv, &wishes, config_out, problem_out)) {
            return SERVER_CONFIG_BAD;
        }
    }
    return tell(&wishes, config_out, out) ? SERVER_CONFIG_DONE : SERVER_CONFIG_RUN;
}
