/* tools/protoc-gen-gw/run_by_hand.c: Command line of the generator, for use without protoc. */
#include "tools/protoc-gen-gw/run.h"

#include "tools/protoc-gen-gw/depth.h"
#include "tools/protoc-gen-gw/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: protoc-gen-gw --descriptor-set FILE --file PROTO [--opt OPTIONS] --out FOLDER\n"
    "  --descriptor-set  what protoc --include_imports --include_source_info\n"
    "                    --descriptor_set_out=FILE wrote\n"
    "  --file            which file of it is the schema, as in game/game.proto\n"
    "  --opt             lock=PATH, control, include=PREFIX, js=FILE.mjs; with commas;\n"
    "                    do=list, do=changes, do=accept: see tools/packets, nothing is generated\n"
    "  --out             where to write to; folders below it must be there\n"
    "Without arguments it is a plugin, and protoc calls it.\n";

struct words {
    const char *descriptor_set;
    const char *file;
    const char *opt;
    const char *out;
};

static const char **place_for(struct words *words, const char *name)
{
    if (strcmp(name, "--descriptor-set") == 0) {
        return &words->descriptor_set;
    }
    if (strcmp(name, "--file") == 0) {
        return &words->file;
    }
    if (strcmp(name, "--opt") == 0) {
        return &words->opt;
    }
    return strcmp(name, "--out") == 0 ? &words->out : NULL;
}

static bool read_words(struct words *words, int argc, char **argv)
{
    for (int i = 1; i < argc; i += 2) {
        const char **place = place_for(words, argv[i]);
        if (place == NULL || i + 1 == argc) {
            return false;
        }
        *place = argv[i + 1];
    }
    return words->descriptor_set != NULL && words->file != NULL && words->out != NULL;
}

static Google__Protobuf__FileDescriptorSet *read_set(const char *path)
{
    Google__Protobuf__FileDescriptorSet *set = NULL;
    struct text bytes = {0};
    int error = file_read(path, &bytes);
    if (error != 0) {
        fprintf(stderr, "%s: cannot be read: %s\n", path, strerror(error));
    } else if (!depth_is_fine(&google__protobuf__file_descriptor_set__descriptor,
                              (const uint8_t *)bytes.bytes, bytes.length)) {
        fprintf(stderr, "%s: nests more than %d deep\n", path, DEPTH_MAX);
    } else {
        set = google__protobuf__file_descriptor_set__unpack(NULL, bytes.length,
                                                            (const uint8_t *)bytes.bytes);
        if (set == NULL) {
            fprintf(stderr, "%s: is not a set of descriptors\n", path);
        }
    }
    text_fini(&bytes);
    return set;
}

static int write_output(struct schema *schema, const struct output *output, const char *folder)
{
    for (struct output_file *file = output->first; file != NULL; file = file->next) {
        const char *path = pool_print(&schema->pool, "%s/%s", folder, file->name);
        int error = file_write(path, &file->text);
        if (error != 0) {
            fprintf(stderr, "%s: cannot be written: %s\n", path, strerror(error));
            return 1;
        }
    }
    return 0;
}

/* A write error is a failure. A full disk may show only at fclose(). */
static int print(const char *text)
{
    errno = 0;
    if (fputs(text, stdout) >= 0 && fflush(stdout) == 0) {
        return 0;
    }
    fprintf(stderr, "protoc-gen-gw: cannot write: %s\n", strerror(errno));
    return 1;
}

static int make(const Google__Protobuf__FileDescriptorSet *set, const struct words *words)
{
    struct pool pool = {0};
    struct schema schema = {0};
    struct output output = {0};
    struct text said = {0};
    struct task task = {
        .files = set->file, .file_count = set->n_file, .file_name = words->file, .words = &said};
    const char *error = run_read_parameter(&task, &pool, words->opt);
    if (error == NULL) {
        error = run_task(&task, &schema, &output);
    }
    if (error != NULL) {
        fprintf(stderr, "%s\n", error);
    }
    int code = error != NULL ? 1 : write_output(&schema, &output, words->out);
    if (code == 0) {
        code = print(said.bytes == NULL ? "" : said.bytes);
    }
    text_fini(&said);
    output_fini(&output);
    schema_fini(&schema);
    pool_fini(&pool);
    return code;
}

int run_by_hand(int argc, char **argv)
{
    struct words words = {0};
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        return print(usage);
    }
    if (!read_words(&words, argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    Google__Protobuf__FileDescriptorSet *set = read_set(words.descriptor_set);
    if (set == NULL) {
        return 1;
    }
    int code = make(set, &words);
    google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
    return code;
}
