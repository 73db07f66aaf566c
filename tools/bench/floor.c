/* tools/bench/floor.c: the cost of recv and send alone, without waiting for the kernel. */
#define _GNU_SOURCE
#include "tools/bench/serve.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * Polls each connection with recv in turn, and measures only a recv and send that moved bytes. So
 * the cost of finding ready connections is left out; so is a round that took longer than
 * ROUND_NS_MAX, in which another process must have used the processor. On SIGTERM it prints the
 * nanoseconds, and the bytes moved in them.
 */
enum { CONNECTION_COUNT_MAX = 16 * 1024, BYTES_MAX = 16 * 1024, ROUND_NS_MAX = 100000 };

static int connections[CONNECTION_COUNT_MAX];
static uint32_t connection_count;
static uint64_t spent_ns;
static uint64_t spent_bytes;
static uint64_t round_count;
static volatile sig_atomic_t stopping;

static void on_stop(int signal)
{
    (void)signal;
    stopping = 1;
}

static void accept_all(int listener)
{
    int socket;
    while (connection_count < CONNECTION_COUNT_MAX &&
           (socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        serve_prepare(socket);
        connections[connection_count++] = socket;
    }
}

static void drop(uint32_t index)
{
    close(connections[index]);
    connections[index] = connections[--connection_count];
}

/* Returns false when the connection is gone. */
static bool echo(int socket)
{
    uint8_t bytes[BYTES_MAX];
    uint64_t begun_ns = serve_now_ns();
    ssize_t got = recv(socket, bytes, sizeof(bytes), 0);
    if (got <= 0) {
        return got < 0 && errno == EAGAIN;
    }
    if (send(socket, bytes, (size_t)got, MSG_NOSIGNAL) != got) {
        return false;
    }
    uint64_t ns = serve_now_ns() - begun_ns;
    if (ns < ROUND_NS_MAX) {
        spent_ns += ns;
        spent_bytes += (uint64_t)got;
        round_count++;
    }
    return true;
}

int main(int argc, char **argv)
{
    (void)serve_options(argc, argv);
    int listener = serve_listen();
    signal(SIGTERM, on_stop);
    serve_ready(serve_port_of(listener));
    while (!stopping) {
        accept_all(listener);
        for (uint32_t i = 0; i < connection_count; i++) {
            if (!echo(connections[i])) {
                drop(i);
            }
        }
    }
    printf("floor %llu ns %llu bytes %llu rounds\n", (unsigned long long)spent_ns,
           (unsigned long long)spent_bytes, (unsigned long long)round_count);
    return 0;
}
