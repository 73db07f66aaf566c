/* tools/common/text_file.h: A text file that is read as a whole. */
#ifndef GW_TOOLS_COMMON_TEXT_FILE_H
#define GW_TOOLS_COMMON_TEXT_FILE_H

#include "tools/common/problem.h"
#include <stddef.h>

/*
 * Reads a file of at most `bytes_max` bytes; "-" is the standard input.
 *
 * Returns   the text with a NUL behind it; NULL with the reason in *problem_out when the file
 * cannot be read, is longer, or contains a NUL Owns      gives the text; free it with free()
 */
char *text_file_read(const char *path, size_t bytes_max, struct problem *problem_out);

#endif
