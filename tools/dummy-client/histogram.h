/* tools/dummy-client/histogram.h: how long things took, in little memory. */
#ifndef GW_DUMMY_HISTOGRAM_H
#define GW_DUMMY_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * Buckets are log-linear: each doubling of the time is cut into 64 equal parts, so that every value
 * is known to one part in 64, from a nanosecond to eighteen minutes. What is longer counts as that.
 *
 * One thread records; others may merge it meanwhile, and get a picture that is a moment old.
 */
enum {
    DUMMY_HISTOGRAM_PARTS = 64,
    DUMMY_HISTOGRAM_DOUBLINGS = 34,
    DUMMY_HISTOGRAM_BUCKETS = (DUMMY_HISTOGRAM_DOUBLINGS + 1) * DUMMY_HISTOGRAM_PARTS
};

/* All zero is empty. */
struct dummy_histogram {
    atomic_uint_least64_t counts[DUMMY_HISTOGRAM_BUCKETS];
    atomic_uint_least64_t max_ns;
};

/* Thread: the one that records. */
void dummy_histogram_add(struct dummy_histogram *histogram, uint64_t value_ns);

/* Adds what `from` has to `into`. Thread: the one that owns `into`. */
void dummy_histogram_merge(struct dummy_histogram *into, const struct dummy_histogram *from);

/*
 * Takes away what was there at an earlier moment; the longest time becomes that of the highest
 * bucket left. Thread: the one that owns `from`.
 */
void dummy_histogram_subtract(struct dummy_histogram *from, const struct dummy_histogram *earlier);

/* How many were recorded. */
uint64_t dummy_histogram_count(const struct dummy_histogram *histogram);

/*
 * The time within which `percent` of all fell: never too short, too long by at most one part in 64.
 * 100 is the longest of all, exactly. 0 when there are none.
 */
uint64_t dummy_histogram_percentile_ns(const struct dummy_histogram *histogram, double percent);

#endif
