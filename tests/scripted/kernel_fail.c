/* tests/scripted/kernel_fail.c: Injected failures of simulated system calls. */
#include "tests/scripted/kernel_inside.h"

#include "net/error.h"

enum { ERRORS_MAX = 8 };

static const int errors[KERNEL_CALL_COUNT][ERRORS_MAX] = {
    [KERNEL_OPEN] = {GW_E_MEMORY, GW_E_FULL, GW_E_SYSTEM},
    [KERNEL_ATTACH] = {GW_E_MEMORY, GW_E_FULL, GW_E_SYSTEM},
    [KERNEL_ACCEPT] = {GW_E_FULL, GW_E_MEMORY, GW_E_SYSTEM, GW_E_RESET, GW_E_REFUSED, GW_E_TIMEOUT,
                       GW_E_ADDRESS},
    [KERNEL_CONNECT] = {GW_E_REFUSED, GW_E_TIMEOUT, GW_E_RESET, GW_E_ADDRESS, GW_E_MEMORY,
                        GW_E_SYSTEM},
    [KERNEL_RECV] = {GW_E_RESET, GW_E_TIMEOUT, GW_E_MEMORY, GW_E_SYSTEM},
    [KERNEL_SEND] = {GW_E_RESET, GW_E_TIMEOUT, GW_E_MEMORY, GW_E_SYSTEM},
    [KERNEL_SOCKET_OPEN] = {GW_E_FULL, GW_E_ADDRESS, GW_E_MEMORY, GW_E_SYSTEM},
    [KERNEL_SOCKET_LISTEN] = {GW_E_ADDRESS, GW_E_FULL, GW_E_MEMORY, GW_E_SYSTEM},
    [KERNEL_THREADS_START] = {GW_E_SYSTEM},
    [KERNEL_ADDR_LOOKUP] = {GW_E_NAME, GW_E_TIMEOUT, GW_E_MEMORY, GW_E_SYSTEM},
};

static struct {
    uint64_t number;
    uint64_t fail_at;
    int error;
    bool has_failed;
    enum kernel_call failed;
    uint32_t random;
    uint32_t next_count[KERNEL_CALL_COUNT];
    int next_error[KERNEL_CALL_COUNT];
} failing;

const char *kernel_call_name(enum kernel_call call)
{
    static const char *const names[KERNEL_CALL_COUNT] = {
        "open", "attach",      "accept",        "connect",       "recv",
        "send", "socket_open", "socket_listen", "threads_start", "addr_lookup"};
    return names[call];
}

const int *kernel_errors_of(enum kernel_call call)
{
    return errors[call];
}

void kernel_fail_init(void)
{
    failing.number = 0;
    failing.fail_at = 0;
    failing.has_failed = false;
    failing.random = 0;
    for (int call = 0; call < KERNEL_CALL_COUNT; call++) {
        failing.next_count[call] = 0;
    }
}

void kernel_fail_at(uint64_t number, int error)
{
    kernel_fail_init();
    failing.fail_at = number;
    failing.error = error;
}

uint64_t kernel_call_count(void)
{
    return failing.number;
}

bool kernel_has_failed(enum kernel_call *call_out)
{
    *call_out = failing.failed;
    return failing.has_failed;
}

void kernel_fail_next(enum kernel_call call, uint32_t count, int error)
{
    failing.next_count[call] = count;
    failing.next_error[call] = error;
}

void kernel_fail_randomly(uint32_t random)
{
    failing.random = random;
}

static int any_error_of(enum kernel_call call)
{
    uint32_t count = 0;
    while (count < ERRORS_MAX && errors[call][count] != 0) {
        count++;
    }
    return errors[call][kernel_random(count)];
}

static bool may_give(enum kernel_call call, int error)
{
    for (int i = 0; i < ERRORS_MAX; i++) {
        if (errors[call][i] == error) {
            return true;
        }
    }
    return false;
}

/* The numbered call fails only with an error that it may return. */
static int numbered_error(enum kernel_call call)
{
    if (++failing.number != failing.fail_at) {
        return 0;
    }
    failing.has_failed = may_give(call, failing.error);
    failing.failed = call;
    return failing.has_failed ? failing.error : 0;
}

int kernel_call_error(enum kernel_call call)
{
    int error = numbered_error(call);
    if (error == 0 && failing.next_count[call] > 0) {
        failing.next_count[call]--;
        error = failing.next_error[call];
    }
    if (error == 0 && failing.random != 0 && kernel_random(failing.random) == 0) {
        error = any_error_of(call);
    }
    return error;
}
