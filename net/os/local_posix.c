/* net/os/local_posix.c: Unix sockets, and listening sockets that the process was given. */
#define _GNU_SOURCE /* struct ucred */
#include "net/os/socket.h"

#include "net/error.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- addresses ---- */

_Static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) > GW_ADDR_PATH_BYTES_MAX, "unix(7)");

/* The first path_count do not change any more. */
static char paths[GW_ADDR_PATH_COUNT_MAX][GW_ADDR_PATH_BYTES_MAX + 1];
static atomic_uint path_count;
static os_mutex path_mutex = OS_MUTEX_INIT;

static struct gw_addr local_addr(enum os_local_kind kind, const void *data, size_t bytes)
{
    struct gw_addr addr = {.ip = {(uint8_t)kind}, .zone = OS_LOCAL_ZONE};
    memcpy(addr.ip + 4, data, bytes);
    return addr;
}

static uint32_t number_of(const struct gw_addr *addr, int index)
{
    uint32_t number;
    memcpy(&number, addr->ip + 4 * (1 + index), sizeof(number));
    return number;
}

int os_local_from_path(const char *path, struct gw_addr *addr_out)
{
    os_mutex_lock(&path_mutex);
    uint32_t count = atomic_load(&path_count);
    uint32_t index = 0;
    while (index < count && strcmp(paths[index], path) != 0) {
        index++;
    }
    if (index == count && count < GW_ADDR_PATH_COUNT_MAX) {
        snprintf(paths[index], sizeof(paths[index]), "%s", path);
        atomic_store(&path_count, count + 1);
    }
    os_mutex_unlock(&path_mutex);
    if (index == GW_ADDR_PATH_COUNT_MAX) {
        return GW_E_FULL;
    }
    *addr_out = local_addr(OS_LOCAL_PATH, &index, sizeof(index));
    return GW_OK;
}

int os_local_from_descriptor(uint16_t descriptor, struct gw_addr *addr_out)
{
    const uint32_t number = descriptor;
    *addr_out = local_addr(OS_LOCAL_DESCRIPTOR, &number, sizeof(number));
    return GW_OK;
}

static const char *path_of(const struct gw_addr *addr)
{
    uint32_t index = number_of(addr, 0);
    bool is_known = addr->ip[0] == OS_LOCAL_PATH && index < atomic_load(&path_count);
    return is_known ? paths[index] : NULL;
}

void os_local_format(const struct gw_addr *addr, char text[GW_ADDR_TEXT_BYTES])
{
    const char *path = path_of(addr);
    if (path != NULL) {
        snprintf(text, GW_ADDR_TEXT_BYTES, "unix:%s", path);
    } else if (addr->ip[0] == OS_LOCAL_DESCRIPTOR) {
        snprintf(text, GW_ADDR_TEXT_BYTES, "fd://%u", (unsigned)number_of(addr, 0));
    } else {
        snprintf(text, GW_ADDR_TEXT_BYTES, "unix:pid=%u,uid=%u,gid=%u",
                 (unsigned)number_of(addr, 0), (unsigned)number_of(addr, 1),
                 (unsigned)number_of(addr, 2));
    }
}

int os_local_to_system(const struct gw_addr *addr, struct sockaddr_storage *system_out)
{
    struct sockaddr_un *name = (struct sockaddr_un *)system_out;
    const char *path = path_of(addr);
    if (path == NULL) {
        return 0;
    }
    name->sun_family = AF_UNIX;
    snprintf(name->sun_path, sizeof(name->sun_path), "%s", path);
    return (int)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
}

struct gw_addr os_local_peer(os_socket socket)
{
    struct ucred process;
    socklen_t bytes = sizeof(process);
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &process, &bytes) != 0) {
        return (struct gw_addr){.port = 0};
    }
    const uint32_t ids[] = {(uint32_t)process.pid, process.uid, process.gid};
    return local_addr(OS_LOCAL_PROCESS, ids, sizeof(ids));
}

/* ---- listening at a path ---- */

/*
 * Two servers that start at once must not both find the file of a dead one and remove each other's.
 * So the folder is locked from the look at the file to listen(2). Returns a descriptor to close; -1
 * when another process has the lock; -2 when the folder cannot be locked.
 */
static int lock_folder(const char *path)
{
    char folder[GW_ADDR_PATH_BYTES_MAX + 1];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof(folder), "%.*s", slash == NULL ? 1 : (int)(slash - path + 1),
             slash == NULL ? "." : path);
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0 || flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
        return descriptor < 0 ? -2 : descriptor;
    }
    bool is_locked = errno == EWOULDBLOCK;
    (void)close(descriptor);
    return is_locked ? -1 : -2;
}

/* Removes the file if it is a socket at which no process listens. Returns 0 when there is no file
 * any more. */
static int remove_stale(const char *path, const struct sockaddr_storage *name, socklen_t bytes)
{
    struct stat file;
    if (lstat(path, &file) != 0) {
        return errno == ENOENT ? GW_OK : os_error(errno);
    }
    if (!S_ISSOCK(file.st_mode)) {
        return GW_E_ADDRESS;
    }
    os_socket probe;
    int error = os_socket_open_family(AF_UNIX, &probe);
    if (error != GW_OK) {
        return error;
    }
    bool is_stale =
        connect(probe, (const struct sockaddr *)name, bytes) != 0 && errno == ECONNREFUSED;
    (void)close(probe);
    if (!is_stale) {
        return GW_E_IN_USE;
    }
    return unlink(path) == 0 || errno == ENOENT ? GW_OK : os_error(errno);
}

static int bind_and_listen(os_socket socket, const struct gw_addr *addr, uint32_t backlog_count_max)
{
    struct sockaddr_storage name;
    socklen_t bytes = (socklen_t)os_addr_to_system(addr, &name);
    int error = remove_stale(path_of(addr), &name, bytes);
    if (error != GW_OK) {
        return error;
    }
    if (bind(socket, (const struct sockaddr *)&name, bytes) != 0 ||
        listen(socket, (int)backlog_count_max) != 0) {
        return os_error(errno);
    }
    return GW_OK;
}

static int listen_at_path(const struct gw_addr *addr, uint32_t backlog_count_max,
                          os_socket *socket_out)
{
    int lock = lock_folder(path_of(addr));
    if (lock == -1) {
        return GW_E_IN_USE;
    }
    int error = os_socket_open_family(AF_UNIX, socket_out);
    if (error == GW_OK) {
        error = os_socket_close_on_error(bind_and_listen(*socket_out, addr, backlog_count_max),
                                         socket_out);
    }
    if (error == GW_OK) {
        os_listener_note(*socket_out, path_of(addr), false);
    }
    if (lock >= 0) {
        (void)close(lock);
    }
    return error;
}

/* ---- sockets that were given ---- */

static int option_of(int descriptor, int name)
{
    int value = -1;
    socklen_t bytes = sizeof(value);
    return getsockopt(descriptor, SOL_SOCKET, name, &value, &bytes) == 0 ? value : -1;
}

static bool is_listening_stream(int descriptor)
{
    int family = option_of(descriptor, SO_DOMAIN);
    bool is_tcp = (family == AF_INET || family == AF_INET6) &&
                  option_of(descriptor, SO_PROTOCOL) == IPPROTO_TCP;
    return (is_tcp || family == AF_UNIX) && option_of(descriptor, SO_TYPE) == SOCK_STREAM &&
           option_of(descriptor, SO_ACCEPTCONN) == 1;
}

/* Its address: a path that has a name in the file system, or an IP address; otherwise unchanged. */
static void find_addr(int descriptor, struct gw_addr *addr)
{
    struct sockaddr_storage system;
    socklen_t bytes = sizeof(system);
    memset(&system, 0, sizeof(system));
    if (getsockname(descriptor, (struct sockaddr *)&system, &bytes) != 0) {
        return;
    }
    if (system.ss_family != AF_UNIX) {
        *addr = os_addr_from_system(&system);
        return;
    }
    const struct sockaddr_un *name = (const struct sockaddr_un *)&system;
    if (bytes > offsetof(struct sockaddr_un, sun_path) && name->sun_path[0] != '\0' &&
        name->sun_path[GW_ADDR_PATH_BYTES_MAX] == '\0') {
        (void)os_local_from_path(name->sun_path, addr);
    }
}

static int take_given(struct gw_addr *addr, os_socket *socket_out)
{
    int descriptor = (int)number_of(addr, 0);
    if (os_listener_is_noted(descriptor)) {
        return GW_E_IN_USE;
    }
    if (!is_listening_stream(descriptor)) {
        return GW_E_ADDRESS;
    }
    if (fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) != 0 ||
        fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) {
        return os_error(errno);
    }
    os_socket_prepare_to_listen(descriptor);
    find_addr(descriptor, addr);
    os_listener_note(descriptor, NULL, true);
    *socket_out = descriptor;
    return GW_OK;
}

int os_local_listen(struct gw_addr *addr, uint32_t backlog_count_max, os_socket *socket_out)
{
    if (path_of(addr) != NULL) {
        return listen_at_path(addr, backlog_count_max, socket_out);
    }
    return addr->ip[0] == OS_LOCAL_DESCRIPTOR ? take_given(addr, socket_out) : GW_E_ADDRESS;
}
