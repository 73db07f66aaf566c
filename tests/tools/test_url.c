/* tests/tools/test_url.c: Parsing and formatting of URLs. */
#include "tests/test.h"

#include "tools/common/url.h"

#include <stdio.h>
#include <string.h>

static void each_scheme_is_parsed(void **state)
{
    static const struct {
        const char *text;
        enum url_scheme scheme;
        const char *host;
        uint16_t port;
        const char *path;
        const char *formatted;
    } cases[] = {
        {"127.0.0.1:7777", URL_TCP, "127.0.0.1", 7777, "", "127.0.0.1:7777"},
        {"*:0", URL_TCP, "*", 0, "", "*:0"},
        {"tcp://[::1]:1", URL_TCP, "::1", 1, "", "[::1]:1"},
        {"tls://127.0.0.1:65535", URL_TLS, "127.0.0.1", 65535, "", "tls://127.0.0.1:65535"},
        {"ws://127.0.0.1:2", URL_WS, "127.0.0.1", 2, "/", "ws://127.0.0.1:2"},
        {"ws://127.0.0.1:2/", URL_WS, "127.0.0.1", 2, "/", "ws://127.0.0.1:2"},
        {"WSS://[::1]:3/a/b?c=d&e", URL_WSS, "::1", 3, "/a/b?c=d&e", "wss://[::1]:3/a/b?c=d&e"},
        {"localhost:7777", URL_TCP, "localhost", 7777, "", "localhost:7777"},
        {"wss://game-1.example:443/x", URL_WSS, "game-1.example", 443, "/x",
         "wss://game-1.example:443/x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct url url, again;
        char text[URL_TEXT_BYTES];
        assert_null(url_parse(cases[i].text, &url));
        assert_int_equal(url.scheme, cases[i].scheme);
        assert_string_equal(url.host, cases[i].host);
        assert_int_equal(url.addr.port, cases[i].port);
        assert_string_equal(url.path, cases[i].path);
        assert_string_equal(url_format(&url, text), cases[i].formatted);
        assert_null(url_parse(text, &again));
        assert_memory_equal(&url, &again, sizeof url);
    }
}

static void a_host_name_is_told_from_an_address(void **state)
{
    static const char *const names[] = {"localhost:1", "ws://a.b-c.d:1", "tls://1e100.net:1",
                                        "host_1:1"};
    static const char *const addresses[] = {"127.0.0.1:1", "[::1]:1", "*:1"};
    struct url url;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_null(url_parse(names[i], &url));
        assert_true(url.is_name);
    }
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        assert_null(url_parse(addresses[i], &url));
        assert_false(url.is_name);
    }
}

static void an_invalid_url_is_refused_with_what_is_wrong(void **state)
{
    static const char *const cases[][2] = {
        {"", "not an address"},
        {"tcp://", "not an address"},
        {"http://127.0.0.1:80", "a URL with an unknown scheme"},
        {"://127.0.0.1:80", "a URL with an unknown scheme"},
        {"ws://127.0.0.1", "an address without a port"},
        {"ws://127.0.0.1/path", "an address without a port"},
        {"ws://127.0.0.1:/path", "an address without a port from 0 to 65535"},
        {"tls://127.0.0.1:65536", "an address without a port from 0 to 65535"},
        {"tls://localhost", "an address without a port from 0 to 65535"},
        {"localhost:65536", "an address without a port from 0 to 65535"},
        {"localhost:123456789", "an address without a port from 0 to 65535"},
        {"tcp://127.0.0.1:1/", "an address with a path, which only ws:// and wss:// have"},
        {"127.0.0.1:1?x", "an address with a path, which only ws:// and wss:// have"},
        {"ws://127.0.0.1:1?x", "a URL with an invalid path"},
        {"ws://127.0.0.1:1/a b", "a URL with an invalid path"},
        {"ws://127.0.0.1:1/a#b", "a URL with an invalid path"},
        {"ws://user@127.0.0.1:1", "not an address"},
        {"-host:1", "not an address"},
        {"127.0.0.256:1", "not an address"},
        {"::1:1", "not an address, or an IPv6 address without [ ] around it"},
        {"[fe80::1]:1", "a link-local address without its interface ([fe80::1%eth0]:7777)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct url url;
        const char *problem = url_parse(cases[i][0], &url);
        assert_non_null(problem);
        assert_string_equal(problem, cases[i][1]);
    }
}

static void text_that_is_too_long_is_refused(void **state)
{
    static const char *const begins[] = {"",      "tcp://", "ws://",  "ws://127.0.0.1:1/",
                                         "unix:", "fd://",  "wss://["};
    char text[2000];
    struct url url;
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
        snprintf(text, sizeof text, "%s", begins[i]);
        for (size_t bytes = strlen(text); bytes < sizeof text - 1; bytes++) {
            text[bytes] = '1';
            text[bytes + 1] = '\0';
            if (bytes > URL_TEXT_BYTES) {
                assert_non_null(url_parse(text, &url));
            } else {
                (void)url_parse(text, &url);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_scheme_is_parsed),
        cmocka_unit_test(a_host_name_is_told_from_an_address),
        cmocka_unit_test(an_invalid_url_is_refused_with_what_is_wrong),
        cmocka_unit_test(text_that_is_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
