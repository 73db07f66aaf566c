/* session/reason.c: why a session ends, in the words of the one list. */
#include "session/internal.h"

#include "net/error.h"

/* What is not below GW_CLOSE_REASON_COUNT has no counter and no CLOSE: it is not in the list. */
static const ProtobufCEnumValue *find_reason(int reason)
{
    return reason >= 0 && reason < GW_CLOSE_REASON_COUNT
               ? protobuf_c_enum_descriptor_get_value(&gw__close_reason__descriptor, reason)
               : NULL;
}

const char *gw_close_reason_name(Gw__CloseReason reason)
{
    const ProtobufCEnumValue *found = find_reason((int)reason);
    return found != NULL ? found->name : "?";
}

Gw__CloseReason gw__reason_of_peer(int reason)
{
    return find_reason(reason) != NULL ? (Gw__CloseReason)reason : GW__CLOSE_REASON__NONE;
}

Gw__CloseReason gw__reason_of_result(enum gw_packet_result result)
{
    static const Gw__CloseReason reasons[] = {
        [GW_PACKET_OK] = GW__CLOSE_REASON__NONE,
        [GW_PACKET_BAD_FLAGS] = GW__CLOSE_REASON__BAD_FLAGS,
        [GW_PACKET_TOO_LONG] = GW__CLOSE_REASON__TOO_LONG,
        [GW_PACKET_UNKNOWN] = GW__CLOSE_REASON__UNKNOWN_PACKET,
        [GW_PACKET_WRONG_WAY] = GW__CLOSE_REASON__WRONG_WAY,
        [GW_PACKET_WRONG_STAGE] = GW__CLOSE_REASON__WRONG_STAGE,
        [GW_PACKET_TOO_OFTEN] = GW__CLOSE_REASON__TOO_OFTEN,
        [GW_PACKET_BAD_BODY] = GW__CLOSE_REASON__BAD_BODY,
        [GW_PACKET_TOO_COMPLEX] = GW__CLOSE_REASON__TOO_COMPLEX,
    };
    return reasons[result];
}

/* Ours are positive and errors negative, so that both pass through a stream as one number. */
Gw__CloseReason gw__reason_of_stream(int reason)
{
    switch (reason) {
    case GW_E_CLOSED:
        return GW__CLOSE_REASON__BY_PEER;
    case GW_E_MEMORY:
        return GW__CLOSE_REASON__NO_MEMORY;
    default:
        return reason > 0 ? (Gw__CloseReason)reason : GW__CLOSE_REASON__NETWORK;
    }
}
