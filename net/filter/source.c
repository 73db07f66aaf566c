/* net/filter/source.c: References to the configuration of byte filters. */
#include "net/filter/source.h"

#include "net/filter/filter.h"

struct gw_filter_source *gw_filter_source_ref(struct gw_filter_source *source)
{
    atomic_fetch_add_explicit(&source->refs, 1, memory_order_relaxed);
    return source;
}

void gw_filter_source_unref(struct gw_filter_source *source)
{
    if (source != NULL && atomic_fetch_sub_explicit(&source->refs, 1, memory_order_acq_rel) == 1) {
        source->destroy(source);
    }
}
