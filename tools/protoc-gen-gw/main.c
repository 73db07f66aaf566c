/* tools/protoc-gen-gw/main.c: what a schema says once, written out in C. */
#include "tools/protoc-gen-gw/run.h"

int main(int argc, char **argv)
{
    return argc == 1 ? run_as_plugin() : run_by_hand(argc, argv);
}
