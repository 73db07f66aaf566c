/* session/manager.c: creation of a manager, checks of its configuration, lookup of sessions. */
#include "session/manager.h"

#include "session/admission.h"
#include "session/counters.h"
#include "session/end.h"
#include "session/internal.h"
#include "session/rates.h"

#include "net/container_of.h"
#include "net/log.h"
#include "net/port.h"
#include "protocol/validate.h"

#include <stdlib.h>

/*
 * An ended session uses its slot until its last reference is released. Pending sessions and refused
 * ones use slots beside those of the sessions.
 */
enum { SLOTS_PER_SESSION = 4, SLOTS_SPARE = 64 };

/* Server side: the default of body_bytes_max, and the least default of pending_count_max. */
enum { CLIENT_BODY_BYTES_MAX = 4096, PENDING_COUNT_MIN = 1024 };

static uint32_t or_default(uint32_t value, uint32_t default_value)
{
    return value != 0 ? value : default_value;
}

static struct gw_session_manager_config with_defaults(const struct gw_session_manager_config *given)
{
    struct gw_session_manager_config config = *given;
    config.session_count_max = or_default(given->session_count_max, 10000);
    uint32_t quarter = config.session_count_max / 4;
    config.pending_count_max = or_default(
        given->pending_count_max, quarter > PENDING_COUNT_MIN ? quarter : PENDING_COUNT_MIN);
    config.address_connection_count_max = or_default(given->address_connection_count_max, 20);
    config.address_connects_per_second = or_default(given->address_connects_per_second, 10);
    config.greeting_timeout_ms = or_default(given->greeting_timeout_ms, 5000);
    config.heartbeat_ms = or_default(given->heartbeat_ms, 10000);
    config.idle_timeout_ms = or_default(given->idle_timeout_ms, GW_OFF);
    config.frame_timeout_ms = or_default(given->frame_timeout_ms, 10000);
    config.excess_ms = or_default(given->excess_ms, 12000);
    config.request_timeout_ms =
        or_default(given->request_timeout_ms, given->side == GW_SIDE_SERVER ? 5000 : 10000);
    config.body_bytes_max_connected = or_default(given->body_bytes_max_connected, 1024);
    config.body_bytes_max = or_default(
        given->body_bytes_max, given->side == GW_SIDE_SERVER ? CLIENT_BODY_BYTES_MAX : 65536);
    config.arena_bytes = or_default(given->arena_bytes, 262144);
    config.send_queue_bytes_max = or_default(given->send_queue_bytes_max, 262144);
    return config;
}

/* Also frees a manager whose creation has failed. */
static void destroy(struct gw_session_manager *manager)
{
    gw__shards_fini(manager);
    gw__rates_fini(manager);
    gw__close_frames_fini(manager);
    gw__pending_fini(&manager->pending);
    gw__addresses_fini(manager);
    gw__slots_fini(&manager->slots);
    free(manager);
}

static void on_free(struct gw_turn *turn)
{
    destroy(GW_CONTAINER_OF(turn, struct gw_session_manager, turn));
}

static bool init(struct gw_session_manager *manager)
{
    const struct gw_session_manager_config *config = &manager->config;
    uint32_t slot_count_max = config->session_count_max * SLOTS_PER_SESSION + SLOTS_SPARE;
    if (config->side == GW_SIDE_SERVER) {
        slot_count_max += config->pending_count_max + GW_REFUSED_COUNT_MAX;
    }
    return gw__slots_init(&manager->slots, slot_count_max) && gw__shards_init(manager) &&
           gw__rates_init(manager) && gw__close_frames_init(manager) &&
           (config->side != GW_SIDE_SERVER ||
            (gw__pending_init(&manager->pending, config->pending_count_max) &&
             gw__addresses_init(manager)));
}

/* ---- checks of the configuration and the schema ---- */

static const char *check_message_rules(const struct gw_message_rules *message_rules,
                                       const ProtobufCMessageDescriptor *of, int depth)
{
    const char *fault = NULL;
    if (message_rules->message != of || message_rules->counter_count > GW_RULES_COUNTER_COUNT_MAX ||
        message_rules->required_count > message_rules->counter_count) {
        return "the rules of a message in the schema do not match the message";
    }
    for (unsigned i = 0; fault == NULL && i < of->n_fields; i++) {
        const struct gw_field_rule *rule = &message_rules->rules[i];
        bool is_message = of->fields[i].type == PROTOBUF_C_TYPE_MESSAGE;
        if (rule->counter > message_rules->counter_count ||
            is_message != (rule->message_rules != NULL)) {
            fault = "a rule in the schema does not match its field";
        } else if (is_message && depth < GW_VALIDATE_DEPTH_MAX) {
            fault = check_message_rules(rule->message_rules, of->fields[i].descriptor, depth + 1);
        }
    }
    return fault;
}

static const char *check_packet(const struct gw_packet_table *table, const struct gw_packet *packet)
{
    if (packet->id <= GW_PACKET_ID_CONTROL_MAX) {
        return "a packet in the schema has the id of a control packet";
    }
    if (gw_packet_find(table, packet->id) != packet) {
        return "the index of the schema does not lead to a packet";
    }
    if (packet->body_bytes_max > GW_FRAME_BODY_BYTES_MAX) {
        return "a packet in the schema is longer than a frame";
    }
    return packet->message_rules == NULL
               ? NULL
               : check_message_rules(packet->message_rules, packet->message, 1);
}

static const char *check_packets(const struct gw_packet_table *table)
{
    const char *fault = NULL;
    for (uint32_t i = 0; i < table->id_count; i++) {
        if (table->index[i] > table->packet_count) {
            return "the index of the schema leads to a packet that does not exist";
        }
    }
    for (uint32_t i = 0; fault == NULL && i < table->packet_count; i++) {
        fault = check_packet(table, &table->packets[i]);
    }
    return fault;
}

/* Returns a description of the error, or NULL. */
static const char *check_config(const struct gw_session_manager_config *config,
                                const struct gw_packet_table *packets,
                                const struct gw_session_events *events)
{
    if (events->on_end == NULL) {
        return "on_end is required";
    }
    if (config->session_count_max > UINT32_MAX / 2 / SLOTS_PER_SESSION) {
        return "session_count_max is too large";
    }
    if (config->pending_count_max > UINT32_MAX / 4) {
        return "pending_count_max is too large";
    }
    if (config->body_bytes_max > GW_FRAME_BODY_BYTES_MAX ||
        config->body_bytes_max_connected > GW_FRAME_BODY_BYTES_MAX) {
        return "a body limit is larger than a frame";
    }
    return check_packets(packets);
}

/* Logs each client packet whose max_bytes exceeds the server's body_bytes_max. */
static void log_long_packets(const struct gw_session_manager *manager)
{
    for (uint32_t i = 0; i < manager->packets->packet_count; i++) {
        const struct gw_packet *packet = &manager->packets->packets[i];
        if (manager->config.side == GW_SIDE_SERVER && (packet->from & GW_FROM_CLIENT) != 0 &&
            (packet->stages & GW_STAGE_GREETED) != 0 &&
            packet->body_bytes_max > manager->config.body_bytes_max) {
            const struct gw_log_field fields[] = {
                GW_LOG_TEXT("packet", packet->name != NULL ? packet->name : "?"),
                GW_LOG_NUMBER("packet_id", packet->id),
                GW_LOG_NUMBER("max_bytes", packet->body_bytes_max),
                GW_LOG_NUMBER("body_bytes_max", manager->config.body_bytes_max)};
            gw_log_write(gw_port_log(manager->port), GW_LOG_WARNING, "body_bytes_max_too_small",
                         fields, sizeof fields / sizeof fields[0]);
        }
    }
}

struct gw_session_manager *gw_session_manager_create(struct gw_port *port,
                                                     const struct gw_session_manager_config *config,
                                                     const struct gw_packet_table *packets,
                                                     const struct gw_session_events *events,
                                                     void *context)
{
    const char *fault = check_config(config, packets, events);
    if (fault != NULL) {
        const struct gw_log_field field = GW_LOG_TEXT("rule", fault);
        gw_log_write(gw_port_log(port), GW_LOG_ERROR, "misuse", &field, 1);
        return NULL;
    }
    struct gw_session_manager *manager = calloc(1, sizeof(*manager));
    if (manager == NULL) {
        return NULL;
    }
    manager->port = port;
    manager->config = with_defaults(config);
    manager->packets = packets;
    manager->own_side = config->side == GW_SIDE_SERVER ? GW_FROM_SERVER : GW_FROM_CLIENT;
    manager->events = events;
    manager->context = context;
    manager->begun_ns = gw_port_now_ns(port);
    if (!init(manager)) {
        destroy(manager);
        return NULL;
    }
    gw_turn_init(&manager->turn, port, on_free);
    gw__drain_init(manager);
    log_long_packets(manager);
    return manager;
}

void gw_session_manager_destroy(struct gw_session_manager *manager)
{
    if (manager != NULL) {
        uint32_t count =
            gw_session_manager_count(manager) + gw_session_manager_pending_count(manager);
        if (count != 0) {
            gw__misuse(manager, __func__, "all sessions have ended", count);
            return;
        }
        gw_turn_unref(&manager->turn);
    }
}

const struct gw_packet_table *gw_control_packets(void)
{
    return &gw__control_packets;
}

uint32_t gw__frame_bytes_max(const struct gw_session_manager *manager)
{
    const struct gw_session_manager_config *config = &manager->config;
    return GW_FRAME_HEADER_BYTES + (config->body_bytes_max > config->body_bytes_max_connected
                                        ? config->body_bytes_max
                                        : config->body_bytes_max_connected);
}

struct gw_stream_config gw_session_manager_stream_config(const struct gw_session_manager *manager)
{
    return (struct gw_stream_config){
        .recv_bytes_max = gw__frame_bytes_max(manager),
        .send_queue_bytes_max = manager->config.send_queue_bytes_max,
    };
}

struct gw_session *gw_session_manager_find(struct gw_session_manager *manager, gw_session_id id)
{
    return gw__slots_find(&manager->slots, id);
}

void gw_session_manager_each(struct gw_session_manager *manager,
                             void (*visit)(struct gw_session *session, void *context),
                             void *context)
{
    uint32_t count = gw__slots_count(&manager->slots);
    for (uint32_t i = 0; i < count; i++) {
        struct gw_session *session = gw__slots_find_at(&manager->slots, i);
        if (session != NULL) {
            visit(session, context);
            gw_session_unref(session);
        }
    }
}
