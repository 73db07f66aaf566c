/* tools/dummy-client/option.c: parsers of the values of options. */
#include "tools/dummy-client/option.h"
#include "net/addr.h"
#include "net/port.h"
#include "tools/common/url.h"
#include "tools/dummy-client/fill.h"
#include "tools/dummy-client/number.h"
#include "tools/dummy-client/script.h"
#include "tools/dummy-client/source.h"
#include <string.h>

bool dummy_take_count(const char *text, const struct dummy_option *option, void *field)
{
    uint64_t number;
    const char *end = dummy_number_read(text, option->max, &number);
    if (end == NULL || *end != '\0' || number < option->min) {
        return false;
    }
    *(uint32_t *)field = (uint32_t)number;
    return true;
}

/* min and max are integers; the field is in millionths. */
bool dummy_take_millionths(const char *text, const struct dummy_option *option, void *field)
{
    uint64_t millionths;
    if (!dummy_number_read_millionths(text, &millionths) || millionths < option->min * 1000000 ||
        millionths > option->max * 1000000) {
        return false;
    }
    *(uint64_t *)field = millionths;
    return true;
}

bool dummy_take_url(const char *text, const struct dummy_option *option, void *field)
{
    (void)option;
    static const struct gw_addr nowhere;
    struct url url;
    bool is_local = url_parse(text, &url) == NULL && url.scheme == URL_UNIX;
    if (!is_local && (url_parse(text, &url) != NULL || url.scheme == URL_FD || url.addr.port == 0 ||
                      (!url.is_name && memcmp(url.addr.ip, nowhere.ip, sizeof url.addr.ip) == 0))) {
        return false;
    }
    *(struct url *)field = url;
    return true;
}

bool dummy_take_source(const char *text, const struct dummy_option *option, void *field)
{
    (void)option;
    return dummy_source_parse(text, field);
}

bool dummy_take_script(const char *text, const struct dummy_option *option, void *field)
{
    (void)option;
    return dummy_script_find(text, field);
}

bool dummy_take_backend(const char *text, const struct dummy_option *option, void *field)
{
    (void)option;
    for (int backend = GW_BACKEND_AUTO; backend <= GW_BACKEND_EPOLL; backend++) {
        if (strcmp(text, gw_backend_name((enum gw_backend)backend)) == 0) {
            *(enum gw_backend *)field = (enum gw_backend)backend;
            return true;
        }
    }
    return false;
}

/* Borrows the text, which is an argument of the program. */
bool dummy_take_text(const char *text, const struct dummy_option *option, void *field)
{
    (void)option;
    *(const char **)field = text;
    return text[0] != '\0';
}

bool dummy_take_flag(const char *text, const struct dummy_option *option, void *field)
{
    (void)text;
    (void)option;
    *(bool *)field = true;
    return true;
}

bool dummy_take_packet(const char *text, const struct dummy_option *option, void *field)
{
    (void)option;
    const struct gw_packet *packet = dummy_fill_find(text);
    bool may_be_sent =
        packet != NULL && (dummy_fill_in_room(packet) || dummy_fill_in_lobby(packet));
    if (may_be_sent) {
        *(const struct gw_packet **)field = packet;
    }
    return may_be_sent;
}
