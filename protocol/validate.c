/* protocol/validate.c: Validation of a packed body, in one pass without recursion. */
#include "protocol/validate.h"

#include "protocol/validate_walk.h" /* why it is not in this file: see there */

enum gw_packet_result gw_validate_body(const struct gw_message_rules *message_rules,
                                       const uint8_t *body, size_t body_bytes,
                                       size_t *step_count_out)
{
    struct validation validation;
    enum gw__fault fault = begin(&validation, message_rules, body, body_bytes);
    while (fault == GW__FAULT_NONE && validation.depth != 0) {
        fault = step(&validation);
    }
    if (step_count_out != NULL) {
        *step_count_out = validation.step_count;
    }
    if (fault == GW__FAULT_NONE) {
        return GW_PACKET_OK;
    }
    return fault < GW__FAULT_TOO_OFTEN ? GW_PACKET_BAD_BODY : GW_PACKET_TOO_COMPLEX;
}
