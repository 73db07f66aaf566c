/* tests/net/filter_driver.c: Test driver of a byte filter, in place of a stream. */
#include "tests/net/filter_driver.h"

#include "tests/scripted/memory.h"
#include "tests/test.h"

#include <string.h>

void collected_append(struct collected *collected, const void *data, uint32_t bytes)
{
    if (collected->bytes + bytes > collected->capacity) {
        collected->capacity = 2 * (collected->bytes + bytes);
        collected->data = memory_resize_unseen(collected->data, collected->capacity);
    }
    if (bytes > 0) {
        memcpy(collected->data + collected->bytes, data, bytes);
        collected->bytes += bytes;
    }
}

void collected_remove(struct collected *collected, uint32_t bytes)
{
    collected->bytes -= bytes;
    if (collected->bytes > 0) {
        memmove(collected->data, collected->data + bytes, collected->bytes);
    }
}

void collected_clear(struct collected *collected)
{
    memory_free_unseen(collected->data);
    *collected = (struct collected){NULL, 0, 0};
}

int filter_driver_init(struct filter_driver *driver, struct gw_filter_source *source)
{
    const struct gw_addr peer = {.port = 1};
    *driver = (struct filter_driver){.filter = NULL};
    driver->error = source->create(source, &peer, &driver->filter);
    assert_true(driver->error == 0 || driver->filter == NULL);
    return driver->error;
}

void filter_driver_fini(struct filter_driver *driver)
{
    driver->span_count = 0;
    if (driver->filter != NULL) {
        driver->filter->ops->destroy(driver->filter);
    }
    memory_free_unseen(driver->input);
    collected_clear(&driver->received);
    collected_clear(&driver->sent);
}

static int keep_error(struct filter_driver *driver, int error)
{
    assert_true(error < 0);
    if (driver->error == 0) {
        driver->error = error;
        assert_non_null(driver->filter->problem);
    }
    return driver->error;
}

void filter_driver_sent(struct filter_driver *driver)
{
    for (int i = 0; i < driver->span_count; i++) {
        collected_append(&driver->sent, driver->spans[i].data, driver->spans[i].bytes);
    }
    if (driver->span_count > 0 && driver->filter->ops->sent != NULL) {
        driver->filter->ops->sent(driver->filter);
    }
    driver->span_count = 0;
    memory_free_unseen(driver->input);
    driver->input = NULL;
}

static int send_spans(struct filter_driver *driver, const struct gw_span *in, int in_count)
{
    int count = driver->filter->ops->send(driver->filter, in, in_count, driver->spans);
    if (count < 0) {
        return keep_error(driver, count);
    }
    assert_in_range(count, 0, in_count + 1);
    assert_false(driver->filter->wants_send);
    driver->span_count = count;
    if (!driver->is_late) {
        filter_driver_sent(driver);
    }
    return 0;
}

int filter_driver_flush(struct filter_driver *driver)
{
    if (driver->filter->wants_send) {
        filter_driver_sent(driver);
        send_spans(driver, NULL, 0);
    }
    return driver->error;
}

static int recv_piece(struct filter_driver *driver, const uint8_t *data, uint32_t bytes)
{
    uint8_t out[GW_STREAM_RECV_BYTES_MAX];
    uint8_t *copy = memory_take_unseen(bytes > 0 ? bytes : 1);
    struct gw_span in = {copy, bytes};
    memcpy(copy, data, bytes);
    int written;
    while ((written = driver->filter->ops->recv(driver->filter, &in, out)) > 0) {
        assert_in_range(written, 1, sizeof(out));
        assert_true(in.bytes == 0 || driver->filter->is_done);
        assert_true(driver->filter->is_open);
        collected_append(&driver->received, out, (uint32_t)written);
    }
    assert_true(written < 0 || in.bytes == 0 || driver->filter->is_done);
    memory_free_unseen(copy);
    if (written < 0) {
        keep_error(driver, written);
        in.bytes = 0;
        assert_int_equal(driver->filter->ops->recv(driver->filter, &in, out), written);
    }
    return filter_driver_flush(driver);
}

int filter_driver_recv(struct filter_driver *driver, const void *data, uint32_t bytes,
                       uint32_t piece_bytes)
{
    const uint8_t *at = data;
    while (bytes > 0 && driver->error == 0) {
        uint32_t piece = bytes < piece_bytes ? bytes : piece_bytes;
        piece = piece < GW_STREAM_RECV_BYTES_MAX ? piece : GW_STREAM_RECV_BYTES_MAX;
        recv_piece(driver, at, piece);
        at += piece;
        bytes -= piece;
    }
    return driver->error;
}

int filter_driver_send(struct filter_driver *driver, const void *data, uint32_t bytes,
                       int span_count)
{
    const uint8_t *at = data;
    assert_true(driver->filter->is_open);
    while (bytes > 0 && driver->error == 0) {
        struct gw_span spans[GW_FILTER_SPAN_COUNT_MAX - 1];
        uint32_t all = bytes < GW_FILTER_SEND_BYTES_MAX ? bytes : GW_FILTER_SEND_BYTES_MAX;
        filter_driver_sent(driver);
        driver->input = memory_take_unseen(all);
        memcpy(driver->input, at, all);
        uint32_t done = 0;
        for (int i = 0; i < span_count; i++) {
            uint32_t part = i + 1 < span_count ? all / (uint32_t)span_count : all - done;
            spans[i] = (struct gw_span){driver->input + done, part};
            done += part;
        }
        send_spans(driver, spans, span_count);
        at += all;
        bytes -= all;
    }
    return driver->error;
}

void filter_driver_finish(struct filter_driver *driver, int reason)
{
    driver->filter->ops->finish(driver->filter, reason);
    filter_driver_flush(driver);
}
