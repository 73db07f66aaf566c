/* tools/dummy-client/report.h: what a run was like. */
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

struct dummy_conductor;
struct dummy_crowd;

/* How many Game__EnterResults there are. */
enum { DUMMY_REFUSAL_COUNT = 4 };

struct dummy_report {
    struct dummy_options options;
    enum gw_backend backend;
    uint32_t worker_count;
    double seconds; /* from the first call to the last goodbye */

    uint32_t dialed, dial_failed, begun, greeted, ready;
    uint32_t refused[DUMMY_REFUSAL_COUNT]; /* by Game__EnterResult */
    uint32_t room_count, rooms_with_outsiders;

    struct dummy_counter total;
    uint64_t bytes_out, bytes_in;
    uint64_t unanswered;       /* messages whose answer never came */
    uint64_t requests_refused; /* answered with ERROR */
    uint64_t requests_late;    /* not answered in time */

    uint32_t ends[GW_CLOSE_REASON_COUNT];         /* by reason; DUMMY_LEAVES: we left */
    uint32_t peer_reasons[GW_CLOSE_REASON_COUNT]; /* of those that are BY_PEER */
    uint32_t asked_to_go;                         /* clients that were told GOAWAY */
    uint32_t not_asked;                           /* were greeted and had to leave, and were not */
    uint32_t disorderly;                          /* ended in no good order */
    uint32_t not_ready;                           /* were here to the end, and were never let in */
    uint32_t unended;                             /* did not end in time */

    struct dummy_faults faults;
    bool nobody_listens;
    bool interrupted; /* by the user */
    bool complete; /* everybody had time to receive everything, so that the end could be checked */
};

/*
 * Judges the ledgers of a run that is over, and adds everything up into a zeroed report.
 *
 * Thread    setup, once, after the workers have come home.
 */
void dummy_report_collect(struct dummy_report *report, struct dummy_crowd *crowd,
                          const struct dummy_conductor *conductor);

/* Whether not one client could even call: there is nothing to report then. */
bool dummy_report_has_no_client(const struct dummy_report *report);

/* Whether nothing was wrong at all. */
bool dummy_report_is_clean(const struct dummy_report *report);

/* For people; or as one JSON object. */
void dummy_report_print(const struct dummy_report *report, FILE *file);
void dummy_report_print_json(const struct dummy_report *report, FILE *file);

/* The name of an enter result, for people: "ROOM_FULL". */
const char *dummy_refusal_name(int refusal);

#endif
