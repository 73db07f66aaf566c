/* tests/server/test_log_out_posix.c: Tests of output to descriptors that take partial lines. */
#define _POSIX_C_SOURCE 200809L
#include "server/log/limit.h"
#include "server/log/out.h"
#include "tests/server/captured.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINE_BYTES = 1000, ROUND_COUNT = 20, TEXT_BYTES = 4 * 1024 * 1024 };

static int ends[2]; /* ends[0] reads what is written to ends[1] */
static FILE *file;
static struct server_log_out *out;
static char text[TEXT_BYTES];
static size_t text_bytes;

/* A stream socket takes as many bytes of a line as it has space for. */
static int open_socket(void **state)
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    file = fdopen(ends[1], "w");
    assert_non_null(file);
    out = server_log_out_create(file);
    assert_non_null(out);
    text_bytes = 0;
    return 0;
}

static int close_socket(void **state)
{
    server_log_out_destroy(out);
    fclose(file);
    close(ends[0]);
    return 0;
}

static bool write_line(unsigned number)
{
    char line[LINE_BYTES + 1];
    snprintf(line, sizeof line, "%06u", number);
    memset(line + 6, 'a' + (int)(number % 26), LINE_BYTES - 7);
    line[LINE_BYTES - 1] = '\n';
    return server_log_out_write(out, line, LINE_BYTES, 0);
}

static void read_all(size_t bytes_max)
{
    ssize_t bytes = 1;
    while (bytes_max > 0 && bytes > 0 && text_bytes < TEXT_BYTES) {
        size_t room = TEXT_BYTES - text_bytes;
        bytes = read(ends[0], text + text_bytes, bytes_max < room ? bytes_max : room);
        text_bytes += bytes > 0 ? (size_t)bytes : 0;
        bytes_max -= bytes > 0 ? (size_t)bytes : 0;
    }
}

static void a_line_is_written_completely_or_not_at_all(void **state)
{
    static bool is_taken[100000];
    unsigned count = 0;
    bool is_cut;
    for (int round = 0; round < ROUND_COUNT; round++) {
        for (int failed = 0; failed < 3; count++) {
            assert_in_range(count, 0, sizeof is_taken - 1);
            is_taken[count] = write_line(count);
            failed += !is_taken[count];
        }
        read_all(1237 + 4001 * (size_t)round); /* space for a part of a line */
    }
    assert_int_equal(server_log_out_error(out, &is_cut), EAGAIN);
    while (is_cut) {
        read_all(SIZE_MAX);
        is_taken[count] = write_line(count);
        count++;
        (void)server_log_out_error(out, &is_cut);
    }
    read_all(SIZE_MAX);
    const char *at = text;
    for (unsigned i = 0; i < count; i++) {
        char digits[16];
        snprintf(digits, sizeof digits, "%06u", i);
        if (is_taken[i]) {
            assert_memory_equal(at, digits, 6);
            assert_int_equal(at[6], 'a' + (int)(i % 26));
            assert_int_equal(at[LINE_BYTES - 1], '\n');
            at += LINE_BYTES;
        }
    }
    assert_ptr_equal(at, text + text_bytes);
}

static void a_line_waits_for_space_up_to_its_limit(void **state)
{
    char line[] = "late\n";
    bool is_cut;
    while (write_line(0)) {
    }
    assert_false(server_log_out_write(out, line, 5, 0));
    assert_false(server_log_out_write(out, line, 5, 1)); /* the other end reads nothing */
    read_all(SIZE_MAX);
    assert_true(server_log_out_write(out, line, 5, 1000));
    (void)server_log_out_error(out, &is_cut);
    assert_false(is_cut);
}

static void a_log_counts_lines_that_its_file_did_not_take(void **state)
{
    const struct server_log_config config = {GW_LOG_INFO, SERVER_LOG_LINES_MAX};
    const char *why = NULL;
    while (write_line(0)) {
    }
    read_all(SIZE_MAX);
    server_log_out_destroy(out);
    out = NULL;
    text_bytes = 0;
    struct server_log *log = server_log_create(file, &config);
    assert_non_null(log);
    unsigned said = 0;
    while (server_log_dropped(log) < 10) {
        struct server_log_line line;
        server_log_begin(&line, log, GW_LOG_INFO, "said");
        server_log_end(&line);
        said++;
    }
    read_all(SIZE_MAX);
    assert_true(server_log_finish(log, &why) >= 10);
    assert_string_equal(why, strerror(EAGAIN));
    server_log_destroy(log);
    read_all(SIZE_MAX);
    text[text_bytes] = '\0';
    assert_non_null(strstr(text, " log_dropped lines="));
    unsigned written = 0;
    for (const char *at = text; (at = strstr(at, " said\n")) != NULL; at++) {
        written++;
    }
    assert_int_equal(written, said - 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_is_written_completely_or_not_at_all, open_socket,
                                        close_socket),
        cmocka_unit_test_setup_teardown(a_line_waits_for_space_up_to_its_limit, open_socket,
                                        close_socket),
        cmocka_unit_test_setup_teardown(a_log_counts_lines_that_its_file_did_not_take, open_socket,
                                        close_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
