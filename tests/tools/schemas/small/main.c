/* tests/tools/schemas/small/main.c: prints what the generated tables hold, and calls every handler
 * they name. */
#include "protocol/message_rules.h"
#include "protocol/packet.h"
#include "session/group.h"
#include "session/request.h"
#include "session/session.h"
#include "small/small_client.gen.h"
#include "small/small_server.gen.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void call(const struct gw_packet *packet)
{
    struct gw_frame frame = {.packet_id = packet->id};
    ProtobufCMessage *message = protobuf_c_message_unpack(packet->message, NULL, 0, NULL);
    packet->handle(NULL, &frame, message);
    protobuf_c_message_free_unpacked(message, NULL);
}

static void print_rules(const struct gw_message_rules *message_rules, int depth)
{
    for (unsigned i = 0; i < message_rules->message->n_fields; i++) {
        const struct gw_field_rule *rule = &message_rules->rules[i];
        char least[16] = "";
        if (rule->length_min != 0) {
            snprintf(least, sizeof least, "%u to ", rule->length_min);
        }
        printf("%*s%s length %s%u count %u counter %u checks %x from %g to %g\n", 2 * depth, "",
               message_rules->message->fields[i].name, least, rule->length_max, rule->count_max,
               rule->counter, rule->checks, rule->min, rule->max);
        if (rule->message_rules != NULL) {
            print_rules(rule->message_rules, depth + 1);
        }
    }
}

static void print_packet(const struct gw_packet *packet)
{
    printf("%u %s from %u stages %08" PRIx32 " bytes %" PRIu32
           " rate %u burst %u flags %x reply %u: ",
           packet->id, packet->name, packet->from, packet->stages, packet->body_bytes_max,
           packet->rate_per_second, packet->burst_count, packet->flags, packet->reply_id);
    if (packet->handle != NULL) {
        call(packet);
    } else {
        puts("-");
    }
    if (packet->message_rules != NULL) {
        print_rules(packet->message_rules, 1);
    }
}

static void print_table(const char *name, const struct gw_packet_table *table)
{
    printf("%s %" PRIu32 " %" PRIu32 "\n", name, table->packet_count, table->id_first);
    for (uint32_t id = 0; id <= UINT16_MAX; id++) {
        const struct gw_packet *packet = gw_packet_find(table, (uint16_t)id);
        if (packet != NULL) {
            print_packet(packet);
        }
    }
}

/* What the generated senders call. */
void gw_session_send(struct gw_session *session, uint16_t packet_id,
                     const ProtobufCMessage *message)
{
    (void)session;
    printf("send %u %s\n", packet_id, message->descriptor->name);
}

void gw_group_broadcast(struct gw_group *group, uint16_t packet_id, const ProtobufCMessage *message)
{
    (void)group;
    printf("broadcast %u %s\n", packet_id, message->descriptor->name);
}

void gw_group_send(struct gw_group *group, gw_session_id id, uint16_t packet_id,
                   const ProtobufCMessage *message)
{
    (void)group;
    printf("send %u %s to %" PRIu64 "\n", packet_id, message->descriptor->name, id);
}

void gw_session_reply(struct gw_session *session, const struct gw_frame *request,
                      uint16_t packet_id, const ProtobufCMessage *message)
{
    (void)session;
    printf("reply %u %s to %u\n", packet_id, message->descriptor->name, request->tag);
}

void gw_group_reply(struct gw_group *group, gw_session_id id, const struct gw_frame *request,
                    uint16_t packet_id, const ProtobufCMessage *message)
{
    (void)group;
    printf("reply %u %s to %u of %" PRIu64 "\n", packet_id, message->descriptor->name, request->tag,
           id);
}

uint16_t gw_session_request_with(struct gw_session *session, uint16_t packet_id,
                                 const ProtobufCMessage *message, gw_session_on_answer *on_answer,
                                 void (*function)(void), void *context)
{
    printf("ask %u %s\n", packet_id, message->descriptor->name);
    if (on_answer == NULL) {
        return 0;
    }
    const Small__Session reply = SMALL__SESSION__INIT;
    const struct gw_frame frame = {.packet_id = SMALL_PACKET_SESSION};
    struct gw_answer answer = {.frame = &frame, .message = &reply.base, .function = function};
    for (int kind = GW_ANSWER_REPLY; kind <= GW_ANSWER_CLOSED; kind++) {
        answer.kind = (enum gw_answer_kind)kind;
        on_answer(session, &answer, context);
    }
    return 7;
}

static void on_sit_answered(struct gw_session *session, const struct gw_answer *answer,
                            const Small__Session *reply, void *context)
{
    printf("answer %d %s to %s\n", (int)answer->kind,
           reply != NULL ? reply->base.descriptor->name : "-", (const char *)context);
    (void)session;
}

int main(void)
{
    print_table("server", &small_server_packets);
    print_table("client", &small_client_packets);
    Small__CPlay play = SMALL__C__PLAY__INIT;
    Small__Deal__HTTPDone done = SMALL__DEAL__HTTPDONE__INIT;
    small_send_c_play(NULL, &play);
    small_send_deal_httpdone(NULL, &done);
    small_broadcast_deal_httpdone(NULL, &done);
    small_group_send_deal_httpdone(NULL, 9, &done);
    Small__Session session = SMALL__SESSION__INIT;
    small_reply_session(NULL, &(struct gw_frame){.tag = 7}, &session);
    small_group_reply_session(NULL, 9, &(struct gw_frame){.tag = 8}, &session);
    const Small__Sit sit = SMALL__SIT__INIT;
    char asker[] = "a client";
    printf("tag %u\n", small_ask_sit(NULL, &sit, on_sit_answered, asker));
    printf("tag %u\n", small_ask_sit(NULL, &sit, NULL, NULL));
    char names[64];
    gw_packet_stages_text(&small_client_packets, 0x80000007u, names, sizeof names);
    printf("named %s\n", names);
    printf("stages %x %x %x\n", SMALL_STAGE_MENU, SMALL_STAGE_TABLE, SMALL_STAGE_LAST);
    return small_server_packets.schema_hash == small_client_packets.schema_hash &&
                   small_server_packets.schema_hash != 0
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}
