/* tools/protoc-gen-gw/rules_reply.c: Checks of requests and their replies. */
#include "tools/protoc-gen-gw/rules.h"

#include <string.h>

static struct packet *find_packet(const struct schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->packet_count; i++) {
        const struct packet *packet = &schema->packets[i];
        if (strcmp(packet->name, name) == 0 || strcmp(packet->type->name, name) == 0) {
            return &schema->packets[i];
        }
    }
    return NULL;
}

/* The side that answers requests of `from`. */
static uint8_t other_side(uint8_t from)
{
    return (uint8_t)((from & FROM_CLIENT ? FROM_SERVER : 0) |
                     (from & FROM_SERVER ? FROM_CLIENT : 0));
}

static void check_pair(struct schema *schema, const struct packet *request,
                       const struct packet *reply)
{
    uint8_t needed = other_side(request->from);
    if ((reply->from & needed) != needed) {
        problem_add(&schema->problems, schema->file_name, request->line,
                    "%s is answered by %s (line %d), which comes from the same side: the reply to "
                    "a packet from CLIENT is from SERVER, and the other way round",
                    request->name, reply->name, reply->line);
    }
    if (request->policy->droppable) {
        problem_add(&schema->problems, schema->file_name, request->line,
                    "%s is droppable, and has a reply, which would not come: remove one of them",
                    request->name);
    }
    if (reply->policy->droppable) {
        problem_add(&schema->problems, schema->file_name, reply->line,
                    "%s is droppable, and answers %s (line %d), whose answer would not come: "
                    "remove one of them",
                    reply->name, request->name, request->line);
    }
    if (reply->policy->coalesce) {
        problem_add(&schema->problems, schema->file_name, reply->line,
                    "%s says coalesce, and answers %s (line %d), which would lose its answer: "
                    "remove one of them",
                    reply->name, request->name, request->line);
    }
}

static void apply_reply(struct schema *schema, struct packet *request)
{
    const char *name = request->policy->reply;
    if (name[0] == '\0') {
        return;
    }
    struct packet *reply = find_packet(schema, name);
    if (reply == NULL) {
        problem_add(&schema->problems, schema->file_name, request->line,
                    "%s is answered by \"%s\", and there is no such packet in this schema",
                    request->name, name);
        return;
    }
    request->reply = reply;
    reply->is_reply = true;
    check_pair(schema, request, reply);
}

void rules_apply_to_replies(struct schema *schema)
{
    for (size_t i = 0; i < schema->packet_count; i++) {
        apply_reply(schema, &schema->packets[i]);
    }
}
