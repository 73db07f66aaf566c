/* tools/protoc-gen-gw/file.h: Reading and atomic writing of whole files. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_FILE_H
#define GW_TOOLS_PROTOC_GEN_GW_FILE_H

#include "tools/protoc-gen-gw/text.h"

#include <stdio.h>

/* Appends the content of `stream` to `text`. Returns 0, or an errno. */
int file_read_stream(FILE *stream, struct text *text);

/* Appends the content of the file to `text`. Returns 0, or an errno: ENOENT if it does not exist.
 */
int file_read(const char *path, struct text *text);

/* Writes a file. Returns 0, or an errno. */
int file_write(const char *path, const struct text *text);

/* Replaces a file atomically. Returns 0, or an errno. */
int file_replace(const char *path, const struct text *text);

#endif
