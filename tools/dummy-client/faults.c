/* tools/dummy-client/faults.c: counters of faults in what a client receives, by kind. */
#include "tools/dummy-client/faults.h"

static const struct {
    const char *name;
    const char *key;
} names[DUMMY_FAULT_COUNT] = {
    [DUMMY_LOST] = {"lost", "lost"},
    [DUMMY_DOUBLED] = {"doubled", "doubled"},
    [DUMMY_OUT_OF_ORDER] = {"out of order", "out_of_order"},
    [DUMMY_WRONG_POSITION] = {"wrong positions", "wrong_positions"},
    [DUMMY_GARBLED] = {"garbled", "garbled"},
};

void dummy_faults_add(struct dummy_faults *faults, enum dummy_fault fault, int64_t count)
{
    uint64_t now = dummy_faults_count(faults, fault) + (uint64_t)count;
    atomic_store_explicit(&faults->count[fault], now, memory_order_relaxed);
}

uint64_t dummy_faults_count(const struct dummy_faults *faults, enum dummy_fault fault)
{
    return atomic_load_explicit(&faults->count[fault], memory_order_relaxed);
}

uint64_t dummy_faults_total(const struct dummy_faults *faults)
{
    uint64_t total = 0;
    for (int fault = 0; fault < DUMMY_FAULT_COUNT; fault++) {
        total += dummy_faults_count(faults, fault);
    }
    return total;
}

const char *dummy_fault_name(enum dummy_fault fault)
{
    return names[fault].name;
}

const char *dummy_fault_key(enum dummy_fault fault)
{
    return names[fault].key;
}
