/* tests/support/machine_posix.c: System functions for tests, on POSIX. */
#define _POSIX_C_SOURCE 200809L
#include "tests/support/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void machine_sleep_ms(uint32_t ms)
{
    struct timespec rest = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&rest, &rest) != 0 && errno == EINTR) {
    }
}

void machine_yield(void)
{
    (void)sched_yield();
}

FILE *machine_scratch_file(void)
{
    return tmpfile();
}

uint64_t machine_cpu_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

bool machine_may_touch(const void *place)
{
    int ends[2];
    if (pipe(ends) != 0) {
        return false;
    }
    ssize_t put = write(ends[1], place, 1); /* fails with EFAULT instead of SIGSEGV */
    close(ends[0]);
    close(ends[1]);
    return put == 1;
}

intptr_t machine_start_child(void)
{
    const struct timespec rest = {.tv_nsec = 5000000};
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) {
        while (getppid() == parent) { /* the child does not outlive a failed test */
            (void)nanosleep(&rest, NULL);
        }
        _exit(0);
    }
    return child > 0 ? child : 0;
}

void machine_end_child(intptr_t child)
{
    if (child > 0) {
        kill((pid_t)child, SIGKILL);
        waitpid((pid_t)child, NULL, 0);
    }
}

bool machine_raise(enum machine_signal signal)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGUSR1, SIGPIPE};
    return raise(numbers[signal]) == 0;
}

bool machine_has_descriptor_limit(void)
{
    return true;
}

uint64_t machine_set_descriptor_limit(uint64_t count)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 0;
    }
    uint64_t before = limit.rlim_cur;
    limit.rlim_cur = count;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? before : 0;
}

/* ---- descriptors ---- */

enum { TAKEN_COUNT_MAX = 1000 };
static int taken[TAKEN_COUNT_MAX];
static uint32_t taken_count;

void machine_take_descriptors(void)
{
    while (taken_count < TAKEN_COUNT_MAX) {
        int descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (descriptor < 0) {
            return;
        }
        taken[taken_count++] = descriptor;
    }
}

void machine_give_back_descriptor(void)
{
    if (taken_count > 0) {
        (void)close(taken[--taken_count]);
    }
}

void machine_give_back_descriptors(void)
{
    while (taken_count > 0) {
        machine_give_back_descriptor();
    }
}
