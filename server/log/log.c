/* server/log/log.c: Log lines: level, time, limit, output. */
#include "server/log/log.h"

#include "server/log/limit.h"
#include "server/log/out.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { TIME_BYTES = 64, END_WAIT_MS = 1000 };

struct server_log {
    struct server_log_out *out;
    struct server_log_config config;
    struct server_log_limit limit;
    _Atomic uint32_t wait_ms; /* for a non-blocking file */
    atomic_bool is_lossy;     /* a line could not be written */
};

struct server_log *server_log_create(FILE *out, const struct server_log_config *config)
{
    struct server_log *log = calloc(1, sizeof *log);
    if (log == NULL) {
        return NULL;
    }
    log->config = *config;
    log->out = server_log_out_create(out);
    if (log->out == NULL) {
        free(log);
        return NULL;
    }
    return log;
}

/* A line that cannot be written counts as a dropped line. */
static bool write_out(struct server_log *log, const char *text, size_t bytes)
{
    uint32_t wait_ms = atomic_load_explicit(&log->wait_ms, memory_order_relaxed);
    bool is_written = server_log_out_write(log->out, text, bytes, wait_ms);
    if (!is_written) {
        server_log_limit_drop(&log->limit);
        atomic_store_explicit(&log->is_lossy, true, memory_order_relaxed);
    }
    return is_written;
}

void server_log_plain(struct server_log *log, const char *text)
{
    (void)write_out(log, text, strlen(text));
}

/* gmtime() of C11 is not thread-safe. Source: H. Hinnant, "chrono-Compatible Low-Level Date
 * Algorithms", civil_from_days; its years begin in March. */
static void format_utc(char out[TIME_BYTES], const struct timespec *now)
{
    int64_t day = now->tv_sec / 86400 + 719468;
    int second = (int)(now->tv_sec % 86400);
    int64_t era = day / 146097;
    int day_of_era = (int)(day % 146097);
    int year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month_from_march = (5 * day_of_year + 2) / 153;
    int month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    snprintf(out, TIME_BYTES, "%04" PRId64 "-%02d-%02dT%02d:%02d:%02d.%03dZ",
             year_of_era + era * 400 + (month <= 2), month,
             day_of_year - (153 * month_from_march + 2) / 5 + 1, second / 3600, second / 60 % 60,
             second % 60, (int)(now->tv_nsec / 1000000));
}

static void start(struct server_log_line *line, struct server_log *log, enum gw_log_level level,
                  const char *event, const struct timespec *now)
{
    char time[TIME_BYTES];
    char head[TIME_BYTES * 2];
    line->log = log;
    line->is_full = false;
    line->used_bytes = 0;
    format_utc(time, now);
    snprintf(head, sizeof head, "%s %-7s ", time, gw_log_level_name(level));
    server_log_put(line, head);
    server_log_put(line, event);
}

/* The last tenth is reserved for warnings and errors: a flood of other lines cannot suppress them.
 */
static uint32_t lines_max(const struct server_log *log, enum gw_log_level level)
{
    uint32_t max = log->config.lines_per_second_max;
    return level <= GW_LOG_WARNING ? max : max - max / 10;
}

static bool end_line(struct server_log_line *line)
{
    const char *tail = line->is_full ? "...\n" : "\n";
    memcpy(line->text + line->used_bytes, tail, strlen(tail));
    return write_out(line->log, line->text, line->used_bytes + strlen(tail));
}

static void report_dropped(struct server_log *log, const struct timespec *now)
{
    uint64_t dropped = server_log_limit_take_dropped(&log->limit);
    if (dropped > 0) {
        struct server_log_line line;
        start(&line, log, GW_LOG_WARNING, "log_dropped", now);
        server_log_number(&line, "lines", (int64_t)dropped);
        if (!end_line(&line)) {
            server_log_limit_return_dropped(&log->limit, dropped);
        }
    }
}

void server_log_wait(struct server_log *log)
{
    atomic_store(&log->wait_ms, END_WAIT_MS);
}

static void report_last_dropped(struct server_log *log)
{
    struct timespec now = server_log_utc_now();
    report_dropped(log, &now);
}

uint64_t server_log_finish(struct server_log *log, const char **why_out)
{
    bool is_cut;
    report_last_dropped(log);
    int error = server_log_out_error(log->out, &is_cut);
    if (!atomic_load(&log->is_lossy) && !is_cut) {
        return 0;
    }
    *why_out = strerror(error);
    return server_log_dropped(log) + is_cut;
}

void server_log_destroy(struct server_log *log)
{
    if (log != NULL) {
        report_last_dropped(log);
        server_log_out_destroy(log->out);
        free(log);
    }
}

uint64_t server_log_dropped(struct server_log *log)
{
    return atomic_load_explicit(&log->limit.dropped_total, memory_order_relaxed);
}

void server_log_begin(struct server_log_line *line, struct server_log *log, enum gw_log_level level,
                      const char *event)
{
    line->log = NULL;
    if (level > log->config.level) {
        return;
    }
    struct timespec now = server_log_utc_now();
    bool is_first;
    if (!server_log_limit_take(&log->limit, (uint64_t)now.tv_sec, lines_max(log, level),
                               &is_first)) {
        return;
    }
    if (is_first) {
        report_dropped(log, &now);
    }
    start(line, log, level, event, &now);
}

void server_log_begin_report(struct server_log_line *line, struct server_log *log,
                             const char *event)
{
    struct timespec now = server_log_utc_now();
    start(line, log, GW_LOG_INFO, event, &now);
}

void server_log_end(struct server_log_line *line)
{
    if (line->log != NULL) {
        (void)end_line(line);
    }
}

static void write_event(enum gw_log_level level, const char *event,
                        const struct gw_log_field *fields, size_t field_count, void *context)
{
    struct server_log_line line;
    server_log_begin(&line, context, level, event);
    for (size_t i = 0; i < field_count; i++) {
        if (fields[i].text == NULL) {
            server_log_number(&line, fields[i].name, fields[i].number);
        } else {
            server_log_word(&line, fields[i].name, fields[i].text);
        }
    }
    server_log_end(&line);
}

struct gw_log server_log_hook(struct server_log *log)
{
    return (struct gw_log){.write = write_event, .context = log};
}
