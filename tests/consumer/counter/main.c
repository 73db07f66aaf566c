/* tests/consumer/counter/main.c: A server and its client on one thread. */
#include "counter.h"
#include "net/port.h"

#include <stdio.h>
#include <stdlib.h>

static struct gw_port *port;

static void on_server_over(void)
{
    gw_port_stop(port);
}

static void on_client_over(void)
{
    server_end(on_server_over);
}

int main(void)
{
    const struct gw_port_config config = {.worker_count = 1, .stream_count_max = 16};
    struct gw_addr addr;
    if (gw_port_create(&config, &port) != 0 || !server_open(port, os_now_ns(), &addr) ||
        !client_open(port, &addr, on_client_over)) {
        fprintf(stderr, "counter: cannot begin\n");
        return EXIT_FAILURE;
    }
    int error = gw_port_run(port);
    client_close();
    server_close();
    gw_port_destroy(port);
    return error == 0 && client_sum() == 42 ? EXIT_SUCCESS : EXIT_FAILURE;
}
