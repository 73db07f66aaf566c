/* tools/common/url.c: Addresses of servers as URLs, for --listen and --connect. */
#include "tools/common/url.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char *const prefixes[] = {
    [URL_TCP] = "tcp://", [URL_TLS] = "tls://", [URL_WS] = "ws://",
    [URL_WSS] = "wss://", [URL_UNIX] = "unix:", [URL_FD] = "fd://",
};
enum { SCHEME_COUNT = sizeof prefixes / sizeof prefixes[0] };

bool url_has_tls(const struct url *url)
{
    return url->scheme == URL_TLS || url->scheme == URL_WSS;
}

bool url_has_websocket(const struct url *url)
{
    return url->scheme == URL_WS || url->scheme == URL_WSS;
}

/* Whether the text begins with `prefix`, in capital letters, too: RFC 3986, 3.1. */
static bool begins_with(const char *text, const char *prefix)
{
    while (*prefix != '\0' && tolower((unsigned char)*text) == *prefix) {
        text++;
        prefix++;
    }
    return *prefix == '\0';
}

/* Returns the text behind the scheme; NULL when the scheme is unknown. */
static const char *parse_scheme(const char *text, enum url_scheme *scheme_out)
{
    for (int scheme = 0; scheme < SCHEME_COUNT; scheme++) {
        if (begins_with(text, prefixes[scheme])) {
            *scheme_out = (enum url_scheme)scheme;
            return text + strlen(prefixes[scheme]);
        }
    }
    *scheme_out = URL_TCP;
    return strstr(text, "://") == NULL ? text : NULL;
}

/* Whether a host is a name: RFC 1123, 2.1. What has neither letters nor a colon is an IPv4 address,
 * if a wrong one. */
static bool is_name(const char *host)
{
    bool has_letter = false;
    for (const char *at = host; *at != '\0'; at++) {
        has_letter |= isalpha((unsigned char)*at) != 0;
        if (!isalnum((unsigned char)*at) && (strchr("-._", *at) == NULL || at == host)) {
            return false;
        }
    }
    return has_letter;
}

/* Parses the port behind a host name, with an IP address in place of the name. */
static const char *parse_name(const char *port, struct url *url)
{
    char text[GW_ADDR_TEXT_BYTES];
    if (strlen(port) > sizeof ":65535" - 1) {
        return "an address without a port from 0 to 65535";
    }
    snprintf(text, sizeof text, "0.0.0.0%s", *port == '\0' ? ":" : port);
    const char *problem = gw_addr_problem(text);
    if (problem == NULL) {
        (void)gw_addr_parse(text, &url->addr);
        memset(url->addr.ip, 0, sizeof url->addr.ip);
        url->is_name = true;
    }
    return problem;
}

/* Parses "host:port". */
static const char *parse_authority(const char *text, struct url *url)
{
    const char *colon = strrchr(text, ':');
    size_t host_bytes = colon == NULL ? strlen(text) : (size_t)(colon - text);
    bool is_ipv6 = host_bytes >= 2 && text[0] == '[' && text[host_bytes - 1] == ']';
    snprintf(url->host, sizeof url->host, "%.*s", (int)(is_ipv6 ? host_bytes - 2 : host_bytes),
             is_ipv6 ? text + 1 : text);
    if (is_name(url->host)) {
        return parse_name(text + host_bytes, url);
    }
    const char *problem = gw_addr_problem(text);
    if (problem == NULL) {
        (void)gw_addr_parse(text, &url->addr);
    }
    return problem;
}

static bool is_path_text(const char *path)
{
    for (; *path != '\0'; path++) {
        if (*path <= ' ' || *path == 0x7F || *path == '#') {
            return false;
        }
    }
    return true;
}

const char *url_parse(const char *text, struct url *url_out)
{
    char authority[URL_HOST_BYTES + 8];
    *url_out = (struct url){.scheme = URL_TCP};
    const char *rest = parse_scheme(text, &url_out->scheme);
    if (rest == NULL) {
        return "a URL with an unknown scheme";
    }
    if (url_out->scheme == URL_UNIX || url_out->scheme == URL_FD) {
        char local[GW_ADDR_TEXT_BYTES + 8];
        if (snprintf(local, sizeof local, "%s%s", prefixes[url_out->scheme], rest) >=
            (int)sizeof local) {
            return "a path of more than 107 bytes, the limit of Unix sockets";
        }
        return gw_addr_parse_local(local, &url_out->addr);
    }
    size_t authority_bytes = strcspn(rest, "/?#");
    const char *path = rest + authority_bytes;
    if (*path != '\0' && !url_has_websocket(url_out)) {
        return "an address with a path, which only ws:// and wss:// have";
    }
    if (*path != '\0' && (*path != '/' || !is_path_text(path))) {
        return "a URL with an invalid path";
    }
    if (strlen(path) >= URL_PATH_BYTES || authority_bytes >= sizeof authority) {
        return "too long for a URL";
    }
    if (url_has_websocket(url_out)) {
        snprintf(url_out->path, sizeof url_out->path, "%s", *path == '\0' ? "/" : path);
    }
    snprintf(authority, sizeof authority, "%.*s", (int)authority_bytes, rest);
    return parse_authority(authority, url_out);
}

const char *url_format(const struct url *url, char text[URL_TEXT_BYTES])
{
    char addr[URL_HOST_BYTES + 8];
    bool has_prefix = url_has_tls(url) || url_has_websocket(url); /* others: the address says it */
    if (url->is_name) {
        snprintf(addr, sizeof addr, "%s:%u", url->host, (unsigned)url->addr.port);
    } else {
        gw_addr_format(&url->addr, addr);
    }
    snprintf(text, URL_TEXT_BYTES, "%s%s%s", has_prefix ? prefixes[url->scheme] : "", addr,
             strcmp(url->path, "/") == 0 ? "" : url->path);
    return text;
}
