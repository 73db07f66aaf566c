/* tools/protoc-gen-gw/file.h: whole files, in and out. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_FILE_H
#define GW_TOOLS_PROTOC_GEN_GW_FILE_H

#include "tools/protoc-gen-gw/text.h"

#include <stdio.h>

/* Adds all that `stream` holds to `text`. Returns 0, or an errno. */
int file_read_stream(FILE *stream, struct text *text);

/* Adds what the file holds to `text`. Returns 0, or an errno: ENOENT when it is not there. */
int file_read(const char *path, struct text *text);

/* Writes a file. Returns 0, or an errno. */
int file_write(const char *path, const struct text *text);

/* Writes a file so that others see the old one or the new one whole. Returns 0, or an errno. */
int file_replace(const char *path, const struct text *text);

#endif
