/* tools/dummy-client/window.c: numbers that should come once each, and in order. */
#include "tools/dummy-client/window.h"
#include "tools/dummy-client/faults.h"

enum { REMEMBERED_COUNT = 64 };

void dummy_window_init(struct dummy_window *window, uint64_t next)
{
    *window = (struct dummy_window){.next = next, .recent = UINT64_MAX};
}

static void skip_to(struct dummy_window *window, uint64_t number, struct dummy_faults *faults)
{
    uint64_t missing = number - window->next;
    dummy_faults_add(faults, DUMMY_LOST, (int64_t)missing);
    window->recent = missing < REMEMBERED_COUNT ? window->recent << missing : 0;
    window->next = number;
}

static void receive_old(struct dummy_window *window, uint64_t number, struct dummy_faults *faults)
{
    uint64_t age = window->next - 1 - number;
    uint64_t bit = age < REMEMBERED_COUNT ? UINT64_C(1) << age : 0;
    if (bit == 0 || (window->recent & bit) != 0) {
        dummy_faults_add(faults, DUMMY_DOUBLED, 1);
        return;
    }
    window->recent |= bit;
    dummy_faults_add(faults, DUMMY_LOST, -1);
    dummy_faults_add(faults, DUMMY_OUT_OF_ORDER, 1);
}

void dummy_window_receive(struct dummy_window *window, uint64_t number, struct dummy_faults *faults)
{
    if (window->next == 0) {
        window->next = number;
    }
    if (number < window->next) {
        receive_old(window, number, faults);
        return;
    }
    if (number > window->next) {
        skip_to(window, number, faults);
    }
    window->recent = window->recent << 1 | 1;
    window->next = number + 1;
}
