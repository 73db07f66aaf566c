/* tools/protoc-gen-gw/main.c: Entry point of the generator. */
#include "tools/protoc-gen-gw/run.h"

#include "tools/protoc-gen-gw/system.h"

int main(int argc, char **argv)
{
    system_make_streams_binary();
    return argc == 1 ? run_as_plugin() : run_by_hand(argc, argv);
}
