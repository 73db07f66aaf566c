/* session/visitor.c: who comes to the door and is not a player. */
#include "session/internal.h"

#include <string.h>

struct sign {
    enum gw_visitor visitor;
    uint8_t byte_count;
    const char *bytes;
};

static const struct sign signs[] = {
    {GW_VISITOR_HTTP, 4, "GET "},
    {GW_VISITOR_HTTP, 4, "HEAD"},
    {GW_VISITOR_HTTP, 4, "POST"},
    {GW_VISITOR_HTTP, 4, "PUT "},
    {GW_VISITOR_HTTP, 4, "DELE"},
    {GW_VISITOR_HTTP, 4, "CONN"},
    {GW_VISITOR_HTTP, 4, "OPTI"},
    {GW_VISITOR_HTTP, 4, "TRAC"},
    {GW_VISITOR_HTTP, 4, "PATC"},
    {GW_VISITOR_HTTP, 4, "PRI "},
    {GW_VISITOR_SSH, 4, "SSH-"},
    {GW_VISITOR_TLS, 2, "\x16\x03"}, /* RFC 8446, 5.1: a handshake record */
    {GW_VISITOR_RDP, 2, "\x03\x00"}, /* RFC 1006, 6: TPKT, which carries RDP */
};

enum gw_visitor gw__visitor_of(const uint8_t *bytes)
{
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        if (memcmp(bytes, signs[i].bytes, signs[i].byte_count) == 0) {
            return signs[i].visitor;
        }
    }
    return GW_VISITOR_OTHER;
}

const char *gw_visitor_name(enum gw_visitor visitor)
{
    static const char *const names[GW_VISITOR_COUNT] = {
        [GW_VISITOR_HTTP] = "http", [GW_VISITOR_TLS] = "tls",     [GW_VISITOR_SSH] = "ssh",
        [GW_VISITOR_RDP] = "rdp",   [GW_VISITOR_OTHER] = "other",
    };
    return (size_t)visitor < GW_VISITOR_COUNT ? names[visitor] : "?";
}
