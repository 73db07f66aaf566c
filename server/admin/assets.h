/* server/admin/assets.h: The files of the play page, in the program. */
#ifndef GW_SERVER_ADMIN_ASSETS_H
#define GW_SERVER_ADMIN_ASSETS_H

#include <stddef.h>
#include <stdint.h>

struct admin_asset {
    const char *path; /* of the request */
    const char *type; /* its Content-Type */
    const uint8_t *data;
    size_t bytes;
};

extern const struct admin_asset admin_assets[];
extern const size_t admin_asset_count;

#endif
