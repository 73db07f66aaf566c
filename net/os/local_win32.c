/* net/os/local_win32.c: Addresses that are no IP addresses, which Windows does not have here. */
#include "net/os/socket.h"

#include "net/error.h"

int os_local_from_path(const char *path, struct gw_addr *addr_out)
{
    (void)path;
    (void)addr_out;
    return GW_E_UNSUPPORTED;
}

int os_local_from_descriptor(uint16_t descriptor, struct gw_addr *addr_out)
{
    (void)descriptor;
    (void)addr_out;
    return GW_E_UNSUPPORTED;
}

void os_local_format(const struct gw_addr *addr, char text[GW_ADDR_TEXT_BYTES])
{
    (void)addr;
    text[0] = '\0';
}

int os_local_to_system(const struct gw_addr *addr, struct sockaddr_storage *system_out)
{
    (void)addr;
    (void)system_out;
    return 0;
}

struct gw_addr os_local_peer(os_socket socket)
{
    (void)socket;
    return (struct gw_addr){.port = 0};
}

int os_local_listen(struct gw_addr *addr, uint32_t backlog_count_max, os_socket *socket_out)
{
    (void)addr;
    (void)backlog_count_max;
    (void)socket_out;
    return GW_E_UNSUPPORTED;
}
