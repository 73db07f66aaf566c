/* tools/protoc-gen-gw/file.c: Reading and atomic writing of whole files. */
#include "tools/protoc-gen-gw/file.h"

#include "tools/protoc-gen-gw/pool.h"
#include "tools/protoc-gen-gw/system.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <time.h>

/* The C library may leave errno at 0; the cause is then I/O. */
static int reason(void)
{
    return errno != 0 ? errno : EIO;
}

int file_read_stream(FILE *stream, struct text *text)
{
    char chunk[16384];
    size_t length;
    errno = 0;
    while ((length = fread(chunk, 1, sizeof chunk, stream)) != 0) {
        text_add(text, chunk, length);
    }
    return ferror(stream) ? reason() : 0;
}

int file_read(const char *path, struct text *text)
{
    errno = 0;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return reason();
    }
    int error = file_read_stream(file, text);
    fclose(file);
    return error;
}

/* `file` is the opened file, or NULL if opening failed. */
static int write_into(FILE *file, const struct text *text)
{
    if (file == NULL) {
        return reason();
    }
    size_t written = text->length == 0 ? 0 : fwrite(text->bytes, 1, text->length, file);
    int error = written == text->length ? 0 : reason();
    return fclose(file) == 0 ? error : reason();
}

int file_write(const char *path, const struct text *text)
{
    errno = 0;
    return write_into(fopen(path, "wb"), text);
}

/* A unique name: another build of the same tree may be writing the file at the same time. */
static const char *name_beside(struct pool *pool, const char *path)
{
    uintptr_t random = (uintptr_t)&pool ^ (uintptr_t)time(NULL) ^ (uintptr_t)clock() << 20;
    return pool_print(pool, "%s.%" PRIxPTR ".new", path, random);
}

int file_replace(const char *path, const struct text *text)
{
    struct pool pool = {0};
    const char *beside = name_beside(&pool, path);
    errno = 0;
    int error = write_into(system_create(beside), text);
    if (error == 0) {
        errno = 0;
        error = system_rename(beside, path) == 0 ? 0 : reason();
    }
    if (error != 0) {
        remove(beside);
    }
    pool_fini(&pool);
    return error;
}
