/* tools/protoc-gen-gw/emit_senders.c: Generation of packet ids, stages and typed senders. */
#include "tools/protoc-gen-gw/emit.h"

#include "tools/protoc-gen-gw/names.h"

#include <inttypes.h>
#include <string.h>

static const char about_senders[] =
    "\n/*\n"
    " * Typed senders. They add the packet's id and type to the functions of session/session.h "
    "and\n"
    " * session/group.h, which say what happens and which thread may call them.\n"
    " *\n"
    " *   %s_send_x()         to one session: gw_session_send()\n"
    " *   %s_reply_x()        to one session, in answer to `request`: gw_session_reply()\n"
    " *   %s_broadcast_x()    to all members of a group: gw_group_broadcast()\n"
    " *   %s_group_send_x()   to one member of a group: gw_group_send()\n"
    " *   %s_group_reply_x()  to one member, in answer to `request`: gw_group_reply()\n"
    " *\n"
    " * `request` is the frame that the handler of the request was called with.\n"
    " *\n"
    " * Owns: they borrow `message`.\n"
    " */\n";

static void emit_stages(struct text *text, struct schema *schema)
{
    const char *game = name_upper(&schema->pool, schema->package);
    if (schema->stage_count != 0) {
        text_print(text, "\n/* Stages of a session, as the bits of struct gw_packet.stages. */\n");
    }
    for (size_t i = 0; i < schema->stage_count; i++) {
        text_print(text, "#define %s_STAGE_%s (1u << %" PRId32 ")\n", game,
                   name_upper(&schema->pool, schema->stages[i].name), schema->stages[i].number + 1);
    }
}

/* A typed sender: "void game_VERB_x(PARAMETERS, const Game__X *message)", and the call it makes. */
struct sender {
    const char *verb;
    const char *parameters;
    const char *function;
    const char *arguments;
    bool is_from_server; /* only for packets that a server sends */
    bool is_reply;       /* only for packets that answer a request */
};

static const struct sender senders[] = {
    {"send", "struct gw_session *session", "gw_session_send", "session", false, false},
    {"reply", "struct gw_session *session, const struct gw_frame *request", "gw_session_reply",
     "session, request", false, true},
    {"broadcast", "struct gw_group *group", "gw_group_broadcast", "group", true, false},
    {"group_send", "struct gw_group *group, gw_session_id id", "gw_group_send", "group, id", true,
     false},
    {"group_reply", "struct gw_group *group, gw_session_id id, const struct gw_frame *request",
     "gw_group_reply", "group, id, request", true, true},
};

#define SENDER_COUNT (sizeof senders / sizeof senders[0])

static bool sender_applies(const struct sender *sender, const struct packet *packet)
{
    return (!sender->is_from_server || (packet->from & FROM_SERVER) != 0) &&
           (!sender->is_reply || packet->is_reply);
}

static void emit_sender_head(struct text *text, struct schema *schema, const struct packet *packet,
                             const struct sender *sender)
{
    const char *head = pool_print(&schema->pool, "void %s_%s_%s(%s,", schema->prefix, sender->verb,
                                  packet->snake, sender->parameters);
    const char *last = pool_print(&schema->pool, "const %s *message)", packet->c_type);
    bool fits = strlen(head) + strlen(last) < 100;
    int indent = fits ? 1 : (int)strcspn(head, "(") + 1;
    text_print(text, "%s%s%*s%s", head, fits ? "" : "\n", indent, "", last);
}

static void emit_sender(struct text *text, struct schema *schema, const struct packet *packet,
                        const struct sender *sender, const char *id_prefix)
{
    text_print(text, "\n");
    emit_sender_head(text, schema, packet, sender);
    text_print(text, "\n{\n    %s(%s, %s%s, &message->base);\n}\n", sender->function,
               sender->arguments, id_prefix, packet->upper);
}

static void emit_header(struct text *text, struct schema *schema, const char *name,
                        const char *id_prefix)
{
    const char *prefix = schema->prefix;
    emit_guard_open(text, schema, name);
    text_print(text, "#include \"%s\"\n", emit_messages_of(schema));
    emit_include(text, schema, "session/session.h");
    text_print(text, "\nPROTOBUF_C__BEGIN_DECLS\n\nstruct gw_frame;\nstruct gw_group;\n\n");
    text_print(text, "/* Packet ids. An id never changes its meaning. */\n");
    emit_ids(text, schema, id_prefix);
    emit_limits(text, schema, name_upper(&schema->pool, schema->package));
    emit_stages(text, schema);
    text_print(text, about_senders, prefix, prefix, prefix, prefix, prefix);
    for (size_t i = 0; i < schema->packet_count; i++) {
        for (size_t k = 0; k < SENDER_COUNT; k++) {
            if (sender_applies(&senders[k], &schema->packets[i])) {
                emit_sender_head(text, schema, &schema->packets[i], &senders[k]);
                text_print(text, ";\n");
            }
        }
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
        for (size_t k = 0; k < SENDER_COUNT; k++) {
            if (sender_applies(&senders[k], &schema->packets[i])) {
                emit_sender(source, schema, &schema->packets[i], &senders[k], id_prefix);
            }
        }
    }
}
