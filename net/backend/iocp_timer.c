/* net/backend/iocp_timer.c: The timer that wakes a worker of a completion port at a deadline. */
#include "net/backend/iocp.h"

#include "net/error.h"
#include "net/lane.h"

static void run_timer(void *context)
{
    struct gw__iocp_timer *timer = context;
    for (bool closing = false; !closing;) {
        (void)WaitForSingleObject(timer->handle, INFINITE);
        os_mutex_lock(&timer->mutex);
        timer->due_ns = UINT64_MAX;
        closing = timer->closing;
        os_mutex_unlock(&timer->mutex);
        timer->lane->ops->wake(timer->lane);
    }
}

/* Locked. */
static void set_locked(struct gw__iocp_timer *timer, uint64_t left_ns)
{
    LARGE_INTEGER due = {.QuadPart = -(LONGLONG)(left_ns / 100) - 1}; /* from now on, in 100 ns */
    (void)SetWaitableTimer(timer->handle, &due, 0, NULL, NULL, FALSE);
}

void gw__iocp_timer_set(struct gw__iocp_timer *timer, uint64_t left_ns)
{
    enum { NEAR_NS = 50000 }; /* two readings of the clock give one deadline up to this */
    const uint64_t left_ns_max = (uint64_t)3600 * 1000000000u;
    left_ns = left_ns < left_ns_max ? left_ns : left_ns_max;
    uint64_t due_ns = os_now_ns() + left_ns; /* the lane's clock may be a scripted one */
    os_mutex_lock(&timer->mutex);
    if (due_ns + NEAR_NS < timer->due_ns) {
        timer->due_ns = due_ns;
        set_locked(timer, left_ns);
    }
    os_mutex_unlock(&timer->mutex);
}

int gw__iocp_timer_open(struct gw__iocp_timer *timer, struct gw_lane *lane)
{
    enum { HIGH_RESOLUTION = 2 }; /* CREATE_WAITABLE_TIMER_HIGH_RESOLUTION; old headers lack it */
    timer->lane = lane;
    timer->due_ns = UINT64_MAX;
    os_mutex_init(&timer->mutex);
    timer->handle = CreateWaitableTimerExW(NULL, NULL, HIGH_RESOLUTION, TIMER_ALL_ACCESS);
    if (timer->handle == NULL) { /* a Windows older than 10, 1803 */
        timer->handle = CreateWaitableTimerExW(NULL, NULL, 0, TIMER_ALL_ACCESS);
    }
    if (timer->handle == NULL) {
        return os_error((int)GetLastError());
    }
    int error = os_thread_start(&timer->thread, run_timer, timer);
    if (error != GW_OK) {
        CloseHandle(timer->handle);
    }
    return error;
}

void gw__iocp_timer_close(struct gw__iocp_timer *timer)
{
    os_mutex_lock(&timer->mutex);
    timer->closing = true;
    set_locked(timer, 0);
    os_mutex_unlock(&timer->mutex);
    os_thread_join(timer->thread);
    CloseHandle(timer->handle);
    os_mutex_fini(&timer->mutex);
}
