/* net/log.h: Log events of the library. */
#ifndef GW_NET_LOG_H
#define GW_NET_LOG_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The library prints nothing, except the report of gw_turn_check() in a build with assertions. It
 * passes events to one callback of the program: a level, a name that does not change between
 * versions ("accept_failed"), and fields. The program writes them where it wants.
 */
enum gw_log_level { GW_LOG_ERROR, GW_LOG_WARNING, GW_LOG_INFO, GW_LOG_DEBUG };

/* One field of an event. `text` is NULL for a number. */
struct gw_log_field {
    const char *name;
    const char *text;
    int64_t number;
};

/*
 * The receiver of events. All zero: events are discarded.
 *
 * `write` is called on any thread, also on several at the same time and inside turns: it must not
 * block, and must not call the library. Its arguments are valid until it returns.
 */
struct gw_log {
    void (*write)(enum gw_log_level level, const char *event, const struct gw_log_field *fields,
                  size_t field_count, void *context);
    void *context;
};

/* Make a field of a number or a text: GW_LOG_NUMBER("streams", n). */
#define GW_LOG_NUMBER(field_name, value) gw_log_number((field_name), (int64_t)(value))
#define GW_LOG_TEXT(field_name, value)   gw_log_text((field_name), (value))
static inline struct gw_log_field gw_log_number(const char *name, int64_t number)
{
    struct gw_log_field field = {name, NULL, number};
    return field;
}
static inline struct gw_log_field gw_log_text(const char *name, const char *text)
{
    struct gw_log_field field = {name, text, 0};
    return field;
}

/* Passes an event to `log`, unless its `write` is NULL. Owns: borrows all. Thread: any. */
static inline void gw_log_write(const struct gw_log *log, enum gw_log_level level,
                                const char *event, const struct gw_log_field *fields,
                                size_t field_count)
{
    if (log->write != NULL) {
        log->write(level, event, fields, field_count, log->context);
    }
}

/* The name of a level: "error", "warning", "info", "debug". Thread: any. */
static inline const char *gw_log_level_name(enum gw_log_level level)
{
    switch (level) {
    case GW_LOG_ERROR:
        return "error";
    case GW_LOG_WARNING:
        return "warning";
    case GW_LOG_INFO:
        return "info";
    case GW_LOG_DEBUG:
        return "debug";
    }
    return "?";
}

#ifdef __cplusplus
}
#endif

#endif
