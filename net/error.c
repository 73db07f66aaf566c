/* net/error.c: the names of errors. */
#include "net/error.h"

const char *gw_error_name(int error)
{
    switch ((enum gw_error)error) {
    case GW_OK:
        return "GW_OK";
    case GW_E_CLOSED:
        return "GW_E_CLOSED";
    case GW_E_RESET:
        return "GW_E_RESET";
    case GW_E_REFUSED:
        return "GW_E_REFUSED";
    case GW_E_TIMEOUT:
        return "GW_E_TIMEOUT";
    case GW_E_ADDRESS:
        return "GW_E_ADDRESS";
    case GW_E_FULL:
        return "GW_E_FULL";
    case GW_E_MEMORY:
        return "GW_E_MEMORY";
    case GW_E_UNSUPPORTED:
        return "GW_E_UNSUPPORTED";
    case GW_E_SYSTEM:
        return "GW_E_SYSTEM";
    case GW_E_IN_USE:
        return "GW_E_IN_USE";
    }
    return "GW_E_?";
}
