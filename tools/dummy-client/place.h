/* tools/dummy-client/place.h: where on the map somebody is, and where clients walk. */
#ifndef GW_DUMMY_PLACE_H
#define GW_DUMMY_PLACE_H

#include <stdint.h>

/* x and y in one number, so that both are stored and compared at once. */
typedef uint64_t dummy_place;

/* Nowhere: the map has no such place. */
#define DUMMY_NOWHERE ((dummy_place)INT32_MIN)

static inline dummy_place dummy_place_at(int32_t x, int32_t y)
{
    return (uint64_t)(uint32_t)x << 32 | (uint32_t)y;
}

static inline int32_t dummy_place_x(dummy_place place)
{
    return (int32_t)(uint32_t)(place >> 32);
}

static inline int32_t dummy_place_y(dummy_place place)
{
    return (int32_t)(uint32_t)place;
}

/*
 * Where client `client` goes with its step `step`. Each walks the rows of the map, forth and back,
 * from a row of its own, so that it is in no place twice in four million steps: a place tells which
 * step led there.
 */
dummy_place dummy_place_step(uint32_t client, uint32_t step);

#endif
