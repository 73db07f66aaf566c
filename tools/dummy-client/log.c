/* tools/dummy-client/log.c: what the house has to tell, on stderr. */
#include "tools/dummy-client/log.h"
#include <stdio.h>

enum { LINE_COUNT_MAX = 10, LINE_BYTES = 400 };

static size_t append_field(char *line, size_t used, const struct gw_log_field *field)
{
    int bytes = field->text != NULL ? snprintf(line + used, LINE_BYTES - used, " %s=\"%s\"",
                                               field->name, field->text)
                                    : snprintf(line + used, LINE_BYTES - used, " %s=%lld",
                                               field->name, (long long)field->number);
    size_t after = used + (bytes > 0 ? (size_t)bytes : 0);
    return after < LINE_BYTES ? after : LINE_BYTES - 1;
}

static void write_event(enum gw_log_level level, const char *event,
                        const struct gw_log_field *fields, size_t field_count, void *context)
{
    struct dummy_log *log = context;
    if (level > GW_LOG_INFO || atomic_fetch_add(&log->count, 1) >= LINE_COUNT_MAX) {
        return;
    }
    char line[LINE_BYTES] = "";
    size_t used = 0;
    for (size_t i = 0; i < field_count; i++) {
        used = append_field(line, used, &fields[i]);
    }
    fprintf(stderr, "gangway-dummy: %s: %s%s\n", gw_log_level_name(level), event, line);
}

struct gw_log dummy_log_open(struct dummy_log *log)
{
    return (struct gw_log){.write = write_event, .context = log};
}
