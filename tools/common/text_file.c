/* tools/common/text_file.c: A text file that is read as a whole. */
#include "tools/common/text_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads until the end of the file, one byte more than `bytes_max` at most. */
static char *read_all(FILE *file, const char *path, size_t bytes_max, struct problem *problem)
{
    char *text = malloc(bytes_max + 2);
    if (text == NULL) {
        problem_set(problem, "no memory to read %.200s", path);
        return NULL;
    }
    errno = 0;
    size_t bytes = fread(text, 1, bytes_max + 1, file);
    text[bytes] = '\0';
    if (ferror(file) != 0) {
        problem_set(problem, "cannot read %.200s: %s", path, strerror(errno));
    } else if (bytes > bytes_max) {
        problem_set(problem, "%.200s is longer than %zu bytes", path, bytes_max);
    } else if (strlen(text) != bytes) {
        problem_set(problem, "%.200s is not a text: it contains a NUL", path);
    } else {
        return text;
    }
    free(text);
    return NULL;
}

char *text_file_read(const char *path, size_t bytes_max, struct problem *problem_out)
{
    if (strcmp(path, "-") == 0) {
        return read_all(stdin, "the standard input", bytes_max, problem_out);
    }
    errno = 0;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        problem_set(problem_out, "cannot open %.200s: %s", path, strerror(errno));
        return NULL;
    }
    char *text = read_all(file, path, bytes_max, problem_out);
    fclose(file);
    return text;
}
