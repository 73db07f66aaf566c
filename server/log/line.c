/* server/log/line.c: Fields of a log line, with text of clients escaped. */
#include "server/log/log.h"

#include "server/log/text.h"

#include <inttypes.h>
#include <string.h>

enum {
    TAIL_BYTES = 8, /* reserved for the end of a line: a quote, "...", a newline */
    ESCAPE_BYTES = 16,
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

static void put_escape(struct server_log_line *line, const char *format, unsigned value)
{
    char escape[ESCAPE_BYTES];
    snprintf(escape, sizeof escape, format, value);
    server_log_put(line, escape);
}

static void put_escaped(struct server_log_line *line, uint8_t byte, int32_t code_point)
{
    if (code_point == '\n') {
        server_log_put(line, "\\n");
    } else if (code_point == '\r') {
        server_log_put(line, "\\r");
    } else if (code_point == '\t') {
        server_log_put(line, "\\t");
    } else if (code_point < 0x80) {
        put_escape(line, "\\x%02X", byte);
    } else {
        put_escape(line, "\\u{%X}", (unsigned)code_point);
    }
}

static void put_point(struct server_log_line *line, const char *text,
                      struct server_text_point point)
{
    if (!point.is_printable) {
        put_escaped(line, (uint8_t)*text, point.code_point);
        return;
    }
    if (*text == '"' || *text == '\\') {
        server_log_put(line, "\\");
    }
    put_bytes(line, text, point.byte_count);
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
