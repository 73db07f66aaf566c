/* tools/protoc-gen-gw/emit_table.c: Generation of a packet table with its index by id. */
#include "tools/protoc-gen-gw/emit.h"

#include <inttypes.h>

static const char *word_of(uint8_t from)
{
    switch (from) {
    case FROM_CLIENT:
        return "GW_FROM_CLIENT";
    case FROM_SERVER:
        return "GW_FROM_SERVER";
    default:
        return "GW_FROM_BOTH";
    }
}

static const char *flags_of(struct schema *schema, const Gw__PacketPolicy *policy)
{
    const struct {
        bool is_set;
        const char *name;
    } flags[] = {
        {policy->droppable, "GW_PACKET_DROPPABLE"},
        {policy->sensitive, "GW_PACKET_SENSITIVE"},
        {policy->coalesce, "GW_PACKET_COALESCE"},
    };
    const char *text = "";
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (flags[i].is_set) {
            const char *bar = text[0] == '\0' ? "" : " | ";
            text = pool_print(&schema->pool, "%s%s%s", text, bar, flags[i].name);
        }
    }
    return text[0] == '\0' ? "0" : text;
}

static void emit_packet(struct text *text, struct schema *schema, const struct side *side,
                        const struct packet *packet)
{
    text_print(text, "    {\n");
    text_print(text, "        .id = %s%s,\n", side->id_prefix, packet->upper);
    text_print(text, "        .from = %s,\n", word_of(packet->from));
    text_print(text, "        .flags = %s,\n", flags_of(schema, packet->policy));
    text_print(text, "        .stages = 0x%08" PRIX32 "u,\n", packet->stages);
    text_print(text, "        .body_bytes_max = %" PRIu32 ",\n", packet->bytes_max);
    text_print(text, "        .rate_per_second = %" PRIu32 ",\n", packet->rate);
    text_print(text, "        .burst_count = %" PRIu32 ",\n", packet->burst);
    if (packet->reply != NULL) {
        text_print(text, "        .reply_id = %s%s,\n", side->id_prefix, packet->reply->upper);
    }
    text_print(text, "        .name = \"%s\",\n", packet->name);
    text_print(text, "        .message = &%s__descriptor,\n", packet->c_symbol);
    if (has_message_rules(packet)) {
        text_print(text, "        .message_rules = &%s__message_rules,\n", packet->c_symbol);
    }
    if ((packet->from & side->receives) != 0) {
        text_print(text, "        .handle = handle_%s,\n", packet->snake);
    } else {
        text_print(text, "        .handle = NULL,\n");
    }
    text_print(text, "    },\n");
}

static uint32_t id_first(const struct schema *schema)
{
    return schema->packets[0].policy->id;
}

static uint32_t id_count(const struct schema *schema)
{
    return schema->packets[schema->packet_count - 1].policy->id - id_first(schema) + 1;
}

static void emit_index(struct text *text, const struct schema *schema, const struct side *side)
{
    text_print(text, "\nstatic const uint16_t places[%" PRIu32 "] = {\n", id_count(schema));
    for (size_t i = 0; i < schema->packet_count; i++) {
        text_print(text, "    [%s%s - %" PRIu32 "] = %zu,\n", side->id_prefix,
                   schema->packets[i].upper, id_first(schema), i + 1);
    }
    text_print(text, "};\n");
}

/* Indexed by stage number. Numbers may have gaps, and two names may share one (allow_alias). */
static void emit_stage_names(struct text *text, const struct schema *schema)
{
    text_print(text, "\nstatic const char *const stage_names[] = {\n");
    for (int32_t number = 0; number <= STAGE_NUMBER_MAX; number++) {
        for (size_t i = 0; i < schema->stage_count; i++) {
            if (schema->stages[i].number == number) {
                text_print(text, "    [%" PRId32 "] = \"%s\",\n", number, schema->stages[i].name);
                break;
            }
        }
    }
    text_print(text, "};\n");
}

void emit_table(struct text *text, struct schema *schema, const struct side *side)
{
    text_print(text, "\nstatic const struct gw_packet packets[] = {\n");
    for (size_t i = 0; i < schema->packet_count; i++) {
        emit_packet(text, schema, side, &schema->packets[i]);
    }
    text_print(text, "};\n");
    emit_index(text, schema, side);
    if (schema->stage_count != 0) {
        emit_stage_names(text, schema);
    }
    text_print(text, "\nconst struct gw_packet_table %s = {\n", side->table);
    text_print(text, "    .packets = packets,\n    .index = places,\n");
    text_print(text, "    .packet_count = %zu,\n", schema->packet_count);
    text_print(text, "    .id_first = %" PRIu32 ",\n", id_first(schema));
    text_print(text, "    .id_count = %" PRIu32 ",\n", id_count(schema));
    text_print(text, "    .schema_hash = UINT64_C(0x%016" PRIx64 "),\n", schema->hash);
    if (schema->stage_count != 0) {
        text_print(text, "    .stage_names = stage_names,\n");
        text_print(text, "    .stage_count = sizeof stage_names / sizeof stage_names[0],\n");
    }
    text_print(text, "};\n");
}
