/* tools/protoc-gen-gw/emit_senders.c: ids, stages, and a function for each packet that sends it. */
#include "tools/protoc-gen-gw/emit.h"

#include "tools/protoc-gen-gw/names.h"

#include <inttypes.h>
#include <string.h>

static const char about_senders[] =
    "\n/*\n"
    " * %s_send_x() sends a packet to one session, %s_say_x() to a whole group. They add the id "
    "and\n"
    " * the type to gw_session_send() and gw_group_broadcast(), which say which thread may call them.\n"
    " *\n"
    " * %s_reply_x() answers a request with a packet and the request's tag; `request` is the "
    "frame\n"
    " * that its handler was called with. See gw_session_reply().\n"
    " *\n"
    " * Owns: they borrow `message`.\n"
    " */\n";

static void emit_stages(struct text *text, struct schema *schema)
{
    const char *game = name_upper(&schema->pool, schema->package);
    if (schema->stage_count != 0) {
        text_print(
            text,
            "\n/* Where a session stands, as bits: what struct gw_packet.stages is made of. */\n");
    }
    for (size_t i = 0; i < schema->stage_count; i++) {
        text_print(text, "#define %s_STAGE_%s (1u << %" PRId32 ")\n", game,
                   name_upper(&schema->pool, schema->stages[i].name), schema->stages[i].number + 1);
    }
}

static void emit_send_head(struct text *text, const char *prefix, const struct packet *packet)
{
    text_print(text, "void %s_send_%s(struct gw_session *session, const %s *message)", prefix,
               packet->snake, packet->c_type);
}

static void emit_say_head(struct text *text, const char *prefix, const struct packet *packet)
{
    text_print(text, "void %s_say_%s(struct gw_group *group, const %s *message)", prefix,
               packet->snake, packet->c_type);
}

static void emit_reply_head(struct text *text, const char *prefix, const struct packet *packet)
{
    int indent = (int)(sizeof "void _reply_(" - 1 + strlen(prefix) + strlen(packet->snake));
    text_print(text,
               "void %s_reply_%s(struct gw_session *session, const struct gw_frame *request,\n",
               prefix, packet->snake);
    text_print(text, "%*sconst %s *message)", indent, "", packet->c_type);
}

static bool is_said(const struct packet *packet)
{
    return (packet->from & FROM_SERVER) != 0;
}

static void emit_declarations(struct text *text, const char *prefix, const struct packet *packet)
{
    emit_send_head(text, prefix, packet);
    text_print(text, ";\n");
    if (is_said(packet)) {
        emit_say_head(text, prefix, packet);
        text_print(text, ";\n");
    }
    if (packet->is_reply) {
        emit_reply_head(text, prefix, packet);
        text_print(text, ";\n");
    }
}

static void emit_definitions(struct text *text, const char *prefix, const struct packet *packet,
                             const char *id_prefix)
{
    text_print(text, "\n");
    emit_send_head(text, prefix, packet);
    text_print(text, "\n{\n    gw_session_send(session, %s%s, &message->base);\n}\n", id_prefix,
               packet->upper);
    if (is_said(packet)) {
        text_print(text, "\n");
        emit_say_head(text, prefix, packet);
        text_print(text, "\n{\n    gw_group_broadcast(group, %s%s, &message->base);\n}\n", id_prefix,
                   packet->upper);
    }
    if (packet->is_reply) {
        text_print(text, "\n");
        emit_reply_head(text, prefix, packet);
        text_print(text, "\n{\n    gw_session_reply(session, request, %s%s, &message->base);\n}\n",
                   id_prefix, packet->upper);
    }
}

static void emit_header(struct text *text, struct schema *schema, const char *name,
                        const char *id_prefix)
{
    const char *prefix = schema->prefix;
    emit_guard_open(text, schema, name);
    text_print(text, "#include \"%s\"\n\n", emit_messages_of(schema));
    text_print(
        text,
        "PROTOBUF_C__BEGIN_DECLS\n\nstruct gw_frame;\nstruct gw_group;\nstruct gw_session;\n\n");
    text_print(text, "/* Numbers that mean the same for ever. */\n");
    emit_ids(text, schema, id_prefix);
    emit_limits(text, schema, name_upper(&schema->pool, schema->package));
    emit_stages(text, schema);
    text_print(text, about_senders, prefix, prefix, prefix);
    for (size_t i = 0; i < schema->packet_count; i++) {
        emit_declarations(text, prefix, &schema->packets[i]);
    }
    emit_guard_close(text);
}

void emit_senders(struct output *output, struct schema *schema, const char *id_prefix)
{
    const char *stem = name_stem(&schema->pool, schema->file_name);
    const char *name = emit_header_of(schema, stem);
    struct text *header = output_add(output, schema, name, "ids, stages and senders");
    emit_header(header, schema, name, id_prefix);

    struct text *source =
        output_add(output, schema, emit_source_of(schema, stem), "ids, stages and senders");
    text_print(source, "#include \"%s\"\n\n", name);
    emit_include(source, schema, "session/group.h");
    emit_include(source, schema, "session/session.h");
    for (size_t i = 0; i < schema->packet_count; i++) {
        emit_definitions(source, schema->prefix, &schema->packets[i], id_prefix);
    }
}
