/* protocol/scan.c: walks over a packed message, with a stack of its own. */
#include "protocol/scan.h"

#include "protocol/scan_walk.h"

enum gw_packet_verdict gw_scan_body(const struct gw_shape *shape, const uint8_t *body,
                                    size_t body_bytes, size_t *step_count_out)
{
    struct scan scan;
    enum gw__fault fault = begin(&scan, shape, body, body_bytes);
    while (fault == GW__FAULT_NONE && scan.depth != 0) {
        fault = step(&scan);
    }
    if (step_count_out != NULL) {
        *step_count_out = scan.step_count;
    }
    if (fault == GW__FAULT_NONE) {
        return GW_PACKET_OK;
    }
    return fault < GW__FAULT_TOO_OFTEN ? GW_PACKET_BAD_BODY : GW_PACKET_TOO_COMPLEX;
}
