/* tools/protoc-gen-gw/system_posix.c: File operations on POSIX. */
#include "tools/protoc-gen-gw/system.h"

void system_make_streams_binary(void)
{
}

FILE *system_create(const char *path)
{
    return fopen(path, "wbx");
}

int system_rename(const char *from, const char *to)
{
    return rename(from, to);
}
