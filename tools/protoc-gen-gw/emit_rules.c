/* tools/protoc-gen-gw/emit_rules.c: Generation of field rules as constant tables. */
#include "tools/protoc-gen-gw/emit.h"

#include "tools/protoc-gen-gw/names.h"

#include <inttypes.h>

static const char *symbol_of(struct schema *schema, const struct type *type)
{
    return name_symbol(&schema->pool, type->name);
}

static const char *checks_of(struct schema *schema, const struct field *field)
{
    const struct {
        bool is_set;
        const char *name;
    } checks[] = {
        {field->is_utf8, "GW_FIELD_UTF8"},           {field->is_finite, "GW_FIELD_FINITE"},
        {field->is_known, "GW_FIELD_KNOWN"},         {field->has_range, "GW_FIELD_RANGE"},
        {field->is_printable, "GW_FIELD_PRINTABLE"}, {field->is_not_zero, "GW_FIELD_NOT_ZERO"},
    };
    const char *text = "";
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        if (checks[i].is_set) {
            const char *bar = text[0] == '\0' ? "" : " | ";
            text = pool_print(&schema->pool, "%s%s%s", text, bar, checks[i].name);
        }
    }
    return text;
}

static void emit_rule(struct text *text, struct schema *schema, const struct field *field)
{
    const char *checks = checks_of(schema, field);
    text_print(text, "    {\n        /* %s */\n", field->proto->name);
    if (field->length_max != 0) {
        text_print(text, "        .length_max = %" PRIu32 ",\n", field->length_max);
    }
    if (field->length_min != 0) {
        text_print(text, "        .length_min = %" PRIu32 ",\n", field->length_min);
    }
    /* C11 has no empty initializer: one member is always set. */
    text_print(text, "        .counter = %" PRIu32 ",\n", field->counter);
    if (field->count_max != 0) {
        text_print(text, "        .count_max = %" PRIu32 ",\n", field->count_max);
    } else if (field->counter != 0) {
        text_print(text, "        .count_max = UINT16_MAX,\n");
    }
    if (checks[0] != '\0') {
        text_print(text, "        .checks = %s,\n", checks);
    }
    if (field->has_range) {
        text_print(text, "        .min = %.17g,\n        .max = %.17g,\n", field->min, field->max);
    }
    if (field->message != NULL) {
        text_print(text, "        .message_rules = &%s__message_rules,\n",
                   symbol_of(schema, field->message));
    }
    text_print(text, "    },\n");
}

static void emit_rules(struct text *text, struct schema *schema, const struct type *type)
{
    text_print(text, "\nstatic const struct gw_field_rule %s__rules[] = {\n",
               symbol_of(schema, type));
    for (size_t i = 0; i < type->message->n_field; i++) {
        emit_rule(text, schema, &type->fields[i]);
    }
    text_print(text, "};\n");
}

/* C has no empty arrays: a message without fields has no table. */
static void emit_rules_of(struct text *text, struct schema *schema, const struct type *type)
{
    const char *symbol = symbol_of(schema, type);
    bool has_rules = type->message->n_field != 0;
    if (has_rules) {
        emit_rules(text, schema, type);
    }
    text_print(text, "\nstatic const struct gw_message_rules %s__message_rules = {\n", symbol);
    text_print(text, "    .message = &%s__descriptor,\n", symbol);
    text_print(text, "    .rules = %s%s,\n", has_rules ? symbol : "NULL",
               has_rules ? "__rules" : "");
    text_print(text, "    .counter_count = %zu,\n", fields_counter_count(type));
    text_print(text, "    .required_count = %zu,\n};\n", fields_required_count(type));
}

/* Nested rules are written before the rules that use them. Recurses at most CLIENT_DEPTH_MAX deep.
 */
static void emit_with_parts(struct text *text, struct schema *schema, const struct type *type,
                            bool *done)
{
    size_t place = (size_t)(type - schema->types.list);
    if (done[place]) {
        return;
    }
    done[place] = true;
    for (size_t i = 0; i < type->message->n_field; i++) {
        if (type->fields[i].message != NULL) {
            emit_with_parts(text, schema, type->fields[i].message, done);
        }
    }
    emit_rules_of(text, schema, type);
}

bool has_message_rules(const struct packet *packet)
{
    return (packet->from & FROM_CLIENT) != 0;
}

void emit_message_rules(struct text *text, struct schema *schema)
{
    bool *done = pool_take(&schema->pool, schema->types.count, sizeof *done);
    for (size_t i = 0; i < schema->packet_count; i++) {
        if (has_message_rules(&schema->packets[i])) {
            emit_with_parts(text, schema, schema->packets[i].type, done);
        }
    }
}
