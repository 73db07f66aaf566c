/* tools/dummy-client/report.h: the results of a run, and their output. */
#ifndef GW_DUMMY_REPORT_H
#define GW_DUMMY_REPORT_H

#include "net/port.h"
#include "session/manager.h"
#include "tools/dummy-client/faults.h"
#include "tools/dummy-client/options.h"
#include "tools/dummy-client/stats.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct dummy_schedule;
struct dummy_run;

/* The number of Game__EnterResults. */
enum { DUMMY_REFUSAL_COUNT = 4 };

struct dummy_report {
    struct dummy_options options;
    enum gw_backend backend;
    uint32_t worker_count;
    double seconds; /* from the beginning to the end of the last session */

    uint32_t dialed, dial_failed, begun, greeted, ready;
    uint32_t refused[DUMMY_REFUSAL_COUNT]; /* by Game__EnterResult */
    uint32_t room_count, rooms_with_outsiders;

    struct dummy_counter total;
    uint64_t bytes_out, bytes_in;
    uint64_t unanswered;       /* messages without an answer */
    uint64_t requests_refused; /* answered with ERROR */
    uint64_t requests_late;    /* not answered in time */

    uint32_t ends[GW_CLOSE_REASON_COUNT];         /* by reason; DUMMY_LEAVES: the client left */
    uint32_t peer_reasons[GW_CLOSE_REASON_COUNT]; /* of those that are BY_PEER */
    uint32_t asked_to_go;                         /* clients that received GOAWAY */
    uint32_t not_asked;  /* greeted clients that had to leave without GOAWAY */
    uint32_t disorderly; /* ended out of order */
    uint32_t not_ready;  /* stayed to the end, and never entered their room */
    uint32_t unended;    /* did not end in time */

    struct dummy_faults faults;
    bool nobody_listens;
    const char *problem; /* why TLS or WebSocket failed, for one of the clients; or NULL */
    bool interrupted;    /* by a signal */
    bool complete; /* all clients had time to receive everything, so that the end was checked */
};

/*
 * Checks the ledgers of a run that has ended, and sums everything up in a zeroed report.
 *
 * Thread    setup, once, after the workers have joined.
 */
void dummy_report_collect(struct dummy_report *report, struct dummy_run *run,
                          const struct dummy_schedule *schedule);

/* Whether no client could be dialed: then there is nothing to report. */
bool dummy_report_has_no_client(const struct dummy_report *report);

/* Whether the run succeeded. */
bool dummy_report_is_clean(const struct dummy_report *report);

/* Prints the report as text, or as one JSON object. */
void dummy_report_print(const struct dummy_report *report, FILE *file);
void dummy_report_print_json(const struct dummy_report *report, FILE *file);

/* The name of an enter result: "ROOM_FULL". */
const char *dummy_refusal_name(int refusal);

#endif
