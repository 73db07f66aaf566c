/* tools/protoc-gen-gw/system.h: what files are to a system beyond what C says. */
#ifndef GW_TOOLS_PROTOC_GEN_GW_SYSTEM_H
#define GW_TOOLS_PROTOC_GEN_GW_SYSTEM_H

#include <stdio.h>

/* From now on bytes pass through stdin and stdout as they are. */
void system_make_streams_binary(void);

/* Opens a file for writing that was not there before. Returns NULL, and errno says why. */
FILE *system_create(const char *path);

/* Gives a file the name of another one, which is then gone. Returns 0, or -1, and errno says why.
 */
int system_rename(const char *from, const char *to);

#endif
