/* server/admin/admin_none.c: The HTTP interface of a build without libmicrohttpd: there is none. */
#include "server/admin/admin.h"

#include "server/config/config.h"

#include <stddef.h>
#include <string.h>

bool admin_create(struct server *server, const struct server_config *config,
                  struct admin **admin_out, struct problem *problem_out)
{
    (void)server;
    *admin_out = NULL;
    return strcmp(config->admin, "off") == 0 ||
           problem_set(problem_out, "--admin: this build has no HTTP interface (libmicrohttpd was "
                                    "not there); give --admin off");
}

void admin_destroy(struct admin *admin)
{
    (void)admin;
}

const struct gw_addr *admin_addr(const struct admin *admin)
{
    (void)admin;
    return NULL;
}
