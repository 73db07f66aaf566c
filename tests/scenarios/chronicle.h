/* tests/scenarios/chronicle.h: what a server's log says of those who came. */
#ifndef GW_TESTS_SCENARIOS_CHRONICLE_H
#define GW_TESTS_SCENARIOS_CHRONICLE_H

#include <stdint.h>
#include <stdio.h>

/*
 * Reads the whole log. Every session that began has ended once, and nobody ended who had not begun;
 * at most `begun_count` began.
 */
void chronicle_expect_each_ended_once(FILE *log, uint64_t begun_count);

/* How many lines there are so far. */
uint64_t chronicle_lines(FILE *log);

#endif
