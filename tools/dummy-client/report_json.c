/* tools/dummy-client/report_json.c: the report as a JSON object. */
#include "net/addr.h"
#include "protocol/packet.h"
#include "tools/dummy-client/report.h"

static void print_number(FILE *file, const char *key, uint64_t number, const char *after)
{
    fprintf(file, "\"%s\": %llu%s", key, (unsigned long long)number, after);
}

static const char *boolean(bool value)
{
    return value ? "true" : "false";
}

static void print_plan(const struct dummy_report *report, FILE *file)
{
    char url[URL_TEXT_BYTES];
    const struct dummy_options *options = &report->options;
    bool has_script = options->send == NULL;
    fprintf(file, "  \"connect\": \"%s\", \"%s\": \"%s\", \"backend\": \"%s\",\n",
            url_format(&options->connect, url), has_script ? "script" : "send",
            has_script ? dummy_script_name(options->script) : options->send->message->short_name,
            gw_backend_name(report->backend));
    fprintf(file, "  \"clients\": %u, \"room_size\": %u, \"rate\": %g, \"workers\": %u,\n",
            (unsigned)options->client_count, (unsigned)options->room_size,
            (double)options->rate_millionths / 1e6, (unsigned)report->worker_count);
    fprintf(file, "  \"seconds\": %.3f,\n", report->seconds);
}

static void print_clients(const struct dummy_report *report, FILE *file)
{
    fprintf(file, "  ");
    print_number(file, "dialed", report->dialed, ", ");
    print_number(file, "dial_failed", report->dial_failed, ", ");
    print_number(file, "connected", report->begun, ", ");
    print_number(file, "greeted", report->greeted, ", ");
    print_number(file, "let_in", report->ready, ", ");
    print_number(file, "never_let_in", report->not_ready, ",\n  ");
    print_number(file, "rooms", report->room_count, ", ");
    print_number(file, "rooms_with_outsiders", report->rooms_with_outsiders, ", ");
    fprintf(file, "\"refused\": {");
    for (int i = 1; i < DUMMY_REFUSAL_COUNT; i++) {
        print_number(file, dummy_refusal_name(i), report->refused[i], ", ");
    }
    print_number(file, "other", report->refused[0], "},\n");
}

static void print_messages(const struct dummy_report *report, FILE *file)
{
    const struct dummy_counter *total = &report->total;
    fprintf(file, "  \"sent\": {");
    for (int i = 0; i < DUMMY_MESSAGE_COUNT; i++) {
        print_number(file, dummy_message_name((enum dummy_message)i), total->sent[i], ", ");
    }
    print_number(file, "all", dummy_counter_sent_count(total), "},\n  \"received\": {");
    print_number(file, "said", total->received[DUMMY_RECEIVED_SAID], ", ");
    print_number(file, "lines", total->received[DUMMY_RECEIVED_LINE], ", ");
    print_number(file, "positions", total->received[DUMMY_RECEIVED_POSITION], ", ");
    print_number(file, "all", dummy_counter_received_count(total), "},\n  ");
    print_number(file, "unanswered", report->unanswered, ", ");
    print_number(file, "bytes_out", report->bytes_out, ", ");
    print_number(file, "bytes_in", report->bytes_in, ",\n");
}

static void print_latency(const struct gw_histogram *latency, FILE *file)
{
    static const struct {
        const char *key;
        double percent;
    } points[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99_9", 99.9}, {"max", 100}};
    print_number(file, "count", gw_histogram_count(latency), "");
    for (int i = 0; i < 5; i++) {
        double us = (double)gw_histogram_percentile_ns(latency, points[i].percent) / 1e3;
        fprintf(file, ", \"%s\": %.1f", points[i].key, us);
    }
}

static void print_latencies(const struct dummy_report *report, FILE *file)
{
    fprintf(file, "  \"latency_us\": {\n");
    for (int i = 0; i < DUMMY_LATENCY_COUNT; i++) {
        fprintf(file, "    \"%s\": {", dummy_latency_name((enum dummy_latency)i));
        print_latency(&report->total.latency[i], file);
        fprintf(file, i + 1 < DUMMY_LATENCY_COUNT ? "},\n" : "}\n");
    }
    fprintf(file, "  },\n");
}

/* An object of the reasons that occurred. */
static void print_reasons(FILE *file, const char *key, const uint32_t counts[GW_CLOSE_REASON_COUNT])
{
    const char *separator = "";
    fprintf(file, "  \"%s\": {", key);
    for (int i = 0; i < GW_CLOSE_REASON_COUNT; i++) {
        if (counts[i] > 0) {
            fprintf(file, "%s", separator);
            print_number(file, gw_close_reason_name((Gw__CloseReason)i), counts[i], "");
            separator = ", ";
        }
    }
    fprintf(file, "},\n");
}

static void print_checks(const struct dummy_report *report, FILE *file)
{
    fprintf(file, "  \"checks\": {");
    for (int i = 0; i < DUMMY_FAULT_COUNT; i++) {
        print_number(file, dummy_fault_key((enum dummy_fault)i),
                     dummy_faults_count(&report->faults, (enum dummy_fault)i), ", ");
    }
    print_number(file, "requests_refused", report->requests_refused, ", ");
    print_number(file, "requests_late", report->requests_late, ", ");
    print_number(file, "disorderly", report->disorderly, ", ");
    print_number(file, "not_asked_to_go", report->not_asked, ", ");
    print_number(file, "not_ended", report->unended, "},\n");
}

/* Latencies by packet, in microseconds, with the number of answers of each kind. */
static void print_requests(const struct dummy_report *report, FILE *file)
{
    const char *separator = "";
    fprintf(file, "  \"requests\": {");
    for (uint32_t i = 0; i < DUMMY_REQUEST_KIND_COUNT_MAX; i++) {
        const struct gw_packet *packet = dummy_request_packet(i);
        const struct dummy_request_counter *counter = &report->total.requests[i];
        if (packet != NULL) {
            fprintf(file, "%s\n    \"%s\": {", separator, packet->message->short_name);
            print_number(file, "replies", dummy_request_count(counter, GW_ANSWER_REPLY), ", ");
            print_number(file, "errors", dummy_request_count(counter, GW_ANSWER_ERROR), ", ");
            print_number(file, "late", dummy_request_count(counter, GW_ANSWER_TIMEOUT), ", ");
            print_number(file, "gone", dummy_request_count(counter, GW_ANSWER_CLOSED), ", ");
            print_latency(&counter->took, file);
            fprintf(file, "}");
            separator = ",";
        }
    }
    fprintf(file, "\n  },\n");
}

void dummy_report_print_json(const struct dummy_report *report, FILE *file)
{
    fprintf(file, "{\n");
    print_plan(report, file);
    print_clients(report, file);
    print_messages(report, file);
    print_latencies(report, file);
    print_requests(report, file);
    print_reasons(file, "ends", report->ends);
    print_reasons(file, "ends_by_peer", report->peer_reasons);
    print_checks(report, file);
    fprintf(file, "  \"asked_to_go\": %u, \"complete\": %s, \"interrupted\": %s,\n",
            (unsigned)report->asked_to_go, boolean(report->complete), boolean(report->interrupted));
    fprintf(file, "  \"nobody_listens\": %s, \"ok\": %s\n}\n", boolean(report->nobody_listens),
            boolean(dummy_report_is_clean(report)));
}
