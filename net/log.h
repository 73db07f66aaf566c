/* net/log.h: how the house tells its owner what happened. */
#ifndef GW_NET_LOG_H
#define GW_NET_LOG_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The house prints nothing. What is worth telling goes to one callback of its owner as an event: a
 * level, a name that stays the same ("accept_failed"), and fields. The owner decides what becomes
 * of it.
 */
enum gw_log_level { GW_LOG_ERROR, GW_LOG_WARNING, GW_LOG_INFO, GW_LOG_DEBUG };

/* One fact about an event. `text` is NULL for a number. */
struct gw_log_field {
    const char *name;
    const char *text;
    int64_t number;
};

/*
 * What receives events. All zero is a log that nobody reads.
 *
 * `write` is called from any thread, from several at once, inside turns: it must not block,
 * and must not call back into the house. What it is given is gone when it returns.
 */
struct gw_log {
    void (*write)(enum gw_log_level level, const char *event, const struct gw_log_field *fields,
                  size_t field_count, void *context);
    void *context;
};

/* A number or a text as a field: GW_LOG_NUMBER("streams", n). */
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

/* Hands an event to `log`, if anybody reads it. Owns: borrows all. Thread: any. */
void gw_log_write(const struct gw_log *log, enum gw_log_level level, const char *event,
                  const struct gw_log_field *fields, size_t field_count);

/* A level's name for people: "error", "warning", "info", "debug". Thread: any. */
const char *gw_log_level_name(enum gw_log_level level);

#ifdef __cplusplus
}
#endif

#endif
