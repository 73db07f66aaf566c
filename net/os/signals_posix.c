/* net/os/signals_posix.c: Signals of POSIX that stop a program or ask it for a report. */
#define _GNU_SOURCE /* SIGPWR */
#include "net/signals.h"

#include "net/os/socket.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

enum { STOP_REPEAT_MS = 300 };

/*
 * Requests to stop: TERM of a supervisor or container runtime, INT and QUIT of a terminal's keys,
 * HUP of a terminal that closes, PWR of lxc-stop(1). Shells start background jobs with INT and QUIT
 * ignored, nohup(1) starts programs with HUP ignored: these stay ignored.
 */
static struct stop_signal {
    int number;
    bool may_stay_ignored;
    bool ends_at_once; /* when it arrives again after STOP_REPEAT_MS */
    bool taken;
    struct sigaction before;
    _Atomic uint64_t first_ns; /* 0: has not arrived */
} stop_signals[] = {
    {.number = SIGTERM, .ends_at_once = true},
    {.number = SIGINT, .may_stay_ignored = true, .ends_at_once = true},
    {.number = SIGQUIT, .may_stay_ignored = true, .ends_at_once = true},
    {.number = SIGHUP, .may_stay_ignored = true},
    {.number = SIGPWR},
};
enum { STOP_SIGNAL_COUNT = sizeof(stop_signals) / sizeof(stop_signals[0]) };

static void (*_Atomic signal_callback)(int signal); /* NULL: signals are not taken */
static atomic_bool stop_requested;

static void handle_report(int number)
{
    (void)number;
    int saved_errno = errno;
    void (*callback)(int) = atomic_load(&signal_callback);
    if (callback != NULL) {
        callback(GW_SIGNAL_REPORT);
    }
    errno = saved_errno;
}

/*
 * Terminals, shells and supervisors send several signals for one request: TERM and HUP, INT and
 * TERM, or the same one twice within milliseconds. A signal that arrives again after STOP_REPEAT_MS
 * is a second request, which ends the process at once.
 */
static void handle_stop(int number)
{
    int saved_errno = errno;
    uint64_t now_ns = os_now_ns(); /* clock_gettime() is allowed here: signal-safety(7) */
    uint64_t first_ns = 0;
    struct stop_signal *stop = stop_signals;
    while (stop->number != number) {
        stop++;
    }
    if (!atomic_compare_exchange_strong(&stop->first_ns, &first_ns, now_ns) && stop->ends_at_once &&
        now_ns - first_ns >= STOP_REPEAT_MS * UINT64_C(1000000)) {
        os_listeners_shut_down();
        _exit(1);
    }
    void (*callback)(int) = atomic_load(&signal_callback);
    if (!atomic_exchange(&stop_requested, true) && callback != NULL) {
        callback(GW_SIGNAL_STOP);
    }
    errno = saved_errno;
}

static void set_handler(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

static bool is_ignored(const struct stop_signal *stop)
{
    return (stop->before.sa_flags & SA_SIGINFO) == 0 && stop->before.sa_handler == SIG_IGN;
}

void os_signals_take(void (*on_signal)(int signal))
{
    sigset_t unblocked;
    sigemptyset(&unblocked);
    sigaddset(&unblocked, SIGUSR1);
    atomic_store(&stop_requested, false);
    atomic_store(&signal_callback, on_signal);
    set_handler(SIGPIPE, SIG_IGN);
    set_handler(SIGUSR1, handle_report);
    for (struct stop_signal *stop = stop_signals; stop < stop_signals + STOP_SIGNAL_COUNT; stop++) {
        atomic_store(&stop->first_ns, 0);
        if (!stop->taken) { /* otherwise release() has left the handler */
            sigaction(stop->number, NULL, &stop->before);
        }
        stop->taken = !(stop->may_stay_ignored && is_ignored(stop));
        if (stop->taken) {
            set_handler(stop->number, handle_stop);
            sigaddset(&unblocked, stop->number);
        }
    }
    /* A process inherits its mask through fork() and exec(), and the workers inherit this one. */
    (void)pthread_sigmask(SIG_UNBLOCK, &unblocked, NULL);
}

void os_signals_release(void)
{
    atomic_store(&signal_callback, NULL);
    /* SIGPIPE stays ignored and SIGUSR1 without effect: neither may end a program that is stopping
     * and still writes to its log. The same holds for further requests to stop. */
    for (struct stop_signal *stop = stop_signals; stop < stop_signals + STOP_SIGNAL_COUNT; stop++) {
        if (stop->taken && !atomic_load(&stop_requested)) {
            sigaction(stop->number, &stop->before, NULL);
            stop->taken = false;
        }
    }
}
