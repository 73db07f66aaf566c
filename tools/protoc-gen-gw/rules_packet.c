/* tools/protoc-gen-gw/rules_packet.c: Checks and defaults of a packet's policy. */
#include "tools/protoc-gen-gw/rules.h"

#include "tools/protoc-gen-gw/names.h"

#include <inttypes.h>
#include <string.h>

static void apply_name(struct schema *schema, const struct packet *packet)
{
    if (!name_is_good(packet->type->name)) {
        problem_add(&schema->problems, schema->file_name, packet->line, "\"%s\" is not a name",
                    packet->type->name);
    }
}

static void apply_id(struct schema *schema, const struct packet *packet)
{
    uint32_t id = packet->policy->id;
    uint32_t id_min = schema->is_control ? 1 : GAME_ID_MIN;
    uint32_t id_max = schema->is_control ? CONTROL_ID_MAX : GAME_ID_MAX;
    if (id == 0) {
        problem_add(&schema->problems, schema->file_name, packet->line,
                    "%s has no id: write one that was never used, from %" PRIu32 " to %" PRIu32,
                    packet->name, id_min, id_max);
    } else if (id < id_min || id > id_max) {
        problem_add(&schema->problems, schema->file_name, packet->line,
                    "%s has id %" PRIu32 ", which is not from %" PRIu32 " to %" PRIu32,
                    packet->name, id, id_min, id_max);
    }
}

static void apply_from(struct schema *schema, struct packet *packet)
{
    switch ((int)packet->policy->from) {
    case GW__FROM__CLIENT:
        packet->from = FROM_CLIENT;
        break;
    case GW__FROM__SERVER:
        packet->from = FROM_SERVER;
        break;
    case GW__FROM__BOTH:
        packet->from = FROM_CLIENT | FROM_SERVER;
        break;
    default:
        problem_add(&schema->problems, schema->file_name, packet->line,
                    "%s has no sender: write from: CLIENT, SERVER or BOTH", packet->name);
    }
}

/* Returns 0 if there is no such stage. */
static uint32_t bits_of_stage(const struct schema *schema, const char *name)
{
    if (strcmp(name, "CONNECTED") == 0) {
        return STAGES_CONNECTED;
    }
    if (strcmp(name, "GREETED") == 0) {
        return STAGES_GREETED;
    }
    for (size_t i = 0; i < schema->stage_count; i++) {
        int32_t number = schema->stages[i].number;
        if (strcmp(name, schema->stages[i].name) == 0) {
            /* A number out of range was reported already. */
            bool fits = number >= 0 && number <= STAGE_NUMBER_MAX;
            return fits ? UINT32_C(2) << number : STAGES_GREETED;
        }
    }
    return 0;
}

static const char *names_of_stages(struct schema *schema)
{
    const char *names = "CONNECTED, GREETED";
    for (size_t i = 0; i < schema->stage_count && i <= STAGE_NUMBER_MAX; i++) {
        names = pool_print(&schema->pool, "%s, %s", names, schema->stages[i].name);
    }
    return names;
}

static void apply_stages(struct schema *schema, struct packet *packet)
{
    const Gw__PacketPolicy *policy = packet->policy;
    for (size_t i = 0; i < policy->n_stages; i++) {
        uint32_t bits = bits_of_stage(schema, policy->stages[i]);
        if (bits == 0) {
            problem_add(&schema->problems, schema->file_name, packet->line,
                        "%s names the stage \"%s\"; there are %s", packet->name, policy->stages[i],
                        names_of_stages(schema));
        }
        if (bits != 0 && (packet->stages & bits) == bits) {
            problem_add(&schema->problems, schema->file_name, packet->line,
                        "%s names the stage \"%s\", which is among those before it: remove it",
                        packet->name, policy->stages[i]);
        }
        packet->stages |= bits;
    }
    if (policy->n_stages != 0 && packet->from == FROM_SERVER) {
        problem_add(&schema->problems, schema->file_name, packet->line,
                    "%s has stages, which apply only to packets from clients: remove them",
                    packet->name);
    }
    if (policy->n_stages == 0 && (packet->from & FROM_CLIENT) != 0) {
        problem_add(&schema->problems, schema->file_name, packet->line,
                    "%s may come from a client: write at which stages, as in stages: \"GREETED\"",
                    packet->name);
    }
    if (packet->from == FROM_SERVER) {
        packet->stages = STAGES_ANY;
    }
}

struct limit {
    uint32_t bytes;
    const char *whose;
};

/*
 * A client packet without max_bytes stays within what every server accepts. One that declares more
 * needs a server whose body_bytes_max allows it: gw_session_manager_create() logs when it does not.
 */
static struct limit limit_of(const struct packet *packet)
{
    if (packet->from == FROM_SERVER) {
        return (struct limit){BODY_BYTES_MAX, "from a server"};
    }
    if (packet->stages == STAGES_CONNECTED) {
        return (struct limit){GREETING_BYTES_MAX, "before the greeting"};
    }
    bool is_declared = packet->policy->max_bytes != 0;
    return (struct limit){is_declared ? BODY_BYTES_MAX : USUAL_CLIENT_BYTES_MAX, "from a client"};
}

static void apply_bytes(struct schema *schema, struct packet *packet)
{
    struct limit limit = limit_of(packet);
    packet->bytes_max = packet->policy->max_bytes;
    if (packet->bytes_max == 0) {
        /* A client packet may get more: see rules_size.c. */
        packet->bytes_max = packet->from == FROM_SERVER ? BODY_BYTES_MAX : DEFAULT_CLIENT_BYTES;
    }
    packet->bytes_limit = limit.bytes;
    if (packet->from != 0 && packet->bytes_max > limit.bytes) {
        problem_add(&schema->problems, schema->file_name, packet->line,
                    "%s has max_bytes %" PRIu32 ", but no body %s is longer than %" PRIu32,
                    packet->name, packet->bytes_max, limit.whose, limit.bytes);
    }
}

static void apply_rate(struct schema *schema, struct packet *packet)
{
    const Gw__PacketPolicy *policy = packet->policy;
    if (packet->from == FROM_SERVER &&
        (policy->unlimited || policy->rate != 0 || policy->burst != 0)) {
        problem_add(&schema->problems, schema->file_name, packet->line,
                    "%s says %s, which applies only to packets from clients: remove it",
                    packet->name,
                    policy->unlimited   ? "unlimited"
                    : policy->rate != 0 ? "rate"
                                        : "burst");
    }
    if (packet->from != FROM_SERVER && policy->unlimited &&
        (policy->rate != 0 || policy->burst != 0)) {
        problem_add(&schema->problems, schema->file_name, packet->line,
                    "%s is unlimited, and has a rate: remove one of them", packet->name);
    }
    if (policy->rate > RATE_MAX || policy->burst > RATE_MAX) {
        problem_add(&schema->problems, schema->file_name, packet->line,
                    "%s has a rate or burst above %d", packet->name, RATE_MAX);
    }
    if (policy->unlimited) {
        return;
    }
    packet->rate = policy->rate == 0 ? DEFAULT_RATE : policy->rate;
    uint32_t twice = packet->rate > RATE_MAX / 2 ? RATE_MAX : packet->rate * 2;
    packet->burst = policy->burst == 0 ? twice : policy->burst;
}

static void apply_flags(struct schema *schema, const struct packet *packet)
{
    const Gw__PacketPolicy *policy = packet->policy;
    if (policy->droppable && packet->from == FROM_SERVER) {
        problem_add(&schema->problems, schema->file_name, packet->line,
                    "%s is droppable, which applies only to packets from clients: remove the word",
                    packet->name);
    } else if (policy->droppable && policy->unlimited) {
        problem_add(&schema->problems, schema->file_name, packet->line,
                    "%s is droppable, and unlimited, so never dropped: remove one of them",
                    packet->name);
    }
    if (policy->coalesce && packet->from == FROM_CLIENT) {
        problem_add(
            &schema->problems, schema->file_name, packet->line,
            "%s says coalesce, which applies only to packets from a server: remove the word",
            packet->name);
    }
}

void rules_apply_to_packet(struct schema *schema, struct packet *packet)
{
    apply_name(schema, packet);
    apply_id(schema, packet);
    apply_from(schema, packet);
    apply_stages(schema, packet);
    apply_bytes(schema, packet);
    apply_rate(schema, packet);
    apply_flags(schema, packet);
}
