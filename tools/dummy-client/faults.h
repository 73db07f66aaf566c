/* tools/dummy-client/faults.h: counters of faults in what a client receives, by kind. */
#ifndef GW_DUMMY_FAULTS_H
#define GW_DUMMY_FAULTS_H

#include <stdatomic.h>
#include <stdint.h>

enum dummy_fault {
    DUMMY_LOST,
    DUMMY_DOUBLED,
    DUMMY_OUT_OF_ORDER,
    DUMMY_WRONG_POSITION, /* a member is not where the receiver believes it to be */
    DUMMY_GARBLED,        /* not what was sent, or from a client that is not in the room */
    DUMMY_FAULT_COUNT
};

/* All zero is none. One turn writes them; the progress line reads them from another. */
struct dummy_faults {
    atomic_uint_least64_t count[DUMMY_FAULT_COUNT];
};

/* Adds `count`, which may be negative. Thread: the one that writes them. */
void dummy_faults_add(struct dummy_faults *faults, enum dummy_fault fault, int64_t count);

/* Thread: any. */
uint64_t dummy_faults_count(const struct dummy_faults *faults, enum dummy_fault fault);
uint64_t dummy_faults_total(const struct dummy_faults *faults);

/* A fault's name in the text report: "out of order"; in JSON: "out_of_order". Thread: any. */
const char *dummy_fault_name(enum dummy_fault fault);
const char *dummy_fault_key(enum dummy_fault fault);

#endif
