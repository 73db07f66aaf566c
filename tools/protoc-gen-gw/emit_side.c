/* tools/protoc-gen-gw/emit_side.c: Generation of the handlers and typed requests of one side. */
#include "tools/protoc-gen-gw/emit.h"

#include "tools/protoc-gen-gw/names.h"

#include <string.h>

static const char about_handlers[] =
    "\n/*\n"
    " * Handlers, one for each packet that this side receives. The program defines them; the "
    "linker\n"
    " * reports a missing one. They are called in the turn of `session`, must not block (see \"The "
    "rule\n"
    " * of turns\" in net/port.h), and borrow `message` until they return.\n"
    " */\n";

static bool is_received(const struct side *side, const struct packet *packet)
{
    return (packet->from & side->receives) != 0;
}

/*
 * Prints the last parameter on its own line, below the first. Its name is the same for every
 * packet: a name made from the packet's could be a keyword of C or a macro of a system header.
 */
static void emit_last_parameter(struct text *text, const char *head, const char *type)
{
    text_print(text, "%s,\n%*sconst %s *message)", head, (int)strcspn(head, "(") + 1, "", type);
}

static void emit_handler(struct text *text, struct schema *schema, const struct side *side,
                         const struct packet *packet)
{
    const char *head = pool_print(
        &schema->pool, "void %s%s(struct gw_session *session, const struct gw_frame *frame",
        side->handler_prefix, packet->snake);
    emit_last_parameter(text, head, packet->c_type);
    text_print(text, ";\n");
}

/*
 * A packet that this side only sends has no handler. A macro makes the compiler report a definition
 * of one at its line.
 */
static void emit_refusal(struct text *text, struct schema *schema, const struct side *side,
                         const struct packet *packet)
{
    const char *lock = "";
    if (packet->lock_line != 0) {
        const char *slash = strrchr(schema->lock_path, '/');
        lock = pool_print(&schema->pool, ", %s:%d", slash == NULL ? schema->lock_path : slash + 1,
                          packet->lock_line);
    }
    text_print(
        text,
        "#define %s%s(...) _Pragma(\"GCC error \\\"%s is from %s (%s:%d%s), so this side never "
        "receives it: remove %s%s()\\\"\")\n",
        side->handler_prefix, packet->snake, packet->name,
        packet->from == FROM_SERVER ? "SERVER" : "CLIENT", schema->file_name, packet->line, lock,
        side->handler_prefix, packet->snake);
}

static void emit_refusals(struct text *text, struct schema *schema, const struct side *side)
{
    const char *about =
        "\n/* This side only sends these packets. A handler for one is an error at its line. */\n";
    for (size_t i = 0; i < schema->packet_count; i++) {
        if (!is_received(side, &schema->packets[i])) {
            text_print(text, "%s", about);
            emit_refusal(text, schema, side, &schema->packets[i]);
            about = "";
        }
    }
}

static const char about_requests[] =
    "\n/*\n"
    " * Typed requests. %s_ask_x() sends x as a request and calls `on_answer` exactly once, in a "
    "turn\n"
    " * of `session`: with the reply, or with NULL and the reason in answer->kind: "
    "GW_ANSWER_ERROR\n"
    " * (answer->message is the Gw__Error), GW_ANSWER_TIMEOUT or GW_ANSWER_CLOSED. The reply is freed "
    "when\n"
    " * on_answer returns; no handler receives it. on_answer must not block.\n"
    " *\n"
    " * Returns   the tag. 0: nothing was sent and on_answer is not called; see "
    "gw_session_request().\n"
    " * Owns      borrows `message`; borrows `context` until on_answer is called.\n"
    " * Thread    turn of `session`.\n"
    " */\n";

/* Whether this side is a client and the packet one of its requests. */
static bool is_request_of(const struct side *side, const struct packet *packet)
{
    return side->receives == FROM_SERVER && (packet->from & FROM_CLIENT) != 0 &&
           packet->reply != NULL;
}

static bool has_requests(const struct schema *schema, const struct side *side)
{
    for (size_t i = 0; i < schema->packet_count; i++) {
        if (is_request_of(side, &schema->packets[i])) {
            return true;
        }
    }
    return false;
}

static void emit_request_head(struct text *text, const struct schema *schema,
                              const struct packet *packet)
{
    int indent =
        (int)(sizeof "uint16_t _ask_(" - 1 + strlen(schema->prefix) + strlen(packet->snake));
    text_print(text, "uint16_t %s_ask_%s(struct gw_session *session, const %s *message,\n",
               schema->prefix, packet->snake, packet->c_type);
    text_print(text,
               "%*svoid (*on_answer)(struct gw_session *session, const struct gw_answer *answer,\n",
               indent, "");
    text_print(text, "%*sconst %s *reply, void *context),\n%*svoid *context)", indent + 18, "",
               packet->reply->c_type, indent, "");
}

static void emit_requests(struct text *text, const struct schema *schema, const struct side *side)
{
    if (has_requests(schema, side)) {
        text_print(text, about_requests, schema->prefix);
    }
    for (size_t i = 0; i < schema->packet_count; i++) {
        if (is_request_of(side, &schema->packets[i])) {
            emit_request_head(text, schema, &schema->packets[i]);
            text_print(text, ";\n");
        }
    }
}

/* The callback that the session calls, which calls the typed one, and the function that asks. */
static void emit_request(struct text *text, const struct schema *schema, const struct side *side,
                         const struct packet *packet)
{
    const char *reply = packet->reply->c_type;
    text_print(
        text,
        "\nstatic void answer_%s(struct gw_session *session, const struct gw_answer *answer,\n"
        "%*svoid *context)\n{\n"
        "    void (*on_answer)(struct gw_session *, const struct gw_answer *, const %s *, void "
        "*);\n"
        "    on_answer = (void (*)(struct gw_session *, const struct gw_answer *, const %s *,\n"
        "                          void *))answer->function;\n"
        "    on_answer(session, answer,\n"
        "              answer->kind == GW_ANSWER_REPLY ? (const %s *)answer->message : NULL,\n"
        "              context);\n}\n\n",
        packet->snake, (int)(sizeof "static void answer_(" - 1 + strlen(packet->snake)), "", reply,
        reply, reply);
    emit_request_head(text, schema, packet);
    text_print(text,
               "\n{\n    return gw_session_request_with(session, %s%s, &message->base,\n"
               "                                   on_answer == NULL ? NULL : answer_%s,\n"
               "                                   (void (*)(void))on_answer, context);\n}\n",
               side->id_prefix, packet->upper, packet->snake);
}

static void emit_header(struct text *text, struct schema *schema, const struct side *side,
                        const char *name)
{
    const char *ids = emit_header_of(schema, name_stem(&schema->pool, schema->file_name));
    emit_guard_open(text, schema, name);
    text_print(text, "#include \"%s\"\n", side->declares_ids ? emit_messages_of(schema) : ids);
    emit_include(text, schema, "protocol/packet.h");
    if (has_requests(schema, side)) {
        emit_include(text, schema, "session/request.h");
    }
    text_print(text, "\nPROTOBUF_C__BEGIN_DECLS\n\nstruct gw_session;\n");
    if (side->declares_ids) {
        text_print(text, "\n");
        emit_ids(text, schema, side->id_prefix);
        emit_limits(text, schema, name_upper(&schema->pool, schema->package));
    }
    text_print(text, "%s", about_handlers);
    for (size_t i = 0; i < schema->packet_count; i++) {
        if (is_received(side, &schema->packets[i])) {
            emit_handler(text, schema, side, &schema->packets[i]);
        }
    }
    emit_refusals(text, schema, side);
    emit_requests(text, schema, side);
    text_print(
        text,
        "\n/* All packets. `handle` is NULL for a packet that this side does not receive. */\n");
    text_print(text, "extern const struct gw_packet_table %s;\n", side->table);
    emit_guard_close(text);
}

/* The function that the table calls. It casts the message to the type of the handler. */
static void emit_thunk(struct text *text, struct schema *schema, const struct side *side,
                       const struct packet *packet)
{
    const char *head =
        pool_print(&schema->pool, "static void handle_%s(void *peer, const struct gw_frame *frame",
                   packet->snake);
    text_print(text, "\n");
    emit_last_parameter(text, head, "ProtobufCMessage");
    text_print(text, "\n{\n    %s%s(peer, frame, (const %s *)message);\n}\n", side->handler_prefix,
               packet->snake, packet->c_type);
}

void emit_side(struct output *output, struct schema *schema, const struct side *side)
{
    const char *name = emit_header_of(schema, side->stem);
    emit_header(output_add(output, schema, name, side->what), schema, side, name);

    struct text *source =
        output_add(output, schema, emit_source_of(schema, side->stem), side->what);
    text_print(source, "#include \"%s\"\n\n", name);
    emit_include(source, schema, "protocol/message_rules.h");
    for (size_t i = 0; i < schema->packet_count; i++) {
        if (is_received(side, &schema->packets[i])) {
            emit_thunk(source, schema, side, &schema->packets[i]);
        }
    }
    for (size_t i = 0; i < schema->packet_count; i++) {
        if (is_request_of(side, &schema->packets[i])) {
            emit_request(source, schema, side, &schema->packets[i]);
        }
    }
    emit_message_rules(source, schema);
    emit_table(source, schema, side);
}
