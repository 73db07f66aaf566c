/* net/filter/tls_none.c: The functions of a library without TLS. */
#include "net/filter/tls.h"

#include "net/error.h"
#include <stdio.h>

static int refuse(char problem_out[GW_TLS_PROBLEM_BYTES])
{
    (void)snprintf(problem_out, GW_TLS_PROBLEM_BYTES,
                   "this build has no TLS; install OpenSSL 3 (libssl-dev on Debian), and build "
                   "Gangway again in a new build folder");
    return GW_E_UNSUPPORTED;
}

int gw_tls_server_create(const struct gw_tls_server_config *config,
                         struct gw_filter_source **source_out,
                         char problem_out[GW_TLS_PROBLEM_BYTES])
{
    (void)config;
    (void)source_out;
    return refuse(problem_out);
}

int gw_tls_server_reload(struct gw_filter_source *source, char problem_out[GW_TLS_PROBLEM_BYTES])
{
    (void)source;
    return refuse(problem_out);
}

int gw_tls_client_create(const struct gw_tls_client_config *config,
                         struct gw_filter_source **source_out,
                         char problem_out[GW_TLS_PROBLEM_BYTES])
{
    (void)config;
    (void)source_out;
    return refuse(problem_out);
}
