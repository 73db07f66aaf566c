/* net/histogram.c: A log-linear histogram of durations. */
#include "net/histogram.h"

enum { PART_BITS = 6 };

static uint64_t get(const atomic_uint_least64_t *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

static void set(atomic_uint_least64_t *number, uint64_t value)
{
    atomic_store_explicit(number, value, memory_order_relaxed);
}

/* The index of the highest bit that is set. */
static uint32_t magnitude(uint64_t value)
{
    uint32_t index = 0;
    for (uint32_t half = 32; half > 0; half /= 2) {
        if (value >> half != 0) {
            value >>= half;
            index += half;
        }
    }
    return index;
}

/* Below 64 a bucket is one nanosecond wide; from there on each doubling has 64 buckets. */
static uint32_t bucket_of(uint64_t value_ns)
{
    if (value_ns < GW_HISTOGRAM_PARTS) {
        return (uint32_t)value_ns;
    }
    uint32_t doubling = magnitude(value_ns) - PART_BITS;
    if (doubling >= GW_HISTOGRAM_DOUBLINGS) {
        return GW_HISTOGRAM_BUCKETS - 1;
    }
    return doubling * GW_HISTOGRAM_PARTS + (uint32_t)(value_ns >> doubling);
}

/* The largest value of a bucket. */
static uint64_t bucket_end_ns(uint32_t bucket)
{
    if (bucket < 2 * GW_HISTOGRAM_PARTS) {
        return bucket;
    }
    uint32_t doubling = bucket / GW_HISTOGRAM_PARTS - 1;
    uint64_t part = bucket - doubling * GW_HISTOGRAM_PARTS;
    return ((part + 1) << doubling) - 1;
}

void gw_histogram_add(struct gw_histogram *histogram, uint64_t value_ns)
{
    atomic_uint_least64_t *count = &histogram->counts[bucket_of(value_ns)];
    set(count, get(count) + 1);
    if (value_ns > get(&histogram->max_ns)) {
        set(&histogram->max_ns, value_ns);
    }
}

void gw_histogram_merge(struct gw_histogram *into, const struct gw_histogram *from)
{
    for (uint32_t i = 0; i < GW_HISTOGRAM_BUCKETS; i++) {
        set(&into->counts[i], get(&into->counts[i]) + get(&from->counts[i]));
    }
    if (get(&from->max_ns) > get(&into->max_ns)) {
        set(&into->max_ns, get(&from->max_ns));
    }
}

void gw_histogram_subtract(struct gw_histogram *from, const struct gw_histogram *earlier)
{
    uint64_t max_ns = 0;
    for (uint32_t i = 0; i < GW_HISTOGRAM_BUCKETS; i++) {
        set(&from->counts[i], get(&from->counts[i]) - get(&earlier->counts[i]));
        if (get(&from->counts[i]) > 0) {
            max_ns = bucket_end_ns(i);
        }
    }
    if (max_ns < get(&from->max_ns)) {
        set(&from->max_ns, max_ns);
    }
}

uint64_t gw_histogram_count(const struct gw_histogram *histogram)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < GW_HISTOGRAM_BUCKETS; i++) {
        count += get(&histogram->counts[i]);
    }
    return count;
}

uint64_t gw_histogram_percentile_ns(const struct gw_histogram *histogram, double percent)
{
    uint64_t max_ns = get(&histogram->max_ns);
    double wanted = (double)gw_histogram_count(histogram) * percent / 100;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < GW_HISTOGRAM_BUCKETS - 1; i++) {
        seen += get(&histogram->counts[i]);
        if (seen > 0 && (double)seen >= wanted) {
            uint64_t end_ns = bucket_end_ns(i);
            return percent < 100 && end_ns < max_ns ? end_ns : max_ns;
        }
    }
    return max_ns;
}
