/* tools/dummy-client/place.c: where on the map somebody is, and where clients walk. */
#include "tools/dummy-client/place.h"

enum { EDGE = 1000, ROW = 2 * EDGE + 1 };

dummy_place dummy_place_step(uint32_t client, uint32_t step)
{
    uint64_t walked = (uint64_t)client * 7 * ROW + step;
    uint32_t row = (uint32_t)(walked / ROW % ROW);
    int32_t along = (int32_t)(walked % ROW);
    int32_t x = row % 2 == 0 ? along - EDGE : EDGE - along;
    return dummy_place_at(x, (int32_t)row - EDGE);
}
