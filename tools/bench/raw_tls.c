/* tools/bench/raw_tls.c: an echo server on epoll and OpenSSL, without another library. */
#define _GNU_SOURCE
#include "tools/bench/serve.h"
#include "tools/bench/wire.h"
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENT_COUNT_MAX = 1024, RECV_BYTES_MAX = 16 * 1024 };

struct peer {
    SSL *ssl;
    uint8_t *partial; /* the beginning of an incomplete frame */
    uint8_t *late;    /* bytes that the kernel did not take */
    uint32_t partial_bytes;
    uint32_t late_bytes;
    int socket;
};

static int set;
static SSL_CTX *context;

/* As Gangway has them: the ciphers of the default, and tickets that are stateless. */
static void prepare_context(const struct serve_options *options)
{
    char certificate[512], key[512];
    snprintf(certificate, sizeof(certificate), "%s.pem", options->tls);
    snprintf(key, sizeof(key), "%s.key", options->tls);
    context = SSL_CTX_new(TLS_server_method());
    if (context == NULL || SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
        ERR_print_errors_fp(stderr);
        exit(1);
    }
    SSL_CTX_set_read_ahead(context, 1); /* one recv for a header and its record */
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 1);
}

static void arm(struct peer *peer, int how, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = peer};
    if (epoll_ctl(set, how, peer->socket, &event) != 0) {
        serve_fail("epoll_ctl");
    }
}

static void accept_all(int listener)
{
    int socket;
    while ((socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct peer *peer = calloc(1, sizeof(*peer));
        if (peer == NULL || (peer->ssl = SSL_new(context)) == NULL ||
            SSL_set_fd(peer->ssl, socket) != 1) {
            serve_fail("accept");
        }
        peer->socket = socket;
        SSL_set_accept_state(peer->ssl);
        serve_prepare(socket);
        arm(peer, EPOLL_CTL_ADD, EPOLLIN);
    }
}

static void peer_destroy(struct peer *peer)
{
    SSL_free(peer->ssl);
    close(peer->socket);
    free(peer->partial);
    free(peer->late);
    free(peer);
}

static uint8_t *copy(const uint8_t *data, uint32_t bytes)
{
    uint8_t *block = malloc(bytes);
    if (block == NULL) {
        serve_fail("malloc");
    }
    memcpy(block, data, bytes);
    return block;
}

/* Sends, and keeps what the kernel does not take. */
static bool send_some(struct peer *peer, const uint8_t *data, uint32_t bytes)
{
    while (bytes > 0) {
        int sent = SSL_write(peer->ssl, data, (int)bytes);
        if (sent <= 0) {
            if (SSL_get_error(peer->ssl, sent) != SSL_ERROR_WANT_WRITE) {
                return false;
            }
            peer->late = copy(data, bytes);
            peer->late_bytes = bytes;
            arm(peer, EPOLL_CTL_MOD, EPOLLOUT); /* reads on when it has left */
            return true;
        }
        data += sent;
        bytes -= (uint32_t)sent;
    }
    return true;
}

static bool send_late(struct peer *peer)
{
    uint8_t *late = peer->late;
    uint32_t bytes = peer->late_bytes;
    peer->late = NULL;
    arm(peer, EPOLL_CTL_MOD, EPOLLIN);
    bool lives = send_some(peer, late, bytes);
    free(late);
    return lives;
}

/* Answers a greeting, so that a connection has as many records as one of Gangway. */
static bool greet(struct peer *peer)
{
    uint8_t answer[WIRE_HEADER_BYTES];
    wire_header(answer, 0, WIRE_HELLO_ACK, WIRE_HELLO_TAG);
    return send_some(peer, answer, sizeof(answer));
}

/* Echoes all complete frames in one send. */
static bool take(struct peer *peer, const uint8_t *data, uint32_t bytes)
{
    uint32_t at = 0;
    while (bytes - at >= WIRE_HEADER_BYTES) {
        uint32_t frame = WIRE_HEADER_BYTES + wire_body_bytes(data + at);
        if (frame > WIRE_FRAME_BYTES_MAX) {
            return false;
        }
        if (frame > bytes - at) {
            break;
        }
        if (wire_id(data + at) == WIRE_HELLO) {
            return frame == bytes - at && greet(peer);
        }
        at += frame;
    }
    if (at < bytes) {
        peer->partial = copy(data + at, bytes - at);
        peer->partial_bytes = bytes - at;
    }
    return send_some(peer, data, at);
}

static bool read_some(struct peer *peer)
{
    uint8_t bytes[WIRE_FRAME_BYTES_MAX + RECV_BYTES_MAX];
    do {
        uint32_t before = 0;
        int got = SSL_read(peer->ssl, bytes + WIRE_FRAME_BYTES_MAX, RECV_BYTES_MAX);
        if (got <= 0) {
            return SSL_get_error(peer->ssl, got) == SSL_ERROR_WANT_READ;
        }
        uint8_t *begin = bytes + WIRE_FRAME_BYTES_MAX;
        if (peer->partial != NULL) {
            before = peer->partial_bytes;
            begin -= before;
            memcpy(begin, peer->partial, before);
            free(peer->partial);
            peer->partial = NULL;
        }
        if (!take(peer, begin, before + (uint32_t)got)) {
            return false;
        }
    } while (peer->late == NULL && SSL_has_pending(peer->ssl));
    return true;
}

static void be_ready(struct peer *peer)
{
    ERR_clear_error();
    bool lives = peer->late == NULL || send_late(peer);
    if (lives && peer->late == NULL) {
        lives = read_some(peer);
    }
    if (!lives) {
        peer_destroy(peer);
    }
}

int main(int argc, char **argv)
{
    struct serve_options options = serve_options(argc, argv);
    if (options.tls == NULL) {
        fprintf(stderr, "needs --tls\n");
        return 2;
    }
    prepare_context(&options);
    int listener = serve_listen();
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    set = epoll_create1(0);
    if (set < 0 || epoll_ctl(set, EPOLL_CTL_ADD, listener, &event) != 0) {
        serve_fail("epoll");
    }
    serve_ready(serve_port_of(listener));
    for (;;) {
        struct epoll_event events[EVENT_COUNT_MAX];
        int count = epoll_wait(set, events, EVENT_COUNT_MAX, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL) {
                accept_all(listener);
            } else {
                be_ready(events[i].data.ptr);
            }
        }
    }
}
