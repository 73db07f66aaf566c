/* tools/dummy-client/faults.h: what a client may hear that it should not, counted by kind. */
#ifndef GW_DUMMY_FAULTS_H
#define GW_DUMMY_FAULTS_H

#include <stdatomic.h>
#include <stdint.h>

enum dummy_fault {
    DUMMY_LOST,
    DUMMY_DOUBLED,
    DUMMY_OUT_OF_ORDER,
    DUMMY_WRONG_POSITION, /* somebody is not where the others believe */
    DUMMY_GARBLED,        /* not what was sent, or from somebody who is not here */
    DUMMY_FAULT_COUNT
};

/* All zero is none. One turn writes them; the live line reads them from another. */
struct dummy_faults {
    atomic_uint_least64_t count[DUMMY_FAULT_COUNT];
};

/* Counts `count` more, or, when it is negative, fewer. Thread: the one that writes them. */
void dummy_faults_add(struct dummy_faults *faults, enum dummy_fault fault, int64_t count);

/* Thread: any. */
uint64_t dummy_faults_count(const struct dummy_faults *faults, enum dummy_fault fault);
uint64_t dummy_faults_total(const struct dummy_faults *faults);

/* A kind's name for people: "out of order"; and for programs: "out_of_order". Thread: any. */
const char *dummy_fault_name(enum dummy_fault fault);
const char *dummy_fault_key(enum dummy_fault fault);

#endif
