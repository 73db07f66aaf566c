/* tools/dummy-client/report_text.c: the report as text. */
#include "net/addr.h"
#include "protocol/packet.h"
#include "tools/dummy-client/client.h"
#include "tools/dummy-client/number.h"
#include "tools/dummy-client/report.h"

/* Prints "  12,345 words". */
static void print_count(FILE *file, uint64_t count, const char *words)
{
    char text[DUMMY_NUMBER_TEXT_BYTES];
    fprintf(file, "  %s %s", dummy_number_write(count, text), words);
}

/* Prints nothing for 0. */
static void print_some(FILE *file, uint64_t count, const char *words)
{
    if (count > 0) {
        print_count(file, count, words);
    }
}

static void print_title(const struct dummy_report *report, FILE *file)
{
    char url[URL_TEXT_BYTES], clients[DUMMY_NUMBER_TEXT_BYTES];
    const struct dummy_options *options = &report->options;
    fprintf(file, "gangway-dummy: %s clients at %s, ",
            dummy_number_write(options->client_count, clients), url_format(&options->connect, url));
    if (options->send != NULL) {
        fprintf(file, "%s once each, ", options->send->message->short_name);
    } else {
        fprintf(file, "script %s, %g messages per second each, ",
                dummy_script_name(options->script), (double)options->rate_millionths / 1e6);
    }
    fprintf(file, "%.1f s (%s, workers: %u)\n\n", report->seconds, gw_backend_name(report->backend),
            (unsigned)report->worker_count);
}

static void print_clients(const struct dummy_report *report, FILE *file)
{
    fprintf(file, "clients ");
    print_count(file, report->dialed, "dialed");
    print_count(file, report->begun, "connected");
    print_count(file, report->greeted, "greeted");
    if (report->room_count > 0) {
        print_count(file, report->ready, "ready");
        print_count(file, report->room_count, "rooms");
    }
    fprintf(file, "\n");
}

static void print_messages(const struct dummy_report *report, FILE *file)
{
    fprintf(file, "sent    ");
    print_count(file, dummy_counter_sent_count(&report->total), "messages:");
    for (int i = 0; i < DUMMY_MESSAGE_COUNT; i++) {
        print_some(file, report->total.sent[i], dummy_message_name((enum dummy_message)i));
    }
    if (report->options.send != NULL) {
        print_some(file, report->total.filled, report->options.send->message->short_name);
    }
    fprintf(file, "\nreceived");
    print_count(file, dummy_counter_received_count(&report->total), "deliveries:");
    print_some(file, report->total.received[DUMMY_RECEIVED_SAID], "said");
    print_some(file, report->total.received[DUMMY_RECEIVED_LINE], "chat lines");
    print_some(file, report->total.received[DUMMY_RECEIVED_POSITION], "positions");
    fprintf(file, "\nbytes   ");
    print_count(file, report->bytes_out, "out");
    print_count(file, report->bytes_in, "in");
    fprintf(file, "\n");
}

static void print_latency(const struct gw_histogram *latency, const char *name, FILE *file)
{
    static const double percents[] = {50, 90, 99, 99.9, 100};
    if (gw_histogram_count(latency) == 0) {
        return;
    }
    fprintf(file, "  %-10s", name);
    for (int i = 0; i < 5; i++) {
        double ms = (double)gw_histogram_percentile_ns(latency, percents[i]) / 1e6;
        fprintf(file, "%10.2f", ms);
    }
    fprintf(file, "\n");
}

/* By packet, from the request to its answer. */
static void print_requests(const struct dummy_report *report, FILE *file)
{
    const struct gw_packet *packet;
    for (uint32_t i = 0; i < DUMMY_REQUEST_KIND_COUNT_MAX; i++) {
        packet = dummy_request_packet(i);
        if (packet != NULL) {
            print_latency(&report->total.requests[i].took, packet->message->short_name, file);
        }
    }
}

static void print_latencies(const struct dummy_report *report, FILE *file)
{
    uint64_t count = gw_histogram_count(&report->total.latency[DUMMY_LATENCY_CONNECT]);
    if (count == 0) {
        return;
    }
    fprintf(file, "ms, from when it was due\n  %-10s%10s%10s%10s%10s%10s\n", "", "p50", "p90",
            "p99", "p99.9", "max");
    for (int i = 0; i < DUMMY_LATENCY_COUNT; i++) {
        print_latency(&report->total.latency[i], dummy_latency_name((enum dummy_latency)i), file);
    }
    print_requests(report, file);
}

static void print_ends(const struct dummy_report *report, FILE *file)
{
    fprintf(file, "ends    ");
    print_some(file, report->ends[DUMMY_LEAVES], "left");
    for (int i = 0; i < GW_CLOSE_REASON_COUNT; i++) {
        if (i != GW__CLOSE_REASON__BY_PEER && i != DUMMY_LEAVES) {
            print_some(file, report->ends[i], gw_close_reason_name((Gw__CloseReason)i));
        }
    }
    for (int i = 0; i < GW_CLOSE_REASON_COUNT; i++) {
        const char *reason = gw_close_reason_name((Gw__CloseReason)i);
        char words[40];
        snprintf(words, sizeof words, "BY_PEER %s", i == 0 ? "without a reason" : reason);
        print_some(file, report->peer_reasons[i], words);
    }
    print_some(file, report->asked_to_go, "received GOAWAY");
    fprintf(file, "\n");
}

static void print_bad_requests(const struct dummy_report *report, FILE *file)
{
    print_some(file, report->requests_refused, "requests answered with ERROR");
    print_some(file, report->requests_late, "requests not answered in time");
}

static void print_checks(const struct dummy_report *report, FILE *file)
{
    fprintf(file, "checks  ");
    if (report->options.send != NULL) {
        fprintf(file, "  requests only: the effect of the packet on other clients is not known");
    } else {
        for (int i = 0; i < DUMMY_FAULT_COUNT; i++) {
            print_count(file, dummy_faults_count(&report->faults, (enum dummy_fault)i),
                        dummy_fault_name((enum dummy_fault)i));
        }
        print_some(file, report->unanswered, "unanswered");
    }
    print_bad_requests(report, file);
    fprintf(file, "\n");
}

static const char *what_went_well(const struct dummy_report *report)
{
    if (!report->complete && report->asked_to_go > 0) {
        return "the server sent GOAWAY, and all clients left; checked up to then";
    }
    if (report->options.send != NULL) {
        return "all clients sent it, and left";
    }
    if (report->rooms_with_outsiders > 0) {
        return "clients of other processes were in the rooms: only the order was checked";
    }
    return report->interrupted ? "stopped early; all clients received everything, once and in order"
                               : "all clients received everything, once and in order";
}

static void print_problems(const struct dummy_report *report, FILE *file)
{
    for (int i = 0; i < DUMMY_FAULT_COUNT && report->options.send == NULL; i++) {
        print_some(file, dummy_faults_count(&report->faults, (enum dummy_fault)i),
                   dummy_fault_name((enum dummy_fault)i));
    }
    for (int i = 0; i < DUMMY_REFUSAL_COUNT; i++) {
        print_some(file, report->refused[i], dummy_refusal_name(i));
    }
    print_bad_requests(report, file);
    print_some(file, report->disorderly, "ended out of order");
    print_some(file, report->not_ready, "never ready");
    print_some(file, report->not_asked, "left without GOAWAY");
    print_some(file, report->unended, "did not end in time");
    print_some(
        file, report->dial_failed,
        "could not dial: is --source an address of this machine, and are there descriptors?");
}

void dummy_report_print(const struct dummy_report *report, FILE *file)
{
    print_title(report, file);
    print_clients(report, file);
    print_messages(report, file);
    print_latencies(report, file);
    print_ends(report, file);
    print_checks(report, file);
    if (dummy_report_is_clean(report)) {
        fprintf(file, "\nok: %s\n", what_went_well(report));
        return;
    }
    fprintf(file, "\nFAILED:");
    print_problems(report, file);
    fprintf(file, "\n");
}
