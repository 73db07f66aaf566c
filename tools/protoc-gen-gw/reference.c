/* tools/protoc-gen-gw/reference.c: Generation of PROTOCOL.md. */
#include "tools/protoc-gen-gw/reference.h"

#include "tools/protoc-gen-gw/file.h"
#include "tools/protoc-gen-gw/list.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static bool is_from(const struct packet *packet, uint8_t from)
{
    return (packet->from & from) != 0;
}

static void write_overview(struct text *text, struct schema *schema, uint8_t from)
{
    bool is_client = from == FROM_CLIENT;
    text_print(text, "| id | packet |%s body at most | |\n|---|---|%s---|---|\n",
               is_client ? " at stages | at most |" : "", is_client ? "---|---|" : "");
    for (size_t i = 0; i < schema->packet_count; i++) {
        const struct packet *packet = &schema->packets[i];
        if (!is_from(packet, from)) {
            continue;
        }
        text_print(text, "| %" PRIu32 " | [%s](#%s) |", packet->policy->id, packet->name,
                   packet->snake);
        if (is_client) {
            text_print(text, " %s | %s |", list_stages(schema, packet), list_rate(schema, packet));
        }
        text_print(text, " %" PRIu32 " bytes | %s |\n", packet->bytes_max,
                   list_marks(schema, packet));
    }
}

static void add_limit(struct text *text, const char *format, uint32_t number)
{
    text_print(text, "%s", text->length == 0 ? "" : ", ");
    text_print(text, format, number);
}

/* The rules that a server checks. Packets that only servers send have none. */
static const char *limits_of(struct schema *schema, const struct type *type,
                             const struct field *field)
{
    struct text text = {0};
    if (!schema->from_client[type - schema->types.list]) {
        return "";
    }
    if (field->is_repeated) {
        add_limit(&text, "at most %" PRIu32, field->count_max);
    }
    if (field->length_max != 0) {
        add_limit(&text,
                  field->is_repeated ? "each of at most %" PRIu32 " bytes"
                                     : "at most %" PRIu32 " bytes",
                  field->length_max);
    }
    if (field->is_utf8) {
        text_print(&text, field->is_printable ? " of printable UTF-8" : " of UTF-8");
    }
    if (field->length_min != 0) {
        add_limit(&text, "at least %" PRIu32, field->length_min);
    }
    if (field->has_range) {
        text_print(&text, "%s%.17g to %.17g", text.length == 0 ? "" : ", ", field->min, field->max);
    } else if (field->is_finite) {
        text_print(&text, "%sfinite", text.length == 0 ? "" : ", ");
    }
    if (field->is_not_zero) {
        text_print(&text, "%snot 0", text.length == 0 ? "" : ", ");
    }
    if (field->must_come) {
        text_print(&text, "%srequired", text.length == 0 ? "" : ", ");
    }
    const char *limits = pool_print(&schema->pool, "%s", text.bytes == NULL ? "" : text.bytes);
    text_fini(&text);
    return limits;
}

/* Escapes "|" in a comment: it would end a cell of the table. */
static const char *in_table(struct schema *schema, const char *comment)
{
    char *safe = pool_take(&schema->pool, 2, strlen(comment) + 1);
    char *end = safe;
    for (const char *c = comment; *c != '\0'; c++) {
        if (*c == '|') {
            *end++ = '\\';
        }
        *end++ = *c;
    }
    return safe;
}

static void write_fields(struct text *text, struct schema *schema, const struct type *type)
{
    if (type->message->n_field == 0) {
        text_print(text, "Has no fields.\n");
        return;
    }
    text_print(text,
               "| number | field | type | what the server takes | |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < type->message->n_field; i++) {
        const struct field *field = &type->fields[i];
        const char *comment = type_member_comment(&schema->pool, type, field->index);
        text_print(text, "| %" PRId32 " | `%s` | `%s` | %s | %s |\n", field->proto->number,
                   field->proto->name, lock_type_word(&schema->pool, field),
                   limits_of(schema, type, field), in_table(schema, comment));
    }
}

static void write_comment(struct text *text, struct schema *schema, const struct type *type)
{
    const char *comment = type_comment(&schema->pool, type);
    if (comment[0] != '\0') {
        text_print(text, "%s\n\n", comment);
    }
}

static void write_packet(struct text *text, struct schema *schema, const struct packet *packet)
{
    static const char *const senders[] = {"", "client", "server", "client and server"};
    text_print(text, "\n### <a id=\"%s\"></a>%" PRIu32 " %s\n\n", packet->snake, packet->policy->id,
               packet->name);
    text_print(text, "`%s`, from %s.\n\n", packet->type->name, senders[packet->from & 3]);
    write_comment(text, schema, packet->type);
    write_fields(text, schema, packet->type);
}

static void write_parts(struct text *text, struct schema *schema)
{
    const char *title = "\n## Messages inside\n";
    for (size_t i = 0; i < schema->types.count; i++) {
        const struct type *type = &schema->types.list[i];
        if (type->message != NULL && lock_is_part(schema, type)) {
            text_print(text, "%s\n### `%s`\n\n", title, type->name);
            write_comment(text, schema, type);
            write_fields(text, schema, type);
            title = "";
        }
    }
}

static void write_enum(struct text *text, struct schema *schema, const struct type *type)
{
    text_print(text, "\n### `%s`\n\n", type->name);
    write_comment(text, schema, type);
    text_print(text, "| value | name | |\n|---|---|---|\n");
    for (size_t i = 0; i < type->enumeration->n_value; i++) {
        const char *comment = type_member_comment(&schema->pool, type, i);
        text_print(text, "| %" PRId32 " | `%s` | %s |\n", type->enumeration->value[i]->number,
                   type->enumeration->value[i]->name, in_table(schema, comment));
    }
}

static void write_enums(struct text *text, struct schema *schema)
{
    const char *title = "\n## Values\n";
    for (size_t i = 0; i < schema->types.count; i++) {
        const struct type *type = &schema->types.list[i];
        if (type->enumeration != NULL && type->file == schema->file) {
            text_print(text, "%s", title);
            write_enum(text, schema, type);
            title = "";
        }
    }
}

static void write_schema(struct text *text, struct schema *schema)
{
    text_print(text, "\n## What clients send\n\n");
    write_overview(text, schema, FROM_CLIENT);
    text_print(text, "\n## What servers send\n\n");
    write_overview(text, schema, FROM_SERVER);
    text_print(text, "\n## Packets\n");
    for (size_t i = 0; i < schema->packet_count; i++) {
        write_packet(text, schema, &schema->packets[i]);
    }
    write_parts(text, schema);
    write_enums(text, schema);
}

void reference_write(struct text *text, struct schema *schema)
{
    text_print(text, "# The packets of `%s`\n\n", schema->package);
    text_print(
        text,
        "Generated by protoc-gen-gw from `%s`; the build keeps it up to date. Gangway's WIRE.md "
        "describes the frame\n"
        "format and the consequences of a broken rule. The hash of the schema is\n"
        "`0x%016" PRIx64 "`.\n",
        schema->file_name, schema->hash);
    write_schema(text, schema);
    if (schema->control != NULL) {
        text_print(text, "\n# The control packets\n\nOf the framework itself, from `%s`.\n",
                   schema->control->file_name);
        write_schema(text, schema->control);
    }
}

void reference_keep(struct schema *schema, const char *path, bool is_frozen)
{
    struct text written = {0};
    struct text there = {0};
    reference_write(&written, schema);
    int error = file_read(path, &there);
    bool is_right = error == 0 && there.length == written.length &&
                    memcmp(there.bytes, written.bytes, written.length) == 0;
    if (!is_right && is_frozen) {
        problem_add(&schema->problems, path, 0,
                    "is behind %s, and CI=true: build without CI, which writes it, and commit it",
                    schema->file_name);
    } else if (!is_right && (error = file_replace(path, &written)) != 0) {
        problem_add(&schema->problems, path, 0, "cannot be written: %s", strerror(error));
    }
    text_fini(&written);
    text_fini(&there);
}
