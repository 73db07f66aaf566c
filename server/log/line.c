/* server/log/line.c: Fields of a log line, with text of clients escaped. */
#include "server/log/log.h"

#include "server/log/text.h"

#include <inttypes.h>
#include <string.h>

enum {
    TAIL_BYTES = 8, /* reserved for the end of a line: a quote, "...", a newline */
};

static void put_bytes(struct server_log_line *line, const char *bytes, size_t count)
{
    if (line->log == NULL || line->is_full) {
        return;
    }
    line->is_full = count > SERVER_LOG_LINE_BYTES - TAIL_BYTES - line->used_bytes;
    if (!line->is_full) {
        memcpy(line->text + line->used_bytes, bytes, count);
        line->used_bytes += count;
    }
}

void server_log_put(struct server_log_line *line, const char *text)
{
    put_bytes(line, text, strlen(text));
}

static void put_point(struct server_log_line *line, const char *text,
                      struct server_text_point point)
{
    if (point.is_printable && *text != '"' && *text != '\\') {
        put_bytes(line, text, point.byte_count);
    } else {
        char escape[SERVER_TEXT_ESCAPE_BYTES];
        server_log_put(line, server_text_escape(text, point, escape));
    }
}

void server_log_put_quoted(struct server_log_line *line, const char *text, size_t bytes_max)
{
    server_log_put(line, "\"");
    if (line->log == NULL || line->is_full) {
        return;
    }
    const char *at = text;
    while (*at != '\0' && (size_t)(at - text) < bytes_max && !line->is_full) {
        struct server_text_point point = server_text_next(at);
        put_point(line, at, point);
        at += point.byte_count;
    }
    /* The closing quote is written also in a full line: put_bytes() leaves TAIL_BYTES. */
    line->text[line->used_bytes++] = '"';
    if (*at != '\0') {
        server_log_put(line, "...");
    }
}

static void put_name(struct server_log_line *line, const char *name)
{
    server_log_put(line, " ");
    server_log_put(line, name);
    server_log_put(line, "=");
}

void server_log_number(struct server_log_line *line, const char *name, int64_t number)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRId64, number);
    put_name(line, name);
    server_log_put(line, digits);
}

void server_log_id(struct server_log_line *line, const char *name, uint64_t id)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, id);
    put_name(line, name);
    server_log_put(line, digits);
}

static bool is_plain_word(const char *word)
{
    size_t plain = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "_-.:[]/+*?");
    return plain > 0 && word[plain] == '\0';
}

void server_log_word(struct server_log_line *line, const char *name, const char *word)
{
    put_name(line, name);
    if (is_plain_word(word)) {
        server_log_put(line, word);
    } else {
        server_log_put_quoted(line, word, SERVER_LOG_LINE_BYTES);
    }
}

void server_log_text(struct server_log_line *line, const char *name, const char *text)
{
    put_name(line, name);
    server_log_put_quoted(line, text, SERVER_LOG_LINE_BYTES);
}
