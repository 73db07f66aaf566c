/* tests/server/captured.h: A log whose lines a test can read. */
#ifndef GW_TESTS_SERVER_CAPTURED_H
#define GW_TESTS_SERVER_CAPTURED_H

#include "server/log/log.h"
#include "tests/support/machine.h"
#include "tests/test.h"
#include <stdio.h>
#include <string.h>

struct captured {
    FILE *file;
    struct server_log *log;
    char text[256 * 1024]; /* everything written so far */
};

static inline void captured_init(struct captured *captured, enum gw_log_level level,
                                 uint32_t lines_per_second_max)
{
    const struct server_log_config config = {level, lines_per_second_max};
    captured->file = machine_scratch_file();
    assert_non_null(captured->file);
    captured->log = server_log_create(captured->file, &config);
    assert_non_null(captured->log);
}

/* Returns everything written. */
static inline const char *captured_read(struct captured *captured)
{
    rewind(captured->file);
    size_t bytes = fread(captured->text, 1, sizeof captured->text - 1, captured->file);
    captured->text[bytes] = '\0';
    return captured->text;
}

/* Returns the last line without time, level and newline. */
static inline const char *captured_last(struct captured *captured)
{
    char *text = (char *)captured_read(captured);
    char *end = strrchr(text, '\n');
    assert_non_null(end);
    *end = '\0';
    char *before = strrchr(text, '\n');
    char *line = before == NULL ? text : before + 1;
    return line + strlen("2026-01-31T12:00:00.000Z info    ");
}

static inline unsigned captured_line_count(struct captured *captured)
{
    unsigned count = 0;
    for (const char *at = captured_read(captured); (at = strchr(at, '\n')) != NULL; at++) {
        count++;
    }
    return count;
}

static inline void captured_fini(struct captured *captured)
{
    server_log_destroy(captured->log);
    fclose(captured->file);
}

#endif
