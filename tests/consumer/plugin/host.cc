// tests/consumer/plugin/host.cc: Loads the plugin, as a game engine does, and runs it twice.
#include <cstdio>
#include <dlfcn.h>

int main(int, char **argv)
{
    void *plugin = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    void *symbol = plugin == nullptr ? nullptr : dlsym(plugin, "plugin_count");
    if (symbol == nullptr) {
        std::fprintf(stderr, "host: %s\n", dlerror());
        return 1;
    }
    auto count = reinterpret_cast<long long (*)()>(symbol);
    for (int i = 0; i < 2; i++) {
        std::printf("%lld\n", count());
    }
    return dlclose(plugin) == 0 ? 0 : 1;
}
