/* tools/dummy-client/run.h: a whole run, from the first call to the report. */
#ifndef GW_DUMMY_RUN_H
#define GW_DUMMY_RUN_H

struct dummy_options;
struct dummy_report;

/*
 * Builds a house of its own, fills it with clients, and takes it down when the last is gone. A
 * server may live in the same process.
 *
 * Returns   0, and *report_out says how it went; or a gw_error when the house could not be built.
 * Owns      borrows all.
 * Thread    any that is not a worker.
 */
int dummy_run(const struct dummy_options *options, struct dummy_report *report_out);

#endif
