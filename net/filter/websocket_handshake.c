/* net/filter/websocket_handshake.c: Requests and answers of a WebSocket handshake. */
#include "net/filter/websocket_handshake.h"

#include "net/os/os.h"

#include <stdio.h>
#include <string.h>

#define INVALID "400 Bad Request"

const struct gw_websocket_refusal gw__websocket_invalid = {
    INVALID, "This is not a request of HTTP/1.1.", NULL};
const struct gw_websocket_refusal gw__websocket_too_long = {
    "431 Request Header Fields Too Large",
    "The head of the request has more than 4,096 bytes or 64 lines.", NULL};
const struct gw_websocket_refusal gw__websocket_closing = {
    "503 Service Unavailable", "The server is full or is shutting down. Try again later.", NULL};

static const struct gw_websocket_refusal
    not_get = {INVALID, "The method of the request is not GET.", NULL},
    with_body = {INVALID, "The request has a body.", NULL},
    without_host = {INVALID, "The request does not have one Host.", NULL},
    without_key = {INVALID, "The request does not have one valid Sec-WebSocket-Key.", NULL},
    other_protocol = {INVALID, "The only subprotocol here is " GW_WEBSOCKET_PROTOCOL ".", NULL},
    other_path = {"404 Not Found", "There is nothing at this path.", NULL},
    other_origin = {"403 Forbidden", "Pages of this origin may not connect.", NULL},
    not_upgrade = {"426 Upgrade Required", "Here is a WebSocket. The request asks for none.",
                   "Upgrade: websocket\r\n"},
    other_version = {"426 Upgrade Required", "The only version of WebSocket here is 13.",
                     "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"};

/* ---- texts of a configuration ---- */

static bool is_printable(const char *text, const char *except)
{
    size_t bytes = strlen(text);
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] <= ' ' || text[i] > '~' || strchr(except, text[i]) != NULL) {
            return false;
        }
    }
    return bytes > 0 && bytes <= GW_WEBSOCKET_TEXT_BYTES_MAX;
}

bool gw__websocket_path_is_valid(const char *path, bool with_query)
{
    return path[0] == '/' && is_printable(path, with_query ? "#" : "#?");
}

bool gw__websocket_host_is_valid(const char *host)
{
    return is_printable(host, "/?#@\\,");
}

bool gw__websocket_origin_is_valid(const char *origin)
{
    if (strcmp(origin, "*") == 0 || strcmp(origin, "null") == 0 || strcmp(origin, "file://") == 0) {
        return true;
    }
    const char *host = strstr(origin, "://");
    return host != NULL && host > origin && is_printable(origin, "?#@\\,*") && host[3] != '\0' &&
           strchr(host + 3, '/') == NULL;
}

/* ---- the server ---- */

/* The host of "host:port" or "[host]:port", without brackets; empty for "[host]other". */
static struct gw_http_part without_port(const uint8_t *data, struct gw_http_part host)
{
    uint32_t bytes = 0;
    if (host.bytes > 0 && data[host.begin] == '[') {
        host.begin++;
        host.bytes--;
        while (bytes < host.bytes && data[host.begin + bytes] != ']') {
            bytes++;
        }
        if (bytes + 1 < host.bytes && data[host.begin + bytes + 1] != ':') {
            bytes = 0;
        }
    } else {
        while (bytes < host.bytes && data[host.begin + bytes] != ':') {
            bytes++;
        }
    }
    host.bytes = (uint16_t)bytes;
    return host;
}

static bool is_loopback(const uint8_t *data, struct gw_http_part host)
{
    static const uint8_t v4[13] = {[10] = 0xFF, [11] = 0xFF, [12] = 127};
    static const uint8_t v6[16] = {[15] = 1};
    char text[48] = {0};
    uint8_t ip[16];
    if (gw__http_part_is(data, host, "localhost")) {
        return true;
    }
    if (host.bytes >= sizeof(text)) {
        return false;
    }
    memcpy(text, data + host.begin, host.bytes);
    return os_ip_parse(text, ip) == 0 &&
           (memcmp(ip, v4, sizeof(v4)) == 0 || memcmp(ip, v6, sizeof(v6)) == 0);
}

/* Whether two parts are the same host, whatever their case. */
static bool is_same_host(const uint8_t *data, struct gw_http_part a, struct gw_http_part b)
{
    char text[GW_WEBSOCKET_TEXT_BYTES_MAX + 1] = {0};
    if (b.bytes == 0 || b.bytes > GW_WEBSOCKET_TEXT_BYTES_MAX) {
        return false;
    }
    memcpy(text, data + b.begin, b.bytes);
    return gw__http_part_is(data, a, text);
}

static bool origin_is_local(const uint8_t *data, struct gw_http_part origin,
                            struct gw_http_part host)
{
    if (gw__http_part_is(data, origin, "file://")) { /* Chromium; pages of other hosts cannot */
        return true;
    }
    for (uint32_t i = 0; i + 3 <= origin.bytes; i++) {
        if (memcmp(data + origin.begin + i, "://", 3) == 0) {
            struct gw_http_part from = {.begin = (uint16_t)(origin.begin + i + 3),
                                        .bytes = (uint16_t)(origin.bytes - i - 3)};
            from = without_port(data, from);
            return is_loopback(data, from) || is_same_host(data, from, without_port(data, host));
        }
    }
    return false;
}

static bool origin_is_allowed(const struct gw_websocket_rules *rules, const uint8_t *data,
                              struct gw_http_part origin, struct gw_http_part host)
{
    if (rules->origins == NULL) {
        return origin_is_local(data, origin, host);
    }
    const char *allowed = rules->origins;
    for (uint32_t i = 0; i < rules->origin_count; i++) {
        if (strcmp(allowed, "*") == 0 || gw__http_part_is(data, origin, allowed)) {
            return true;
        }
        allowed += strlen(allowed) + 1;
    }
    return false;
}

static bool path_is(const uint8_t *data, struct gw_http_part target, const char *path)
{
    const uint8_t *query = target.bytes > 0 ? memchr(data + target.begin, '?', target.bytes) : NULL;
    uint32_t bytes = query == NULL ? target.bytes : (uint32_t)(query - data) - target.begin;
    return strlen(path) == bytes && memcmp(data + target.begin, path, bytes) == 0;
}

static bool has_line(const struct gw_http_head *head, const uint8_t *data, const char *name)
{
    struct gw_http_part value;
    return gw__http_head_find(head, data, name, &value) > 0;
}

static bool is_upgrade(const struct gw_http_head *head, const uint8_t *data)
{
    return gw__http_head_lists(head, data, "Upgrade", "websocket") &&
           gw__http_head_lists(head, data, "Connection", "Upgrade");
}

const struct gw_websocket_refusal *
gw__websocket_check_request(const struct gw_websocket_rules *rules, const struct gw_http_head *head,
                            const uint8_t *data, uint32_t *key_out)
{
    struct gw_http_part host = {0, 0}, origin = {0, 0}, key = {0, 0}, version = {0, 0};
    if (!gw__http_part_is(data, head->first[2], "HTTP/1.1")) {
        return &gw__websocket_invalid;
    }
    if (!gw__http_part_is(data, head->first[0], "GET")) {
        return &not_get;
    }
    if (gw__http_head_find(head, data, "Host", &host) != 1) {
        return &without_host;
    }
    if (has_line(head, data, "Content-Length") || has_line(head, data, "Transfer-Encoding")) {
        return &with_body;
    }
    if (!path_is(data, head->first[1], rules->path)) {
        return &other_path;
    }
    if (!is_upgrade(head, data)) {
        return &not_upgrade;
    }
    if (gw__http_head_find(head, data, "Sec-WebSocket-Version", &version) != 1 ||
        !gw__http_part_is(data, version, "13")) {
        return &other_version;
    }
    if (gw__http_head_find(head, data, "Sec-WebSocket-Key", &key) != 1 ||
        !gw__websocket_key_is_valid(data + key.begin, key.bytes)) {
        return &without_key;
    }
    uint32_t origin_count = gw__http_head_find(head, data, "Origin", &origin);
    if (origin_count > 1 || (origin_count == 1 && !origin_is_allowed(rules, data, origin, host))) {
        return &other_origin;
    }
    if (has_line(head, data, "Sec-WebSocket-Protocol") &&
        !gw__http_head_lists(head, data, "Sec-WebSocket-Protocol", GW_WEBSOCKET_PROTOCOL)) {
        return &other_protocol;
    }
    *key_out = key.begin;
    return NULL;
}

uint32_t gw__websocket_write_acceptance(const struct gw_http_head *head, const uint8_t *data,
                                        uint32_t key, char http[GW_WEBSOCKET_HTTP_BYTES_MAX])
{
    char accept[GW_WEBSOCKET_ACCEPT_BYTES + 1];
    gw__websocket_accept(data + key, accept);
    return (uint32_t)snprintf(http, GW_WEBSOCKET_HTTP_BYTES_MAX,
                              "HTTP/1.1 101 Switching Protocols\r\n"
                              "Upgrade: websocket\r\n"
                              "Connection: Upgrade\r\n"
                              "Sec-WebSocket-Accept: %s\r\n"
                              "%s\r\n",
                              accept,
                              has_line(head, data, "Sec-WebSocket-Protocol")
                                  ? "Sec-WebSocket-Protocol: " GW_WEBSOCKET_PROTOCOL "\r\n"
                                  : "");
}

uint32_t gw__websocket_write_refusal(const struct gw_websocket_refusal *refusal,
                                     char http[GW_WEBSOCKET_HTTP_BYTES_MAX])
{
    return (uint32_t)snprintf(http, GW_WEBSOCKET_HTTP_BYTES_MAX,
                              "HTTP/1.1 %s\r\n"
                              "Content-Type: text/plain; charset=utf-8\r\n"
                              "Content-Length: %u\r\n"
                              "%s"
                              "Connection: close%s\r\n"
                              "\r\n"
                              "%s\n",
                              refusal->status, (unsigned)strlen(refusal->text) + 1,
                              refusal->upgrade != NULL ? refusal->upgrade : "",
                              refusal->upgrade != NULL ? ", Upgrade" : "", refusal->text);
}

/* ---- the client ---- */

uint32_t gw__websocket_write_request(const char *host, const char *path, const char *key,
                                     char http[GW_WEBSOCKET_HTTP_BYTES_MAX])
{
    return (uint32_t)snprintf(http, GW_WEBSOCKET_HTTP_BYTES_MAX,
                              "GET %s HTTP/1.1\r\n"
                              "Host: %s\r\n"
                              "Upgrade: websocket\r\n"
                              "Connection: Upgrade\r\n"
                              "Sec-WebSocket-Key: %s\r\n"
                              "Sec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Protocol: " GW_WEBSOCKET_PROTOCOL "\r\n"
                              "\r\n",
                              path, host, key);
}

/* What a status other than 101 means, for the log. */
static const char *explain_status(const uint8_t *data, struct gw_http_part status)
{
    static const struct {
        const char *status;
        const char *problem;
    } known[] = {
        {"200", "the server answers HTTP 200: a web server, not a WebSocket"},
        {"301", "the server answers HTTP 301: it redirects to another URL"},
        {"302", "the server answers HTTP 302: it redirects to another URL"},
        {"307", "the server answers HTTP 307: it redirects to another URL"},
        {"308", "the server answers HTTP 308: it redirects to another URL"},
        {"400", "the server answers HTTP 400: it does not accept the request"},
        {"401", "the server answers HTTP 401: it wants a login"},
        {"403", "the server answers HTTP 403: it forbids the connection"},
        {"404", "the server answers HTTP 404: it has nothing at this path"},
        {"426", "the server answers HTTP 426: it wants another upgrade"},
        {"429", "the server answers HTTP 429: too many requests"},
        {"500", "the server answers HTTP 500: it has failed"},
        {"502", "the server answers HTTP 502: a proxy does not reach the server"},
        {"503", "the server answers HTTP 503: it is full or is shutting down"},
        {"504", "the server answers HTTP 504: a proxy does not reach the server"},
    };
    for (uint32_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (gw__http_part_is(data, status, known[i].status)) {
            return known[i].problem;
        }
    }
    return "the server answers another HTTP status than 101";
}

const char *gw__websocket_check_answer(const struct gw_http_head *head, const uint8_t *data,
                                       const char accept[GW_WEBSOCKET_ACCEPT_BYTES + 1])
{
    struct gw_http_part value;
    if (!gw__http_part_is(data, head->first[0], "HTTP/1.1") &&
        !gw__http_part_is(data, head->first[0], "HTTP/1.0")) {
        return "the server does not answer with HTTP/1.1";
    }
    if (!gw__http_part_is(data, head->first[1], "101")) {
        return explain_status(data, head->first[1]);
    }
    if (!is_upgrade(head, data)) {
        return "the server upgrades to another protocol than WebSocket";
    }
    if (gw__http_head_find(head, data, "Sec-WebSocket-Accept", &value) != 1 ||
        value.bytes != GW_WEBSOCKET_ACCEPT_BYTES ||
        memcmp(data + value.begin, accept, GW_WEBSOCKET_ACCEPT_BYTES) != 0) {
        return "the Sec-WebSocket-Accept of the server does not fit the key";
    }
    if (has_line(head, data, "Sec-WebSocket-Extensions")) {
        return "the server wants an extension that was not offered";
    }
    if (gw__http_head_find(head, data, "Sec-WebSocket-Protocol", &value) != 1 ||
        !gw__http_part_is(data, value, GW_WEBSOCKET_PROTOCOL)) {
        return "the server does not have the subprotocol " GW_WEBSOCKET_PROTOCOL;
    }
    return NULL;
}

/* ---- both ---- */

const char *gw__websocket_explain_foreign(const uint8_t *data, uint32_t bytes, bool is_client)
{
    /* Flags 0, the id of HELLO or HELLO_ACK, and the tag of both: bytes 3 to 7 of a frame. */
    if (bytes >= 8 && data[4] <= 2 && data[5] == 0 && data[6] == 0x47 && data[7] == 0x57) {
        return is_client ? "the server speaks plain Gangway; connect to it with tcp://"
                         : "the client speaks plain Gangway; this listener is a WebSocket";
    }
    if (bytes >= 2 && data[0] == 0x16 && data[1] == 0x03) {
        return "the client speaks TLS; this listener is ws://, not wss://";
    }
    return is_client ? "the server does not answer with HTTP"
                     : "the client does not speak HTTP; this listener is a WebSocket";
}
