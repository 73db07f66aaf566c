/* tests/fuzz/fuzz_generator.c: Fuzzer of the generator with descriptor sets.
 *
 * The first byte of an input selects the task of the generator.
 */
#include "tests/fuzz/fuzz.h"

#include "tools/protoc-gen-gw/depth.h"
#include "tools/protoc-gen-gw/run.h"

static const char *const parameters[] = {
    "",
    "lock=nothing/packets.lock",
    "documents,with=small/control.proto,js=small/small.gen.mjs",
    "do=list,lock=nothing/packets.lock",
    "do=changes,lock=nothing/packets.lock",
    "control",
    "js=small.gen.mjs",
};

static void run(const Google__Protobuf__FileDescriptorSet *set, const char *parameter)
{
    struct pool pool = {0};
    struct text said = {0};
    struct schema schema = {0};
    struct output output = {0};
    struct task task = {.files = set->file,
                        .file_count = set->n_file,
                        .file_name = "small/small.proto",
                        .words = &said};
    const char *error = run_read_parameter(&task, &pool, parameter);
    fuzz_expect(error == NULL, "a parameter is not known");
    error = run_task(&task, &schema, &output);
    fuzz_expect(error != NULL || output.count != 0 || said.length != 0 || task.what >= RUN_LIST,
                "neither a mistake nor an answer");
    output_fini(&output);
    schema_fini(&schema);
    text_fini(&said);
    pool_fini(&pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const ProtobufCMessageDescriptor *type = &google__protobuf__file_descriptor_set__descriptor;
    if (length == 0 || !depth_is_fine(type, bytes + 1, length - 1)) {
        return 0;
    }
    Google__Protobuf__FileDescriptorSet *set =
        google__protobuf__file_descriptor_set__unpack(NULL, length - 1, bytes + 1);
    if (set != NULL) {
        run(set, parameters[bytes[0] % (sizeof parameters / sizeof parameters[0])]);
        google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
    }
    return 0;
}
