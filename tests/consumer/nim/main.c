/* tests/consumer/nim/main.c: nim [slow]: one game of a server and two clients. */
#include "nim.h"

#include <gangway/net/workers.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    (void)argv;
    const struct gw_port_config config = {.worker_count = 2, .stream_count_max = 16};
    struct gw_port *port;
    struct gw_workers *workers;
    struct gw_addr addr;
    if (gw_port_create(&config, &port) != 0 || !scores_open(port) ||
        !server_open(port, "127.0.0.1:0", &addr) || !client_open(port, &addr, argc > 1) ||
        gw_workers_start(port, &workers) != 0) {
        fprintf(stderr, "nim: cannot start\n");
        return EXIT_FAILURE;
    }
    int error = gw_workers_join(workers);
    scores_close();
    client_close();
    server_close();
    gw_port_destroy(port);
    return error == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
