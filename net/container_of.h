/* net/container_of.h: The object that contains a given member. */
#ifndef GW_NET_CONTAINER_OF_H
#define GW_NET_CONTAINER_OF_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The object of type `type` whose member `member` is at `pointer`. A callback receives a pointer to
 * a task, a timer or a socket; this is how it gets the object that embeds it:
 *
 *     struct player *player = GW_CONTAINER_OF(timer, struct player, idle_timer);
 */
#define GW_CONTAINER_OF(pointer, type, member)                                                     \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#ifdef __cplusplus
}
#endif

#endif
