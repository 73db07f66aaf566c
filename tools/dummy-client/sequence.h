/* tools/dummy-client/sequence.h: a check that numbers arrive once each, in order. */
#ifndef GW_DUMMY_SEQUENCE_H
#define GW_DUMMY_SEQUENCE_H

#include <stdint.h>

struct dummy_faults;

/*
 *         before the beginning | 7 8 9 . 11 12 | next: 13
 *                                      ^
 *                      10 counts as lost until it arrives late; then as out of order
 *
 * The last 64 numbers are remembered; an older one counts as doubled.
 */
struct dummy_sequence {
    uint64_t next;   /* the number that should arrive now; 0: any number may be the first */
    uint64_t recent; /* bit n: next - 1 - n was received, or is from before the beginning */
};

/* Begins at `next`; 0 begins with the first number that arrives. */
void dummy_sequence_init(struct dummy_sequence *sequence, uint64_t next);

/* Receives one number; counts what is wrong with it in `faults`. */
void dummy_sequence_receive(struct dummy_sequence *sequence, uint64_t number,
                            struct dummy_faults *faults);

#endif
