/* tests/stories/visitors.h: players who come, do this and that, and leave or vanish at any moment.
 */
#ifndef GW_TESTS_STORIES_VISITORS_H
#define GW_TESTS_STORIES_VISITORS_H

#include "tests/stories/hall.h"
#include "tests/support/chance.h"
#include <stdbool.h>
#include <stdint.h>

/*
 * From now on `count` come, one after the other and many at one time. What they do is decided by
 * the seed; when, by how quickly they are answered.
 */
void visitors_begin(struct hall *halls, uint32_t hall_count, uint32_t count, uint64_t seed);

/* Each does something, or nothing. Returns false when all have come and gone. */
bool visitors_act(void);

/* Each believes what it has heard. */
void visitors_listen(void);

/* How many have reset their connection before they were greeted: some systems never show those. */
uint32_t visitors_early_reset_count(void);

#endif
