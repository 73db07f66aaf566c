/* tools/protoc-gen-gw/system.h: File operations that C does not define. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_SYSTEM_H
#define GW_TOOLS_PROTOC_GEN_GW_SYSTEM_H

#include <stdio.h>

/* Switches stdin and stdout to binary mode. */
void system_make_streams_binary(void);

/* Creates a file for writing. Returns NULL and sets errno if it exists or on an error. */
FILE *system_create(const char *path);

/* Renames a file and replaces the target. Returns 0, or -1 and sets errno. */
int system_rename(const char *from, const char *to);

#endif
