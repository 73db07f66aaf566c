/* tests/net/contract.c: The contract of net and a backend: BACKEND WORKERS [TEST].
 * BACKEND-tiny is the same backend with the smallest queues, BACKEND-filtered has streams with
 * filters. */
#include "tests/net/contract.h"

#include "net/port.h"
#include "tests/net/port_fixture.h"
#include "tests/net/tiny.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REFUSED = 77 }; /* CTest reports the test as skipped */

static const struct gw_backend_ops *find_backend(const char *name)
{
    size_t bytes = strcspn(name, "-");
    for (size_t i = 0; gw__backends[i] != NULL; i++) {
        const char *own_name = gw_backend_name(gw__backends[i]->backend);
        if (strlen(own_name) == bytes && strncmp(own_name, name, bytes) == 0) {
            return gw__backends[i];
        }
    }
    return NULL;
}

static int run_all(void)
{
    int (*const groups[])(void) = {
        contract_port,
        contract_wake,
        contract_turn,
        contract_timer,
        contract_offload,
        contract_backend_in,
        contract_backend_out,
        contract_backend_stress,
        contract_echo,
        contract_send,
        contract_send_elsewhere,
        contract_recv,
        contract_finish,
        contract_finish_elsewhere,
        contract_half_close,
        contract_peer_end,
        contract_close,
        contract_deadline,
        contract_reset,
        contract_dial,
        contract_listener,
        contract_shortage,
        contract_account,
        contract_stress,
    };
    int failed = 0;
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        failed += groups[i]();
    }
    return failed;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s BACKEND WORKERS [TEST]\n", argv[0]);
        return 2;
    }
    fixture_backend = find_backend(argv[1]);
    fixture_worker_count = (uint32_t)strtoul(argv[2], NULL, 10);
    const char *why = "unknown here";
    if (fixture_backend == NULL || !fixture_backend->available(&why)) {
        fprintf(stderr, "%s: %s\n", argv[1], why);
        return REFUSED;
    }
    if (strstr(argv[1], "-tiny") != NULL) {
        tiny_queues();
    }
    if (strstr(argv[1], "-filtered") != NULL) {
        fixture_filter_count = 2;
    }
    if (argc > 3) {
        cmocka_set_test_filter(argv[3]);
    }
    return run_all() == 0 ? 0 : 1;
}
