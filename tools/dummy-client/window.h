/* tools/dummy-client/window.h: numbers that should come once each, and in order. */
#ifndef GW_DUMMY_WINDOW_H
#define GW_DUMMY_WINDOW_H

#include <stdint.h>

struct dummy_faults;

/*
 *         heard before it began | 7 8 9 . 11 12 | next: 13
 *                                       ^
 *                       10 counts as lost until it comes late; then as out of order
 *
 * Whether an old number was heard is known for the last 64; one that is older counts as doubled.
 */
struct dummy_window {
    uint64_t next;   /* the number that should come now; 0: whichever comes first is right */
    uint64_t recent; /* bit n: next - 1 - n was received, or is from before it began */
};

/* Begins to hear at `next`; 0 begins with whichever number comes first. */
void dummy_window_init(struct dummy_window *window, uint64_t next);

/* Hears one number; what is wrong with it is counted in `faults`. */
void dummy_window_receive(struct dummy_window *window, uint64_t number,
                          struct dummy_faults *faults);

#endif
