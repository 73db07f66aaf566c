/* protocol/validate_explain.c: Description of the first fault of a refused body. */
#include "protocol/validate_walk.h"

#include <stdio.h>

/* The message with the fault, and its field; NULL if the fault concerns no field. */
struct found {
    const struct gw_message_rules *message_rules;
    const ProtobufCFieldDescriptor *field;
};

/* The field whose key is at `at`, in the message that is being validated. */
static struct found field_at(struct validation *validation, const uint8_t *at)
{
    struct seen seen = {.field = NULL};
    const uint8_t *now = validation->at;
    validation->at = at;
    bool is_key = read_key(validation, &seen);
    validation->at = now;
    return (struct found){top(validation)->message_rules, is_key ? seen.field : NULL};
}

/* The first required field that is absent from the message that is being validated. */
static struct found field_missing(struct validation *validation)
{
    const struct gw_message_rules *message_rules = top(validation)->message_rules;
    unsigned missing = first_missing(validation, message_rules);
    for (unsigned i = 0; i < message_rules->message->n_fields; i++) {
        if (message_rules->rules[i].counter == missing + 1) {
            return (struct found){message_rules, &message_rules->message->fields[i]};
        }
    }
    return (struct found){message_rules, NULL};
}

static void describe(char *text, size_t text_bytes, enum gw__fault fault, struct found found)
{
    static const struct gw_field_rule no_rule = {.counter = 0};
    const struct gw_field_rule *rule =
        found.field == NULL
            ? &no_rule
            : &found.message_rules->rules[found.field - found.message_rules->message->fields];
    bool is_float = found.field != NULL && found.field->type == PROTOBUF_C_TYPE_FLOAT;
    int digits = is_float ? 7 : 16;
    switch (fault) {
    case GW__FAULT_TOO_LONG:
        snprintf(text, text_bytes, "is longer than %u bytes", rule->length_max);
        break;
    case GW__FAULT_TOO_SHORT:
        snprintf(text, text_bytes, "is shorter than %u bytes", rule->length_min);
        break;
    case GW__FAULT_RANGE:
        snprintf(text, text_bytes, "is not from %.*g to %.*g", digits, rule->min, digits,
                 rule->max);
        break;
    case GW__FAULT_MISSING:
        if ((rule->checks & GW_FIELD_RANGE) != 0) {
            snprintf(text, text_bytes, "is absent, so 0, which is not from %.*g to %.*g", digits,
                     rule->min, digits, rule->max);
        } else if (rule->length_min != 0) {
            snprintf(text, text_bytes, "is absent, so shorter than %u bytes", rule->length_min);
        } else {
            snprintf(text, text_bytes, "is required, and is absent");
        }
        break;
    case GW__FAULT_TOO_OFTEN:
        snprintf(text, text_bytes, "comes more than %u times", rule->count_max);
        break;
    case GW__FAULT_TOO_DEEP:
        snprintf(text, text_bytes, "nests more than %d deep", GW_VALIDATE_DEPTH_MAX);
        break;
    case GW__FAULT_UNKNOWN:
        snprintf(text, text_bytes, "has more than %d fields that the schema does not have",
                 GW_VALIDATE_UNKNOWN_MAX);
        break;
    default: {
        static const char *const words[] = {
            [GW__FAULT_MALFORMED] = "is cut off or is not a protobuf message",
            [GW__FAULT_TYPE] = "has another type in the schema",
            [GW__FAULT_UTF8] = "is not UTF-8 without NUL",
            [GW__FAULT_PRINTABLE] = "has a character that is not printable",
            [GW__FAULT_FINITE] = "is infinite or not a number",
            [GW__FAULT_KNOWN] = "is not a value of its enum",
            [GW__FAULT_ZERO] = "is required, and is 0",
        };
        snprintf(text, text_bytes, "%s", words[fault]);
        break;
    }
    }
}

bool gw_validate_explain(const struct gw_message_rules *message_rules, const uint8_t *body,
                         size_t body_bytes, struct gw_packet_fault *fault_out)
{
    struct validation validation;
    char *path = fault_out->field;
    size_t used[GW_VALIDATE_DEPTH_MAX + 1] = {0}; /* bytes of `path`, by depth */
    const uint8_t *at = body;
    size_t depth = 1;
    enum gw__fault fault = begin(&validation, message_rules, body, body_bytes);
    while (fault == GW__FAULT_NONE && validation.depth != 0) {
        at = validation.at;
        depth = validation.depth;
        bool is_end = at == top(&validation)->end;
        fault = step(&validation);
        if (!is_end && validation.depth > depth) {
            validation.depth--;
            const char *name = field_at(&validation, at).field->name;
            validation.depth++;
            size_t room = sizeof fault_out->field - used[depth];
            int length = snprintf(path + used[depth], room, "%s.", name);
            used[validation.depth] =
                used[depth] + ((size_t)length < room ? (size_t)length : room - 1);
        }
    }
    if (fault == GW__FAULT_NONE) {
        return false;
    }
    struct found found =
        fault == GW__FAULT_MISSING ? field_missing(&validation) : field_at(&validation, at);
    if (found.field != NULL) {
        snprintf(path + used[depth], sizeof fault_out->field - used[depth], "%s",
                 found.field->name);
    } else if (used[depth] == 0) {
        snprintf(path, sizeof fault_out->field, "body");
    } else {
        path[used[depth] - 1] = '\0'; /* the path of the message, without its dot */
    }
    describe(fault_out->rule, sizeof fault_out->rule, fault, found);
    return true;
}
