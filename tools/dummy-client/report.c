/* tools/dummy-client/report.c: the results of a run. */
#include "tools/dummy-client/report.h"
#include "proto/game/game_client.gen.h"
#include "tools/dummy-client/client.h"
#include "tools/dummy-client/room.h"
#include "tools/dummy-client/run.h"
#include "tools/dummy-client/schedule.h"

const char *dummy_refusal_name(int refusal)
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(&game__enter_result__descriptor, refusal);
    return value == NULL ? "?" : value->name;
}

static void count_refusal(struct dummy_report *report, int refusal)
{
    bool is_known = refusal > 0 && refusal < DUMMY_REFUSAL_COUNT;
    report->refused[is_known ? refusal : 0] += refusal != GAME__ENTER_RESULT__ENTERED_OK;
}

static void count_end(struct dummy_report *report, const struct dummy_outcome *outcome)
{
    if (!outcome->ended) {
        report->unended++;
        return;
    }
    report->ends[gw_close_reason_index(outcome->reason)]++;
    if (outcome->reason == GW__CLOSE_REASON__BY_PEER) {
        report->peer_reasons[gw_close_reason_index(outcome->peer_reason)]++;
    }
}

static void collect_outcome(struct dummy_report *report, const struct dummy_outcome *outcome,
                            bool was_asked)
{
    report->begun += outcome->begun;
    report->greeted += outcome->greeted;
    report->ready += outcome->ready;
    report->asked_to_go += outcome->asked_to_go;
    count_refusal(report, outcome->refusal);
    count_end(report, outcome);
    bool is_orderly = dummy_outcome_is_orderly(outcome, was_asked);
    bool left = outcome->ended && outcome->reason == DUMMY_LEAVES;
    report->disorderly += outcome->ended && !is_orderly;
    report->not_asked += was_asked && !report->complete && outcome->greeted && left &&
                         !outcome->asked_to_go &&
                         outcome->refusal == GAME__ENTER_RESULT__ENTERED_OK;
    report->not_ready +=
        !was_asked && left && !outcome->ready && outcome->refusal == GAME__ENTER_RESULT__ENTERED_OK;
}

/* What is missing at the end: only if all clients had time to receive it. */
static void check(struct dummy_client *client)
{
    if (client->ledger.room != NULL && client->ledger.frozen) {
        dummy_ledger_check(&client->ledger);
    }
    uint64_t said = client->said.next - 1;
    if (client->outcome.greeted && client->sent[DUMMY_SAY] > said) {
        dummy_faults_add(&client->ledger.faults, DUMMY_LOST,
                         (int64_t)(client->sent[DUMMY_SAY] - said));
    }
}

static void collect_client(struct dummy_report *report, struct dummy_client *client, bool was_asked)
{
    if (report->complete) {
        check(client);
    }
    collect_outcome(report, &client->outcome, was_asked);
    report->unanswered += dummy_client_unanswered(client);
    for (int fault = 0; fault < DUMMY_FAULT_COUNT; fault++) {
        dummy_faults_add(
            &report->faults, (enum dummy_fault)fault,
            (int64_t)dummy_ledger_fault_count(&client->ledger, (enum dummy_fault)fault));
    }
}

static void collect_port(struct dummy_report *report, const struct gw_port *port)
{
    struct gw_port_counters counters;
    gw_port_counters(port, &counters);
    report->bytes_in = counters.bytes_in;
    report->bytes_out = counters.bytes_out;
    report->backend = gw_port_backend(port);
    report->worker_count = gw_port_worker_count(port);
}

static void collect_requests(struct dummy_report *report)
{
    for (int i = 0; i < DUMMY_REQUEST_KIND_COUNT_MAX; i++) {
        const struct dummy_request_counter *counter = &report->total.requests[i];
        report->requests_refused += dummy_request_count(counter, GW_ANSWER_ERROR);
        report->requests_late += dummy_request_count(counter, GW_ANSWER_TIMEOUT);
    }
}

void dummy_report_collect(struct dummy_report *report, struct dummy_run *run,
                          const struct dummy_schedule *schedule)
{
    bool was_asked = atomic_load(&run->go_away_ms) > 0;
    report->options = *run->options;
    report->seconds = (double)(schedule->over_ns - run->origin_ns) / 1e9;
    report->complete = schedule->complete;
    report->nobody_listens = atomic_load(&run->nobody_listens);
    report->problem = atomic_load(&run->problem);
    report->interrupted = atomic_load(&run->interrupted);
    report->dial_failed = schedule->dial_failed_count;
    report->dialed = schedule->next_client - schedule->dial_failed_count;
    collect_port(report, run->port);
    dummy_stats_sum(&run->stats, &report->total);
    collect_requests(report);
    for (uint32_t i = 0; i < schedule->next_client; i++) {
        if (run->clients[i].id != GW_SESSION_ID_NONE) {
            collect_client(report, &run->clients[i], was_asked);
        }
    }
    report->room_count = run->room_count;
    for (uint32_t i = 0; i < run->room_count; i++) {
        report->rooms_with_outsiders += atomic_load(&run->rooms[i].has_outsiders);
    }
}

bool dummy_report_has_no_client(const struct dummy_report *report)
{
    return report->dialed == 0 && report->dial_failed > 0;
}

/* The effect of a packet with generated values on other clients is not checked. */
static bool received_well(const struct dummy_report *report)
{
    return (report->options.send != NULL || dummy_faults_total(&report->faults) == 0) &&
           report->requests_refused == 0 && report->requests_late == 0;
}

bool dummy_report_is_clean(const struct dummy_report *report)
{
    uint32_t refused = 0;
    for (int i = 0; i < DUMMY_REFUSAL_COUNT; i++) {
        refused += report->refused[i];
    }
    return !report->nobody_listens && report->dial_failed == 0 && refused == 0 &&
           report->disorderly == 0 && report->not_asked == 0 && report->not_ready == 0 &&
           report->unended == 0 && received_well(report);
}
