/* tools/dummy-client/position.h: a position on the map, in one number. */
#ifndef GW_DUMMY_POSITION_H
#define GW_DUMMY_POSITION_H

#include <stdint.h>

/* x and y in one number, so that one operation stores or compares both. */
typedef uint64_t dummy_position;

/* Not on the map. */
#define DUMMY_NOWHERE ((dummy_position)INT32_MIN)

static inline dummy_position dummy_position_at(int32_t x, int32_t y)
{
    return (uint64_t)(uint32_t)x << 32 | (uint32_t)y;
}

static inline int32_t dummy_position_x(dummy_position position)
{
    return (int32_t)(uint32_t)(position >> 32);
}

static inline int32_t dummy_position_y(dummy_position position)
{
    return (int32_t)(uint32_t)position;
}

#endif
