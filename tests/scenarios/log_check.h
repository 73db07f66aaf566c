/* tests/scenarios/log_check.h: Checks of the server's log. */
#ifndef GW_TESTS_SCENARIOS_LOG_CHECK_H
#define GW_TESTS_SCENARIOS_LOG_CHECK_H

#include <stdint.h>
#include <stdio.h>

/*
 * Reads the whole log. Fails unless every session that was greeted has ended exactly once, no other
 * session ended, and at most `greeted_count` were greeted.
 */
void log_expect_each_session_ended_once(FILE *log, uint64_t greeted_count);

/* The number of lines so far. */
uint64_t log_line_count(FILE *log);

#endif
