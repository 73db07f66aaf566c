/* tools/protoc-gen-gw/run_plugin.c: Communication with protoc as a plugin. */
#include "tools/protoc-gen-gw/run.h"

#include "google/protobuf/compiler/plugin.pb-c.h"
#include "tools/protoc-gen-gw/depth.h"
#include "tools/protoc-gen-gw/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef Google__Protobuf__Compiler__CodeGeneratorRequest plugin_request;
typedef Google__Protobuf__Compiler__CodeGeneratorResponse plugin_response;
typedef Google__Protobuf__Compiler__CodeGeneratorResponse__File plugin_file;

static plugin_request *read_request(void)
{
    const ProtobufCMessageDescriptor *type =
        &google__protobuf__compiler__code_generator_request__descriptor;
    struct text bytes = {0};
    plugin_request *request = NULL;
    if (file_read_stream(stdin, &bytes) == 0 &&
        depth_is_fine(type, (const uint8_t *)bytes.bytes, bytes.length)) {
        request = google__protobuf__compiler__code_generator_request__unpack(
            NULL, bytes.length, (const uint8_t *)bytes.bytes);
    }
    text_fini(&bytes);
    return request;
}

static int write_response(const plugin_response *response)
{
    size_t length = google__protobuf__compiler__code_generator_response__get_packed_size(response);
    uint8_t *bytes = must_allocate(NULL, length + 1);
    google__protobuf__compiler__code_generator_response__pack(response, bytes);
    errno = 0;
    size_t written = fwrite(bytes, 1, length, stdout);
    free(bytes);
    if (written == length && fflush(stdout) == 0) {
        return 0;
    }
    fprintf(stderr, "protoc-gen-gw: cannot write: %s\n", strerror(errno));
    return 1;
}

static plugin_file **list_of(const struct output *output, struct pool *pool)
{
    plugin_file **list = pool_take(pool, output->count, sizeof *list);
    plugin_file **end = list;
    for (struct output_file *file = output->first; file != NULL; file = file->next) {
        *end = pool_take(pool, 1, sizeof **end);
        **end = (plugin_file)GOOGLE__PROTOBUF__COMPILER__CODE_GENERATOR_RESPONSE__FILE__INIT;
        (*end)->name = (char *)file->name;
        (*end)->content = file->text.bytes;
        end++;
    }
    return list;
}

/* An error in the schema is no failure of the plugin: it exits with 0 and protoc reports the text.
 */
static int answer(const char *error, const struct output *output, struct pool *pool)
{
    plugin_response response = GOOGLE__PROTOBUF__COMPILER__CODE_GENERATOR_RESPONSE__INIT;
    response.error = (char *)error;
    response.has_supported_features = 1;
    response.supported_features =
        GOOGLE__PROTOBUF__COMPILER__CODE_GENERATOR_RESPONSE__FEATURE__FEATURE_PROTO3_OPTIONAL;
    response.n_file = error == NULL ? output->count : 0;
    response.file = list_of(output, pool);
    return write_response(&response);
}

/* The file to generate: the requested one that is not the control schema. */
static const char *find_name(const plugin_request *request, const char *other)
{
    const char *name = NULL;
    for (size_t i = 0; i < request->n_file_to_generate; i++) {
        if (other == NULL || strcmp(request->file_to_generate[i], other) != 0) {
            if (name != NULL) {
                return NULL;
            }
            name = request->file_to_generate[i];
        }
    }
    return name;
}

static const char *make(const plugin_request *request, struct pool *pool, struct schema *schema,
                        struct output *output)
{
    struct task task = {.files = request->proto_file, .file_count = request->n_proto_file};
    const char *error = run_read_parameter(&task, pool, request->parameter);
    if (error != NULL) {
        return error;
    }
    task.file_name = find_name(request, task.control_name);
    return task.file_name == NULL ? "one schema at a time, please"
                                  : run_task(&task, schema, output);
}

int run_as_plugin(void)
{
    struct pool pool = {0};
    struct schema schema = {0};
    struct output output = {0};
    plugin_request *request = read_request();
    const char *error = "protoc's request cannot be read";
    if (request != NULL) {
        error = make(request, &pool, &schema, &output);
    }
    int code = answer(error, &output, &pool);
    output_fini(&output);
    schema_fini(&schema);
    pool_fini(&pool);
    if (request != NULL) {
        google__protobuf__compiler__code_generator_request__free_unpacked(request, NULL);
    }
    return code;
}
