/* net/log.c: Passing of log events to the program. */
#include "net/log.h"

void gw_log_write(const struct gw_log *log, enum gw_log_level level, const char *event,
                  const struct gw_log_field *fields, size_t field_count)
{
    if (log->write != NULL) {
        log->write(level, event, fields, field_count, log->context);
    }
}

const char *gw_log_level_name(enum gw_log_level level)
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
