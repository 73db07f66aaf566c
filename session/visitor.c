/* session/visitor.c: who comes to the door and is not a player. */
#include "session/internal.h"

#include <string.h>

struct sign {
    enum gw_foreign_protocol visitor;
    uint8_t byte_count;
    const char *bytes;
};

static const struct sign signs[] = {
    {GW_FOREIGN_HTTP, 4, "GET "},
    {GW_FOREIGN_HTTP, 4, "HEAD"},
    {GW_FOREIGN_HTTP, 4, "POST"},
    {GW_FOREIGN_HTTP, 4, "PUT "},
    {GW_FOREIGN_HTTP, 4, "DELE"},
    {GW_FOREIGN_HTTP, 4, "CONN"},
    {GW_FOREIGN_HTTP, 4, "OPTI"},
    {GW_FOREIGN_HTTP, 4, "TRAC"},
    {GW_FOREIGN_HTTP, 4, "PATC"},
    {GW_FOREIGN_HTTP, 4, "PRI "},
    {GW_FOREIGN_SSH, 4, "SSH-"},
    {GW_FOREIGN_TLS, 2, "\x16\x03"}, /* RFC 8446, 5.1: a handshake record */
    {GW_FOREIGN_RDP, 2, "\x03\x00"}, /* RFC 1006, 6: TPKT, which carries RDP */
};

enum gw_foreign_protocol gw__foreign_protocol_of(const uint8_t *bytes)
{
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        if (memcmp(bytes, signs[i].bytes, signs[i].byte_count) == 0) {
            return signs[i].visitor;
        }
    }
    return GW_FOREIGN_OTHER;
}

const char *gw_foreign_protocol_name(enum gw_foreign_protocol visitor)
{
    static const char *const names[GW_FOREIGN_COUNT] = {
        [GW_FOREIGN_HTTP] = "http", [GW_FOREIGN_TLS] = "tls",     [GW_FOREIGN_SSH] = "ssh",
        [GW_FOREIGN_RDP] = "rdp",   [GW_FOREIGN_OTHER] = "other",
    };
    return (size_t)visitor < GW_FOREIGN_COUNT ? names[visitor] : "?";
}
