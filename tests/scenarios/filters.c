/* tests/scenarios/filters.c: Filters that change no byte, in each stream. */
#include "net/stream_internal.h"
#include "tests/support/test_filter.h"
#include <stdlib.h>

int __real_gw__stream_filters_create(struct gw_stream *stream,
                                     const struct gw_stream_config *config);
int __wrap_gw__stream_filters_create(struct gw_stream *stream,
                                     const struct gw_stream_config *config);

int __wrap_gw__stream_filters_create(struct gw_stream *stream,
                                     const struct gw_stream_config *config)
{
    const char *count = getenv("SCENARIO_FILTERS");
    struct gw_stream_config filtered = *config;
    test_filter_add_clear(&filtered, count == NULL ? 0 : (uint32_t)strtoul(count, NULL, 10));
    return __real_gw__stream_filters_create(stream, &filtered);
}
