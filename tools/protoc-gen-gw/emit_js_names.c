/* tools/protoc-gen-gw/emit_js_names.c: Names of JavaScript for the types, fields and packets of a
 * schema. */
#include "tools/protoc-gen-gw/emit_js.h"

#include "tools/protoc-gen-gw/names.h"

#include <stdlib.h>
#include <string.h>

/* Words that no variable may be called, and the names that generated code uses. */
static const char *const reserved_types[] = {
    "Array",      "Events",     "Infinity",  "Init",       "Map",        "MessageType", "NaN",
    "PacketType", "Promise",    "Senders",   "Uint8Array", "any",        "arguments",   "await",
    "bigint",     "boolean",    "break",     "case",       "catch",      "class",       "const",
    "continue",   "debugger",   "default",   "delete",     "do",         "else",        "enum",
    "eval",       "export",     "extends",   "false",      "finally",    "for",         "function",
    "if",         "implements", "import",    "in",         "instanceof", "interface",   "let",
    "m",          "never",      "new",       "null",       "number",     "object",      "one",
    "package",    "private",    "protected", "public",     "r",          "return",      "schema",
    "static",     "string",     "super",     "switch",     "symbol",     "this",        "throw",
    "true",       "try",        "typeof",    "undefined",  "unknown",    "var",         "void",
    "w",          "while",      "with",      "yield",
};

/* What a connection has of its own: tools/clients/js/gangway.mjs. Some of it is for later. */
static const char *const reserved_packets[] = {
    "away",     "back",    "bufferedAmount", "close",      "constructor", "error",     "goaway",
    "off",      "on",      "once",           "schemaHash", "state",       "sessionId", "then",
    "toString", "valueOf", "toJSON",
};

static bool is_among(const char *name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, list[i]) == 0) {
            return true;
        }
    }
    return false;
}

#define IS_AMONG(name, list) is_among(name, list, sizeof list / sizeof list[0])

/* "chatLine" of "chat_line". */
static char *camel_of(struct pool *pool, const char *snake)
{
    char *camel = pool_print(pool, "%s", snake);
    char *end = camel;
    bool is_after = false;
    for (const char *c = snake; *c != '\0'; c++) {
        if (*c == '_') {
            is_after = end != camel;
            continue;
        }
        *end++ = is_after && *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
        is_after = false;
    }
    *end = '\0';
    return camel;
}

const char *js_type_name(struct schema *schema, const struct type *type)
{
    size_t package = strlen(schema->package);
    bool is_own = strncmp(type->name, schema->package, package) == 0 && type->name[package] == '.';
    char *name = pool_print(&schema->pool, "%s", type->name + (is_own ? package + 1 : 0));
    for (char *c = name; *c != '\0'; c++) {
        *c = *c == '.' ? '_' : *c;
    }
    return IS_AMONG(name, reserved_types) ? pool_print(&schema->pool, "%s_", name) : name;
}

const char *js_field_name(struct schema *schema, const struct field *field)
{
    return camel_of(&schema->pool, field->proto->name);
}

const char *js_packet_name(struct schema *schema, const struct packet *packet)
{
    const char *name = camel_of(&schema->pool, packet->snake);
    return IS_AMONG(name, reserved_packets) ? pool_print(&schema->pool, "%s_", name) : name;
}

bool js_is_map_entry(const struct type *type)
{
    return type->message != NULL && type->message->options != NULL &&
           type->message->options->map_entry;
}

static bool is_used(const struct schema *schema, const struct type *enumeration)
{
    for (size_t i = 0; i < schema->types.count; i++) {
        const struct type *type = &schema->types.list[i];
        for (size_t k = 0; schema->in_packets[i] && k < type->message->n_field; k++) {
            if (type->fields[k].enumeration == enumeration) {
                return true;
            }
        }
    }
    return false;
}

bool js_has_type(const struct schema *schema, const struct type *type)
{
    if (type->message != NULL) {
        return schema->in_packets[type - schema->types.list];
    }
    return type != schema->stages_type && (type->file == schema->file || is_used(schema, type));
}

struct js_value js_value_of(struct schema *schema, const struct field *field)
{
    switch ((int)field->proto->type) {
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_DOUBLE:
        return (struct js_value){"double", "0", "number"};
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FLOAT:
        return (struct js_value){"float", "0", "number"};
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_INT64:
        return (struct js_value){"int64", "0n", "bigint"};
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_UINT64:
        return (struct js_value){"uint64", "0n", "bigint"};
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SINT64:
        return (struct js_value){"sint64", "0n", "bigint"};
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FIXED64:
        return (struct js_value){"fixed64", "0n", "bigint"};
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SFIXED64:
        return (struct js_value){"sfixed64", "0n", "bigint"};
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_INT32:
        return (struct js_value){"int32", "0", "number"};
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_UINT32:
        return (struct js_value){"uint32", "0", "number"};
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SINT32:
        return (struct js_value){"sint32", "0", "number"};
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FIXED32:
        return (struct js_value){"fixed32", "0", "number"};
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SFIXED32:
        return (struct js_value){"sfixed32", "0", "number"};
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BOOL:
        return (struct js_value){"bool", "false", "boolean"};
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_STRING:
        return (struct js_value){"string", "''", "string"};
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BYTES:
        return (struct js_value){"bytes", "new Uint8Array(0)", "Uint8Array"};
    case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_ENUM:
        return (struct js_value){
            "int32", "0",
            field->enumeration == NULL ? "number" : js_type_name(schema, field->enumeration)};
    default:
        return (struct js_value){"message", "undefined",
                                 field->message == NULL ? "unknown"
                                                        : js_type_name(schema, field->message)};
    }
}

/* ---- names that are invalid or equal ---- */

/* protoc gives no such name, but a descriptor set may have any. */
static void check_valid(struct schema *schema, const struct type *type, const char *name, int line)
{
    if (!name_is_good(name)) {
        problem_add(&schema->problems, schema->file_name, line, "\"%s\" in %s is not a name",
                    name == NULL ? "" : name, type->name);
    }
}

static void check_members(struct schema *schema, const struct type *type)
{
    check_valid(schema, type, type->name, type_line(type));
    for (size_t i = 0; type->enumeration != NULL && i < type->enumeration->n_value; i++) {
        check_valid(schema, type, type->enumeration->value[i]->name, type_member_line(type, i));
    }
    for (size_t i = 0; type->message != NULL && i < type->message->n_oneof_decl; i++) {
        check_valid(schema, type, type->message->oneof_decl[i]->name, type_line(type));
    }
    for (size_t i = 0; type->message != NULL && i < type->message->n_field; i++) {
        const struct field *field = &type->fields[i];
        check_valid(schema, type, field->proto->name, type_member_line(type, field->index));
    }
}

struct js_name {
    const char *name;
    const struct type *type;
};

static int by_name(const void *left, const void *right)
{
    const struct js_name *a = left;
    const struct js_name *b = right;
    int names = strcmp(a->name, b->name);
    return names != 0 ? names : strcmp(a->type->name, b->type->name);
}

/* Names of one package differ, because they do in C, as do names of fields, because protoc refuses
 * equal ones. "other.Part" of an imported file may be equal to a name of the schema. */
static void check_differ(struct schema *schema, struct js_name *names, size_t count)
{
    if (count != 0) {
        qsort(names, count, sizeof *names, by_name);
    }
    for (size_t i = 1; i < count; i++) {
        if (strcmp(names[i - 1].name, names[i].name) == 0) {
            problem_add(&schema->problems, schema->file_name, 0,
                        "%s and %s would both be %s in JavaScript: rename one",
                        names[i - 1].type->name, names[i].type->name, names[i].name);
        }
    }
}

void js_check_names(struct schema *schema)
{
    struct js_name *names = pool_take(&schema->pool, schema->types.count, sizeof *names);
    size_t count = 0;
    for (size_t i = 0; i < schema->types.count; i++) {
        const struct type *type = &schema->types.list[i];
        if (js_has_type(schema, type)) {
            check_members(schema, type);
            names[count++] = (struct js_name){js_type_name(schema, type), type};
        }
    }
    check_differ(schema, names, count);
}
