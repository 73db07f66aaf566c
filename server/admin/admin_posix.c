/* server/admin/admin_posix.c: The HTTP interface for operators, by libmicrohttpd. */
#include "server/admin/admin.h"

#include "server/admin/answers.h"
#include "server/admin/assets.h"
#include "server/config/config.h"
#include "server/server.h"
#include "tools/common/text_file.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct admin {
    struct MHD_Daemon *daemon;
    struct server *server;
    const struct server_config *config;
    struct gw_addr addr;
    char *token; /* NULL: none is needed */
};

/* A request whose head has arrived, until it is answered. */
struct request {
    size_t body_bytes;
};

/* ---- answers ---- */

/* `allow` lists the methods of the path, for METHOD_NOT_ALLOWED; otherwise NULL. */
static enum MHD_Result send_answer(struct MHD_Connection *connection, unsigned status,
                                   struct MHD_Response *response, const char *type,
                                   const char *allow)
{
    static const char *const headers[][2] = {
        {MHD_HTTP_HEADER_CACHE_CONTROL, "no-store"},
        /* The play page connects to a WebSocket listener, which has another port. */
        {"Content-Security-Policy",
         "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; "
         "frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
    };
    if (response == NULL) {
        return MHD_NO; /* no memory: closes the connection */
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        MHD_add_response_header(response, headers[i][0], headers[i][1]);
    }
    if (status == MHD_HTTP_UNAUTHORIZED) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    }
    if (allow != NULL) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, allow);
    }
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static struct MHD_Response *response_of(const void *data, size_t bytes)
{
    return MHD_create_response_from_buffer(bytes, (void *)(uintptr_t)data, MHD_RESPMEM_PERSISTENT);
}

/* Answers with one line. `line` is static. */
static enum MHD_Result answer_line(struct MHD_Connection *connection, unsigned status,
                                   const char *line)
{
    return send_answer(connection, status, response_of(line, strlen(line)),
                       "text/plain; charset=utf-8", NULL);
}

static enum MHD_Result answer_text(struct MHD_Connection *connection, struct admin_text *text,
                                   const char *type)
{
    if (text->failed) {
        free(text->data);
        return answer_line(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "no memory\n");
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(text->bytes, text->data, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(text->data);
    }
    return send_answer(connection, MHD_HTTP_OK, response, type, NULL);
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static enum MHD_Result get_metrics(struct admin *admin, struct MHD_Connection *connection)
{
    struct admin_text text = {0};
    const char *accept = header(connection, MHD_HTTP_HEADER_ACCEPT);
    bool openmetrics = accept != NULL && strstr(accept, "application/openmetrics-text") != NULL;
    admin_write_metrics(&text, admin->server, openmetrics);
    return answer_text(connection, &text,
                       openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                   : "text/plain; version=0.0.4; charset=utf-8");
}

static enum MHD_Result get_health(struct admin *admin, struct MHD_Connection *connection)
{
    (void)admin;
    return answer_line(connection, MHD_HTTP_OK, "ok\n");
}

static enum MHD_Result get_ready(struct admin *admin, struct MHD_Connection *connection)
{
    return server_is_draining(admin->server)
               ? answer_line(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "draining\n")
               : answer_line(connection, MHD_HTTP_OK, "ready\n");
}

static enum MHD_Result get_state(struct admin *admin, struct MHD_Connection *connection)
{
    struct admin_text text = {0};
    admin_write_state(&text, admin->server, admin->config);
    return answer_text(connection, &text, "application/json");
}

static enum MHD_Result post_drain(struct admin *admin, struct MHD_Connection *connection)
{
    server_drain(admin->server);
    return answer_line(connection, MHD_HTTP_ACCEPTED, "draining\n");
}

/* The address for the play page: the first listener that speaks WebSocket. */
static enum MHD_Result get_play_server(struct admin *admin, struct MHD_Connection *connection)
{
    struct admin_text text = {0};
    if (!admin_write_web_socket(&text, admin->server)) {
        return answer_line(connection, MHD_HTTP_NOT_FOUND,
                           "The server has no WebSocket listener: add ws://127.0.0.1:7778 to "
                           "--listen.\n");
    }
    return answer_text(connection, &text, "text/plain; charset=utf-8");
}

static const struct route {
    const char *path;
    bool is_post;
    bool is_open; /* needs no token */
    enum MHD_Result (*answer)(struct admin *admin, struct MHD_Connection *connection);
} routes[] = {
    {"/metrics", false, false, get_metrics},    {"/healthz", false, true, get_health},
    {"/readyz", false, true, get_ready},        {"/api/v1/state", false, false, get_state},
    {"/api/v1/drain", true, false, post_drain}, {"/play/server", false, true, get_play_server},
};

/* Answers with a file of the play page. The page has no secrets, and needs no token. */
static enum MHD_Result get_asset(struct MHD_Connection *connection, const struct admin_asset *asset)
{
    char type[64];
    snprintf(type, sizeof type, "%s; charset=utf-8", asset->type);
    return send_answer(connection, MHD_HTTP_OK, response_of(asset->data, asset->bytes), type, NULL);
}

static const struct admin_asset *find_asset(const char *path)
{
    for (size_t i = 0; i < admin_asset_count; i++) {
        if (strcmp(path, admin_assets[i].path) == 0) {
            return &admin_assets[i];
        }
    }
    return NULL;
}

static const struct route *find_route(const char *path)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (strcmp(path, routes[i].path) == 0) {
            return &routes[i];
        }
    }
    return NULL;
}

/* ---- permission ---- */

/*
 * Whether a host is localhost or an IP address, with or without a port. Every other name may be one
 * that an attacker's name server resolves to this machine.
 */
static bool is_literal_host(const char *host)
{
    char text[GW_ADDR_TEXT_BYTES];
    struct gw_addr addr;
    const char *port = strrchr(host, ':');
    bool has_port = port != NULL && strchr(port, ']') == NULL;
    size_t bytes = has_port ? (size_t)(port - host) : strlen(host);
    if (bytes + sizeof ":1" > sizeof text) {
        return false;
    }
    snprintf(text, sizeof text, "%.*s:1", (int)bytes, host);
    return strcmp(text, "localhost:1") == 0 || gw_addr_parse(text, &addr) == 0;
}

/* Compares in a time that does not depend on the contents. */
static bool is_token(const char *given, const char *token)
{
    size_t bytes = strlen(token);
    unsigned difference = 0;
    if (strlen(given) != bytes) {
        return false;
    }
    for (size_t i = 0; i < bytes; i++) {
        difference |= (unsigned)(unsigned char)(given[i] ^ token[i]);
    }
    return difference == 0;
}

/* Returns the status to refuse the request with, or 0. */
static unsigned refusal_of(const struct admin *admin, struct MHD_Connection *connection,
                           bool is_open, const char **line_out)
{
    const char *host = header(connection, MHD_HTTP_HEADER_HOST);
    const char *origin = header(connection, "Origin");
    const char *authorization = header(connection, MHD_HTTP_HEADER_AUTHORIZATION);
    if (admin->token == NULL && (host == NULL || !is_literal_host(host))) {
        *line_out = "the host must be localhost or an IP address\n";
        return MHD_HTTP_FORBIDDEN;
    }
    if (origin != NULL &&
        (host == NULL || strncmp(origin, "http://", 7) != 0 || strcmp(origin + 7, host) != 0)) {
        *line_out = "the request comes from a page of another origin\n";
        return MHD_HTTP_FORBIDDEN;
    }
    if (admin->token != NULL && !is_open &&
        (authorization == NULL || strncmp(authorization, "Bearer ", 7) != 0 ||
         !is_token(authorization + 7, admin->token))) {
        *line_out = "the request needs Authorization: Bearer and the token of --admin-token\n";
        return MHD_HTTP_UNAUTHORIZED;
    }
    return 0;
}

static enum MHD_Result answer(struct admin *admin, struct MHD_Connection *connection,
                              const char *path, const char *method)
{
    const char *why;
    const struct route *route = find_route(path);
    const struct admin_asset *asset = find_asset(path);
    if (route == NULL && asset == NULL) {
        return answer_line(connection, MHD_HTTP_NOT_FOUND,
                           "no such page; see /metrics, /healthz, "
                           "/readyz, /api/v1/state\n");
    }
    unsigned refusal = refusal_of(admin, connection, asset != NULL || route->is_open, &why);
    if (refusal != 0) {
        return answer_line(connection, refusal, why);
    }
    bool is_get =
        strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    bool is_post = asset == NULL && route->is_post;
    if (is_post ? strcmp(method, MHD_HTTP_METHOD_POST) != 0 : !is_get) {
        const char *line = is_post ? "this is for POST\n" : "this is for GET\n";
        return send_answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, response_of(line, strlen(line)),
                           "text/plain; charset=utf-8", is_post ? "POST" : "GET, HEAD");
    }
    return asset != NULL ? get_asset(connection, asset) : route->answer(admin, connection);
}

/* Called when the head has arrived, for each part of the body, and at the end. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *data, size_t *bytes, void **state)
{
    (void)version;
    (void)data;
    struct request *request = *state;
    if (request == NULL) {
        *state = calloc(1, sizeof *request);
        return *state != NULL ? MHD_YES : MHD_NO;
    }
    if (*bytes > 0) {
        request->body_bytes += *bytes;
        *bytes = 0;
        return request->body_bytes <= ADMIN_BODY_BYTES_MAX ? MHD_YES : MHD_NO;
    }
    return answer(context, connection, path, method);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)context;
    (void)connection;
    (void)code;
    free(*state);
    *state = NULL;
}

/* ---- creation ---- */

/* Reads the token: the first line of the file. */
static bool read_token(struct admin *admin, const char *path, struct problem *problem)
{
    struct problem reason;
    admin->token = text_file_read(path, 4096, &reason);
    if (admin->token == NULL) {
        return problem_set(problem, "--admin-token: %.400s", reason.text);
    }
    size_t bytes = strcspn(admin->token, "\r\n");
    admin->token[bytes] = '\0';
    if (bytes < ADMIN_TOKEN_BYTES_MIN || bytes > ADMIN_TOKEN_BYTES_MAX) {
        return problem_set(problem,
                           "--admin-token: the first line of %.200s has %zu bytes; give %d to %d, "
                           "as from `openssl rand -hex 16`",
                           path, bytes, (int)ADMIN_TOKEN_BYTES_MIN, (int)ADMIN_TOKEN_BYTES_MAX);
    }
    return true;
}

static bool listen_at(struct admin *admin, struct problem *problem)
{
    char text[GW_ADDR_TEXT_BYTES];
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at = {0};
    /* With epoll it notices a FIN behind half a head only when the connection times out. */
    unsigned flags = MHD_USE_POLL | MHD_USE_INTERNAL_POLLING_THREAD;
    if (gw_addr_is_ipv4(&admin->addr)) {
        at.v4.sin_family = AF_INET;
        at.v4.sin_port = htons(admin->addr.port);
        memcpy(&at.v4.sin_addr, admin->addr.ip + 12, 4);
    } else {
        static const uint8_t every[16] = {0};
        bool is_every = memcmp(admin->addr.ip, every, sizeof every) == 0;
        flags |= is_every ? (unsigned)MHD_USE_DUAL_STACK : (unsigned)MHD_USE_IPv6;
        at.v6.sin6_family = AF_INET6;
        at.v6.sin6_port = htons(admin->addr.port);
        at.v6.sin6_scope_id = admin->addr.zone;
        memcpy(&at.v6.sin6_addr, admin->addr.ip, 16);
    }
    admin->daemon =
        MHD_start_daemon(flags, 0, NULL, NULL, on_request, admin, MHD_OPTION_SOCK_ADDR, &at.any,
                         MHD_OPTION_CONNECTION_LIMIT, (unsigned)ADMIN_CONNECTION_COUNT_MAX,
                         MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)ADMIN_TIMEOUT_S,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)ADMIN_HEAD_BYTES_MAX,
                         MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
                         NULL, MHD_OPTION_END);
    if (admin->daemon == NULL) {
        return problem_set(problem,
                           "--admin %s: cannot listen there; another program may have the port: "
                           "give another address, or off",
                           gw_addr_format(&admin->addr, text));
    }
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(admin->daemon, MHD_DAEMON_INFO_BIND_PORT);
    admin->addr.port = info->port;
    return true;
}

bool admin_create(struct server *server, const struct server_config *config,
                  struct admin **admin_out, struct problem *problem_out)
{
    *admin_out = NULL;
    if (strcmp(config->admin, "off") == 0) {
        return true;
    }
    struct admin *admin = calloc(1, sizeof *admin);
    if (admin == NULL) {
        return problem_set(problem_out, "no memory; free some");
    }
    admin->server = server;
    admin->config = config;
    bool is_good = true;
    const char *what = gw_addr_problem(config->admin);
    if (what != NULL) {
        is_good = problem_set(problem_out, "--admin: %.80s is %s; give an address, or off",
                              config->admin, what);
    } else if (config->admin_token[0] != '\0') {
        is_good = read_token(admin, config->admin_token, problem_out);
    }
    if (is_good) {
        (void)gw_addr_parse(config->admin, &admin->addr);
        is_good = admin->token != NULL || gw_addr_is_loopback(&admin->addr) ||
                  problem_set(problem_out,
                              "--admin %.80s is not loopback: every client that reaches it could "
                              "stop the server; give --admin-token FILE",
                              config->admin);
    }
    if (!is_good || !listen_at(admin, problem_out)) {
        admin_destroy(admin);
        return false;
    }
    *admin_out = admin;
    return true;
}

void admin_destroy(struct admin *admin)
{
    if (admin != NULL) {
        if (admin->daemon != NULL) {
            MHD_stop_daemon(admin->daemon);
        }
        free(admin->token);
        free(admin);
    }
}

const struct gw_addr *admin_addr(const struct admin *admin)
{
    return &admin->addr;
}
