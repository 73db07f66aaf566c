/* net/error.c: Names and texts of errors. */
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
    case GW_E_PROXY:
        return "GW_E_PROXY";
    case GW_E_TLS:
        return "GW_E_TLS";
    case GW_E_WEBSOCKET:
        return "GW_E_WEBSOCKET";
    case GW_E_INVALID:
        return "GW_E_INVALID";
    case GW_E_DENIED:
        return "GW_E_DENIED";
    case GW_E_NO_FILE:
        return "GW_E_NO_FILE";
    case GW_E_NAME:
        return "GW_E_NAME";
    }
    return "GW_E_?";
}

const char *gw_error_text(int error)
{
    switch ((enum gw_error)error) {
    case GW_OK:
        return "No error.";
    case GW_E_CLOSED:
        return "The connection was closed.";
    case GW_E_RESET:
        return "The peer reset the connection.";
    case GW_E_REFUSED:
        return "The connection was refused: no program listens at the address.";
    case GW_E_TIMEOUT:
        return "The operation timed out.";
    case GW_E_ADDRESS:
        return "The address is invalid, or does not belong to this machine.";
    case GW_E_FULL:
        return "A configured limit was reached.";
    case GW_E_MEMORY:
        return "Out of memory.";
    case GW_E_UNSUPPORTED:
        return "This machine does not support the operation.";
    case GW_E_SYSTEM:
        return "A system call failed; the log has the details.";
    case GW_E_IN_USE:
        return "The address is in use by another socket.";
    case GW_E_PROXY:
        return "The PROXY header is invalid, or its sender may not send one.";
    case GW_E_TLS:
        return "The TLS handshake failed, or a TLS record was invalid.";
    case GW_E_WEBSOCKET:
        return "The WebSocket handshake or a WebSocket frame was invalid.";
    case GW_E_INVALID:
        return "A file or an argument is invalid.";
    case GW_E_DENIED:
        return "The system does not permit it to this user.";
    case GW_E_NO_FILE:
        return "There is no such file or folder.";
    case GW_E_NAME:
        return "The host name is unknown, or has no address.";
    }
    return "Unknown error.";
}
