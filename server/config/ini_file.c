/* server/config/ini_file.c: Parser of the INI file. */
#include "server/config/config.h"

#include "server/config/options.h"
#include "tools/common/command_line.h"

#include <errno.h>
#include <ini.h>
#include <string.h>

/* A file that is being read. */
struct source {
    FILE *file;
    const char *path;
    int line;      /* number of the last line read */
    uint64_t seen; /* a bit for each option that was set */
    int section;   /* number of the first line that looks like a [section]; 0: none */
    int bad_line;  /* number of the first line with an error; 0: none */
    struct server_config *config;
    struct problem *problem;
};

/* Prefixes the message with the file and the line. The error of the first line is reported. */
static void report(struct source *source, int line, const char *what)
{
    if (source->bad_line == 0 || line < source->bad_line) {
        problem_set(source->problem, "%.200s:%d: %s", source->path, line, what);
        source->bad_line = line;
    }
}

static const char no_sections[] = "there are no [sections]; remove them";

static int peek(FILE *file)
{
    return ungetc(fgetc(file), file);
}

/* A reader for inih, which counts no lines and cuts long ones. */
static char *read_line(char *line, int bytes, void *context)
{
    struct source *source = context;
    if (source->bad_line != 0 || fgets(line, bytes, source->file) == NULL) {
        return NULL;
    }
    source->line++;
    if (strchr(line, '\n') == NULL && peek(source->file) != EOF) {
        report(source, source->line, "the line is too long; split it");
        return NULL;
    }
    if (line[strspn(line, " \t")] == '[' && source->section == 0) {
        source->section = source->line;
    }
    if (line[0] == '[') { /* an indented line may continue the value before */
        report(source, source->line, no_sections);
        return NULL;
    }
    return line;
}

static bool set(struct source *source, const char *name, const char *value, struct problem *problem)
{
    const struct server_option *option =
        server_option_find(&(struct command_line_option){name, strlen(name), value});
    if (option == NULL) {
        return problem_set(problem, "unknown option \"%.100s\"; see --help", name);
    }
    uint64_t bit = (uint64_t)1 << (option - server_options);
    bool is_first = (source->seen & bit) == 0;
    source->seen |= bit;
    source->config->given |= bit;
    if (!is_first && option->kind != SERVER_OPTION_LISTEN) {
        return problem_set(problem, "%s is set twice; remove one", option->name);
    }
    return server_option_set(option, value, is_first, source->config, problem);
}

static int on_value(void *context, const char *section, const char *name, const char *value)
{
    struct source *source = context;
    struct problem problem;
    if (section[0] != '\0') {
        report(source, source->section > 0 ? source->section : source->line, no_sections);
    } else if (!set(source, name, value, &problem)) {
        report(source, source->line, problem.text);
    }
    return 1;
}

static bool read_open_file(struct source *source)
{
    int line = ini_parse_stream(read_line, source, on_value, source);
    if (ferror(source->file) != 0) {
        return problem_set(source->problem, "cannot read %.200s: %s; give another --config",
                           source->path, strerror(errno));
    }
    if (line > 0) {
        report(source, line, "this is not `name = value`; see --print-config");
    }
    return source->bad_line == 0;
}

bool server_config_read_file(struct server_config *config, const char *path,
                             struct problem *problem_out)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return problem_set(problem_out, "cannot open %.200s: %s; give another --config", path,
                           strerror(errno));
    }
    struct source source = {.file = file, .path = path, .config = config, .problem = problem_out};
    bool is_good = read_open_file(&source);
    fclose(file);
    return is_good;
}
