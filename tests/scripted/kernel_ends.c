/* tests/scripted/kernel_ends.c: Ends of simulated connections, and their handles. */
#include "tests/scripted/broken.h"
#include "tests/scripted/kernel_inside.h"
#include "tests/scripted/memory.h"

#include <string.h>

enum { FIRST_HANDLE = 100 };

struct kernel_end *kernel_end_create(void)
{
    struct kernel_end *end = memory_take_unseen(sizeof *end);
    end->handle = -1;
    end->window_bytes =
        kernel.config.window_bytes != 0 ? kernel.config.window_bytes : KERNEL_WINDOW_BYTES;
    return end;
}

/* ---- handles ---- */

bool kernel_end_name(struct kernel_end *end)
{
    if (kernel.free_count == 0) {
        return false;
    }
    end->handle = kernel.free_handles[--kernel.free_count];
    kernel.ends[end->handle - FIRST_HANDLE] = end;
    kernel.handle_count++;
    return true;
}

struct kernel_end *kernel_end_of(os_socket handle)
{
    uint32_t count_max = kernel.config.handle_count_max;
    uint32_t place = (uint32_t)(handle - FIRST_HANDLE);
    if (place >= count_max || kernel.ends[place] == NULL) {
        broken(6, "handle %d is used, and is not open", (int)handle);
    }
    return kernel.ends[place];
}

/* The handle closed last is the next one that is assigned. */
static void forget_handle(struct kernel_end *end)
{
    if (end->handle >= 0) {
        kernel.ends[end->handle - FIRST_HANDLE] = NULL;
        kernel.free_handles[kernel.free_count++] = end->handle;
        kernel.handle_count--;
        end->handle = -1;
    }
}

struct kernel_end *kernel_listener_at(const struct gw_addr *addr)
{
    for (uint32_t i = 0; i < kernel.config.handle_count_max; i++) {
        struct kernel_end *end = kernel.ends[i];
        if (end != NULL && end->is_listening && end->here.port == addr->port) {
            return end;
        }
    }
    return NULL;
}

/* ---- connections ---- */

void kernel_end_pair(struct kernel_end *end, struct kernel_end *other)
{
    end->other = other;
    other->other = end;
    other->here = end->there;
    other->there = end->here;
    end->is_connected = true;
    other->is_connected = true;
}

bool kernel_backlog_push(struct kernel_end *listener, struct kernel_end *end)
{
    if (listener->waiting_count >= listener->waiting_count_max) {
        return false;
    }
    if (listener->waiting_first == NULL) {
        listener->waiting_first = end;
    } else {
        listener->waiting_last->waiting_next = end;
    }
    listener->waiting_last = end;
    listener->waiting_count++;
    return true;
}

struct kernel_end *kernel_backlog_pop(struct kernel_end *listener)
{
    struct kernel_end *end = listener->waiting_first;
    listener->waiting_first = end->waiting_next;
    listener->waiting_count--;
    return end;
}

size_t kernel_end_room(const struct kernel_end *end)
{
    const struct kernel_end *other = end->other;
    size_t unread = bytes_count(&other->in);
    return unread < other->window_bytes ? other->window_bytes - unread : 0;
}

void kernel_end_finish(struct kernel_end *end)
{
    end->is_shut = true;
    if (end->other != NULL) {
        end->other->is_finished = true;
    }
}

void kernel_end_reset(struct kernel_end *end)
{
    struct kernel_end *other = end->other;
    if (other != NULL) {
        bytes_take(&other->in, NULL, bytes_count(&other->in));
        other->is_reset = true;
        other->other = NULL;
        end->other = NULL;
    }
}

static void part(struct kernel_end *end)
{
    if (bytes_count(&end->in) > 0) {
        kernel_end_reset(end);
    } else if (end->other != NULL) {
        kernel_end_finish(end);
        end->other->other = NULL;
    }
}

void kernel_end_close(struct kernel_end *end)
{
    while (end->waiting_first != NULL) {
        struct kernel_end *waiting = kernel_backlog_pop(end);
        kernel_end_reset(waiting);
        kernel_end_close(waiting);
    }
    part(end);
    forget_handle(end);
    bytes_fini(&end->in);
    memset(end, 0xEE, sizeof *end);
    memory_free_unseen(end);
}
