/* net/histogram.h: A log-linear histogram of durations. */
#ifndef GW_NET_HISTOGRAM_H
#define GW_NET_HISTOGRAM_H

#include <stdint.h>
#ifndef __cplusplus
#include <stdatomic.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Each power of two is divided into 64 equal buckets, so that every value is known to one part in
 * 64, from a nanosecond to eighteen minutes. A longer value counts in the last bucket.
 *
 * One thread at a time records. Others may merge it at the same time, and get values that are a
 * moment old.
 */
enum {
    GW_HISTOGRAM_PARTS = 64,
    GW_HISTOGRAM_DOUBLINGS = 34,
    GW_HISTOGRAM_BUCKETS = (GW_HISTOGRAM_DOUBLINGS + 1) * GW_HISTOGRAM_PARTS
};

/* All zero is empty. C++ has no _Atomic; there the struct has the same layout. */
struct gw_histogram {
#ifdef __cplusplus
    uint64_t counts[GW_HISTOGRAM_BUCKETS];
    uint64_t max_ns;
#else
    atomic_uint_least64_t counts[GW_HISTOGRAM_BUCKETS];
    atomic_uint_least64_t max_ns;
#endif
};

/* Records a value. Thread: the one that records. */
void gw_histogram_add(struct gw_histogram *histogram, uint64_t value_ns);

/* Adds the counts of `from` to `into`. Thread: the one that owns `into`. */
void gw_histogram_merge(struct gw_histogram *into, const struct gw_histogram *from);

/*
 * Subtracts the counts of an earlier copy; the maximum becomes that of the highest bucket left.
 *
 * Thread    the one that owns `from`
 */
void gw_histogram_subtract(struct gw_histogram *from, const struct gw_histogram *earlier);

/* The number of recorded values. Thread: any. */
uint64_t gw_histogram_count(const struct gw_histogram *histogram);

/*
 * The value that `percent` of all values do not exceed: never too small, too large by at most one
 * part in 64. 100 gives the exact maximum. 0 when there are no values.
 *
 * Thread    any
 */
uint64_t gw_histogram_percentile_ns(const struct gw_histogram *histogram, double percent);

#ifdef __cplusplus
}
#endif

#endif
