"""tests/tools/test_generator_output.py: Tests of the generated files."""
import itertools
import pathlib
import re
import shutil
import unittest

import generator
from generator import GeneratorTest, HEAD, HERE, ROOT, STAGES, packet

SCHEMAS = HERE / "schemas"
GOLDEN = HERE / "golden"

# The handlers of both sides of small/small.proto, written by hand.
HANDLERS = {
    "small_on_sit": "Small__Sit",
    "small_on_c_play": "Small__CPlay",
    "small_on_int": "Small__Int",
    "small_on_session": "Small__Session",
    "small_client_on_int": "Small__Int",
    "small_client_on_session": "Small__Session",
    "small_client_on_deal_httpdone": "Small__Deal__HTTPDone",
}

# The expected tables, written by hand from WIRE.md and the schema. Both sides check C_Play by the same rules.
RULES_OF_C_PLAY = """\
  marked length 0 count 3 counter 7 checks 0 from 0 to 0
    key length 8 count 0 counter 0 checks 1 from 0 to 0
    value length 0 count 1 counter 1 checks 0 from 0 to 0
      suit length 0 count 0 counter 0 checks 8 from 0 to 3
      rank length 0 count 0 counter 0 checks 0 from 0 to 0
      name length 16 count 0 counter 0 checks 1 from 0 to 0
  cards length 0 count 5 counter 1 checks 0 from 0 to 0
    suit length 0 count 0 counter 0 checks 8 from 0 to 3
    rank length 0 count 0 counter 0 checks 0 from 0 to 0
    name length 16 count 0 counter 0 checks 1 from 0 to 0
  stake length 0 count 0 counter 0 checks a from -0.5 to 1e+09
  odds length 0 count 16 counter 8 checks 2 from 0 to 0
  seal length 3 to 512 count 65535 counter 2 checks 0 from 0 to 0
  raw length 64 count 0 counter 0 checks 0 from 0 to 0
  colour length 0 count 0 counter 0 checks 4 from 0 to 0
  any_colour length 0 count 0 counter 0 checks 0 from 0 to 0
  words length 64 count 16 counter 9 checks 1 from 0 to 0
  ratio length 0 count 0 counter 0 checks 0 from 0 to 0
  title length 1 to 8 count 65535 counter 3 checks 11 from 0 to 0
  sides length 0 count 65535 counter 4 checks 8 from 2 to 100
  trump length 0 count 1 counter 5 checks 0 from 0 to 0
    suit length 0 count 0 counter 0 checks 8 from 0 to 3
    rank length 0 count 0 counter 0 checks 0 from 0 to 0
    name length 16 count 0 counter 0 checks 1 from 0 to 0
  lift length 0 count 65535 counter 6 checks 28 from -9 to 9
"""
PRINTED = f"""\
server 5 256
256 Sit from 1 stages 00000002 bytes 256 rate 20 burst 40 flags 0 reply 302: small_on_sit 256
300 C_Play from 1 stages 80000004 bytes 4096 rate 5 burst 7 flags 3 reply 0: small_on_c_play 300
{RULES_OF_C_PLAY}301 Int from 3 stages ffffffff bytes 256 rate 0 burst 0 flags 0 reply 0: small_on_int 301
  value length 0 count 0 counter 0 checks 0 from 0 to 0
302 Session from 3 stages fffffffe bytes 256 rate 40000 burst 65535 flags 0 reply 0: small_on_session 302
32767 Deal.HTTPDone from 2 stages ffffffff bytes 65536 rate 20 burst 40 flags 4 reply 0: -
client 5 256
256 Sit from 1 stages 00000002 bytes 256 rate 20 burst 40 flags 0 reply 302: -
300 C_Play from 1 stages 80000004 bytes 4096 rate 5 burst 7 flags 3 reply 0: -
{RULES_OF_C_PLAY}301 Int from 3 stages ffffffff bytes 256 rate 0 burst 0 flags 0 reply 0: small_client_on_int 301
  value length 0 count 0 counter 0 checks 0 from 0 to 0
302 Session from 3 stages fffffffe bytes 256 rate 40000 burst 65535 flags 0 reply 0: small_client_on_session 302
32767 Deal.HTTPDone from 2 stages ffffffff bytes 65536 rate 20 burst 40 flags 4 reply 0: \
small_client_on_deal_httpdone 32767
send 300 small.C_Play
send 32767 small.Deal.HTTPDone
broadcast 32767 small.Deal.HTTPDone
send 32767 small.Deal.HTTPDone to 9
reply 302 small.Session to 7
reply 302 small.Session to 8 of 9
ask 256 small.Sit
answer 0 small.Session to a client
answer 1 - to a client
answer 2 - to a client
answer 3 - to a client
tag 7
ask 256 small.Sit
tag 0
named CONNECTED, MENU, TABLE, LAST
stages 2 4 80000000
"""

WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wmissing-prototypes",
            "-Werror"]
CXX_WARNINGS = ["-x", "c++", "-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror"]


MINGW = "x86_64-w64-mingw32-gcc"


class Golden(GeneratorTest):
    def compare(self, name, opt=None):
        produced = sorted(path for path in self.out.rglob("*") if path.is_file())
        if generator.arguments.update:
            shutil.rmtree(GOLDEN / name, ignore_errors=True)
            shutil.copytree(self.out, GOLDEN / name)
        golden = sorted(path for path in (GOLDEN / name).rglob("*") if path.is_file())
        self.assertEqual([path.relative_to(self.out) for path in produced],
                         [path.relative_to(GOLDEN / name) for path in golden])
        for mine, theirs in zip(produced, golden):
            self.assertEqual(mine.read_text(), theirs.read_text(), theirs)

    def test_a_game_generates_exactly_these_files(self):
        (self.out / "small").mkdir()
        result = self.by_hand(self.descriptor_set("small/small.proto", SCHEMAS),
                              "small/small.proto")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.compare("game")

    def test_an_installed_library_is_included_with_its_prefix(self):
        (self.out / "small").mkdir()
        result = self.by_hand(self.descriptor_set("small/small.proto", SCHEMAS),
                              "small/small.proto", "include=gangway/")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        for path in (self.out / "small").iterdir():
            golden = (GOLDEN / "game/small" / path.name).read_text()
            self.assertEqual(path.read_text(), re.sub(
                r'#include "(session|protocol)/', r'#include "gangway/\1/', golden))

    def test_control_packets_generate_exactly_these_files(self):
        (self.out / "session").mkdir()
        result = self.by_hand(self.descriptor_set("small/control.proto", SCHEMAS),
                              "small/control.proto", "control")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.compare("control")

    SEEDS = {  # the place in the table, and every field
        "sit": "00",
        "c_play": "01" "0a0c 0a0161 1207 0801 1001 1a0161" "1207 0801 1001 1a0161"
                  "f101 000000000000f03f" "fd01 0000803f" "8202 03616161" "8a02 0161" "9002 07"
                  "9802 07" "a202 0161" "ad02 0000803f" "b202 0161" "b802 02"
                  "c20207 0801 1001 1a0161" "c802 01",
        "int": "02 0802",
        "session": "03",
    }

    def document(self, *options, env=None):
        return generator.run(
            [generator.arguments.protoc, f"-I{SCHEMAS}", f"-I{ROOT / 'proto'}",
             f"--plugin=protoc-gen-gw={generator.arguments.plugin}", f"--gw_out={self.out}",
             "--gw_opt=documents,with=small/control.proto",
             *(f"--gw_opt={option}" for option in options),
             "small/control.proto", "small/small.proto"], env=env or generator.environment())

    def test_documents_generates_dissector_reference_and_fuzzer_input(self):
        result = self.document(f"reference={self.out / 'PROTOCOL.md'}")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        seeds = (self.out / "small/small.gen.seeds").read_text().splitlines()
        self.assertEqual(dict(seed.split(" ") for seed in seeds if seed[0] != "#"), {
            name: seed.replace(" ", "") for name, seed in self.SEEDS.items()})
        self.compare("documents")

    def test_javascript_generates_exactly_these_files(self):
        result = self.by_hand(self.descriptor_set("small/small.proto", SCHEMAS),
                              "small/small.proto", "js=small.gen.mjs")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.compare("javascript")

    def test_the_javascript_client_has_the_control_packets_of_the_schema(self):
        result = self.by_hand(self.descriptor_set("gw/control.proto", ROOT / "proto"),
                              "gw/control.proto", "control,js=control.gen.mjs")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        for path in self.out.iterdir():
            committed = ROOT / "tools/clients/js" / path.name
            if generator.arguments.update:
                shutil.copy(path, committed)
            self.assertEqual(path.read_text(), committed.read_text(), f"{committed} is old: --update")

    def test_documents_and_javascript_come_in_one_run(self):
        result = self.document(f"reference={self.out / 'PROTOCOL.md'}", "js=small/small.gen.mjs")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        names = {path.name for path in (self.out / "small").iterdir()}
        self.assertEqual(names, {f"small.gen.{end}" for end in ("d.mts", "dict", "lua", "mjs", "seeds")})
        for end in ("mjs", "d.mts"):
            self.assertEqual((self.out / f"small/small.gen.{end}").read_text(),
                             (GOLDEN / f"javascript/small.gen.{end}").read_text())

    def test_in_ci_an_outdated_reference_is_an_error(self):
        reference = self.folder / "PROTOCOL.md"
        ci = generator.environment(CI="true")
        behind = (f"{reference}: is behind small/small.proto, and CI=true: build without CI, which "
                  "writes it, and commit it")
        for old in None, "# something else\n":
            if old is not None:
                reference.write_text(old)
            result = self.document(f"reference={reference}", env=ci)
            self.assertNotEqual(result.returncode, 0)
            self.assertIn(behind, result.stderr)
            self.assertEqual(reference.read_text() if reference.exists() else None, old)
        self.assertEqual(self.document(f"reference={reference}").returncode, 0)
        before = reference.stat().st_mtime_ns
        self.assertEqual(self.document(f"reference={reference}", env=ci).returncode, 0)
        self.assertEqual(reference.stat().st_mtime_ns, before)

    def test_the_plugin_writes_the_same_as_the_command_line(self):
        result = generator.run(
            [generator.arguments.protoc, f"-I{SCHEMAS}", f"-I{ROOT / 'proto'}",
             f"--plugin=protoc-gen-gw={generator.arguments.plugin}", f"--gw_out={self.out}",
             "small/small.proto"])
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        for path in (self.out / "small").iterdir():
            self.assertEqual(path.read_text(), (GOLDEN / "game/small" / path.name).read_text())

    def test_the_first_line_names_the_generator_and_the_schema(self):
        for path in (GOLDEN / "game").rglob("*.gen.*"):
            self.assertRegex(path.read_text().splitlines()[0],
                             r"^/\* Generated by protoc-gen-gw from small/small\.proto: .* \*/$")


class Code(GeneratorTest):
    """Compiles the golden files."""

    def setUp(self):
        super().setUp()
        gen = pathlib.Path(generator.arguments.gen)
        self.includes = [f"-I{folder}" for folder in
                         (ROOT, GOLDEN / "game", GOLDEN / "control", self.folder / "pb",
                          gen, gen / "proto")]
        self.messages("small/small.proto", "small/control.proto")

    def messages(self, *protos):
        (self.folder / "pb").mkdir()
        plugin = getattr(generator.arguments, "protoc_gen_c")
        result = generator.run(
            [generator.arguments.protoc, f"-I{SCHEMAS}", f"-I{ROOT / 'proto'}",
             f"--plugin=protoc-gen-c={plugin}", f"--c_out={self.folder / 'pb'}", *protos])
        self.assertEqual(result.returncode, 0, result.stderr)

    def handlers(self, names):
        text = ('#include "small/small_client.gen.h"\n#include "small/small_server.gen.h"\n'
                "#include <stdio.h>\n")
        for name in names:
            text += (f"void {name}(struct gw_session *session, const struct gw_frame *frame,\n"
                     f"    const {HANDLERS[name]} *message)\n"
                     "{\n    (void)session;\n    (void)message;\n"
                     f'    printf("{name} %u\\n", frame->packet_id);\n}}\n')
        path = self.folder / "handlers.c"
        path.write_text(text)
        return path

    def link(self, names):
        return generator.run(
            [generator.arguments.compiler, "-std=c11", *self.includes,
             "-o", self.folder / "small", SCHEMAS / "small/main.c", self.handlers(names),
             *(GOLDEN / "game/small").glob("*.c"), self.folder / "pb/small/small.pb-c.c",
             *(ROOT / "protocol").glob("*.c"), "-lprotobuf-c"])

    def test_generated_code_compiles_without_a_warning(self):
        compilers = {generator.arguments.compiler} | {
            path for path in map(shutil.which, ("gcc", "clang", MINGW)) if path}
        for compiler, source in itertools.product(sorted(compilers), sorted(GOLDEN.rglob("*.c"))):
            includes = self.includes
            if pathlib.Path(compiler).name == MINGW:
                includes = [*includes, f"-I{self.headers_for_windows()}"]
            result = generator.run([compiler, *WARNINGS, *includes, "-fsyntax-only", source])
            self.assertEqual((result.returncode, result.stderr), (0, ""), (compiler, source))

    def headers_for_windows(self):
        """Only the headers of protobuf-c: others in its folder do not fit that compiler."""
        folder = self.folder / "windows"
        if not folder.exists():
            folder.mkdir()
            found = [path for path in map(pathlib.Path, ("/usr/include", "/usr/local/include"))
                     if (path / "protobuf-c").is_dir()]
            (folder / "protobuf-c").symlink_to(found[0] / "protobuf-c")
        return folder

    def test_each_header_stands_alone(self):
        for header in sorted(GOLDEN.rglob("*.h")):
            self.check_header(header, generator.arguments.compiler, WARNINGS)

    def test_each_header_compiles_as_cxx_with_c_linkage(self):
        compilers = [path for path in map(shutil.which, ("g++", "clang++")) if path]
        self.assertNotEqual(compilers, [])
        for header, compiler in itertools.product(sorted(GOLDEN.rglob("*.h")), compilers):
            self.check_header(header, compiler, CXX_WARNINGS)
            self.assertRegex(header.read_text(), r"(?s)PROTOBUF_C__BEGIN_DECLS\n.*\n\nPROTOBUF_C__END_DECLS\n\n#endif\n$")

    def check_header(self, header, compiler, warnings):
        source = self.folder / "alone.c"
        source.write_text(f'#include "{header}"\nint unused;\n')
        result = generator.run([compiler, *warnings, *self.includes, "-fsyntax-only", source])
        self.assertEqual((result.returncode, result.stderr), (0, ""), (compiler, header))

    def test_tables_handlers_and_senders_match_the_schema(self):
        result = self.link(HANDLERS)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        result = generator.run([self.folder / "small"])
        self.maxDiff = None
        self.assertEqual(result.stdout, PRINTED)
        self.assertEqual(result.returncode, 0)

    def test_a_missing_handler_is_an_error_of_the_linker_that_names_it(self):
        for missing in HANDLERS:
            result = self.link([name for name in HANDLERS if name != missing])
            self.assertNotEqual(result.returncode, 0)
            self.assertRegex(result.stderr, rf"undefined reference to [`']{missing}'")


class Built(GeneratorTest):
    """Compiles schemas of a test."""

    def generate_with_messages(self, name, text):
        self.write(text, f"{name}.proto")
        result = generator.run(
            [generator.arguments.protoc, f"-I{self.folder}", f"-I{ROOT / 'proto'}",
             f"--plugin=protoc-gen-gw={generator.arguments.plugin}", f"--gw_out={self.out}",
             f"--plugin=protoc-gen-c={generator.arguments.protoc_gen_c}", f"--c_out={self.out}",
             f"{name}.proto"], env=generator.environment())
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def build(self, source, *files, options=()):
        path = self.folder / "program.c"
        path.write_text(source)
        gen = pathlib.Path(generator.arguments.gen)
        return generator.run(
            [generator.arguments.compiler, *options, f"-I{ROOT}", f"-I{self.out}", f"-I{gen}",
             f"-I{gen / 'proto'}", "-o", self.folder / "program", path, *files])


class Packages(Built):
    """Names of generated functions begin with the package."""

    def test_two_packages_may_have_packets_of_the_same_name_in_one_program(self):
        login = 'id: 300 from: BOTH stages: "GREETED" reply: "Login"'
        source, handlers = "#include <stdlib.h>\n", ""
        for name in "edge", "inner.net":
            stem = name.replace(".", "_")
            self.generate_with_messages(stem, HEAD.replace("package test", f"package {name}") +
                                        packet("Login", login, "string name = 1;"))
            source += f'#include "{stem}.gen.h"\n'
            for side, infix in ("server", ""), ("client", "client_"):
                source += f'#include "{stem}_{side}.gen.h"\n'
                handlers += (f"void {stem}_{infix}on_login(struct gw_session *s, const struct gw_frame *f,\n"
                             f"    const {'__'.join(w.capitalize() for w in name.split('.'))}__Login *m)\n"
                             "{ (void)s; (void)f; (void)m; }\n")
        functions = ("gw_session_send gw_session_reply gw_group_broadcast gw_group_send gw_group_reply "
                     "gw_session_request_with").split()
        (self.out / "stubs.c").write_text("".join(f"void {function}(void) {{}}\n" for function in functions))
        result = self.build(
            source + handlers + "int main(void) { return edge_server_packets.packet_count +\n"
            "inner_net_client_packets.packet_count + EDGE_PACKET_LOGIN + INNER_NET_PACKET_LOGIN == 602 ? 0 : 1; }\n",
            *self.out.glob("*.c"), "-lprotobuf-c", options=["-std=c11", "-Wall", "-Wextra", "-Werror"])
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(generator.run([self.folder / "program"]).returncode, 0)


class Words(Built):
    maxDiff = None

    """Keywords and macros as names: the generated code compiles, or the generator refuses them."""

    WORDS = """auto break case char const continue default do double else enum extern float for goto if inline int long
        register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
        alignas alignof bool complex constexpr false noreturn nullptr static_assert thread_local true typeof asm
        typeof_unqual and and_eq bitand bitor catch char8_t char16_t char32_t class compl concept consteval constinit
        const_cast co_await co_return co_yield decltype delete dynamic_cast explicit export friend mutable namespace
        new noexcept not not_eq operator or or_eq private protected public reinterpret_cast requires static_cast
        template this throw try typeid typename using virtual wchar_t xor xor_eq
        base descriptor n_x message session frame handle packets places errno stdin stdout stderr assert unix linux
        minor major signal environ si_pid st_atime sa_handler s6_addr h_errno d_fileno""".split()
    HEADERS = """assert.h ctype.h dirent.h errno.h fcntl.h float.h inttypes.h iso646.h limits.h locale.h math.h netdb.h
        netinet/in.h pthread.h signal.h stdalign.h stdarg.h stdbool.h stddef.h stdint.h stdio.h stdlib.h
        stdnoreturn.h string.h sys/socket.h sys/stat.h sys/types.h time.h unistd.h wchar.h""".split()
    WORDS_IN_CXX = {"iso646.h", "stdalign.h", "stdbool.h", "stdnoreturn.h"}  # C's names for what C++ has

    def schema(self, words):
        return HEAD + "".join(
            packet(name, f'id: {300 + 2 * i + k} from: BOTH stages: "GREETED"', f"string {word} = 1;")
            for i, word in enumerate(words) for k, name in enumerate((f"{word}_", word.capitalize() + "X")))

    def test_a_keyword_as_field_name_is_refused_or_compiles(self):
        words = list(dict.fromkeys(self.WORDS))
        refused = {re.match(r"test\.proto:\d+: test\.\w+\.(\w+) has (?:a|the) name", line)[1]
                   for line in self.problems(self.schema(words))}
        self.assertLessEqual({"base", "errno", "unix", "linux", "nullptr", "st_atime"}, refused)
        self.assertFalse(refused & {"int", "register", "class", "message", "session", "signal", "minor"}, refused)
        self.generate_with_messages("test", self.schema([word for word in words if word not in refused]))
        text = '#include "test_server.gen.h"\n#include "test_client.gen.h"\nint main(void) { return 0; }\n'
        for options in ["-std=c11"], ["-std=gnu11"], ["-std=gnu17"], ["-x", "c++", "-std=c++17"]:
            headers = "".join(f"#include <{name}>\n" for name in self.HEADERS
                              if "c++" not in options or name not in self.WORDS_IN_CXX)
            result = self.build("#define _GNU_SOURCE\n" * ("c++" not in options) + headers + text,
                                options=["-fsyntax-only", *options])
            self.assertEqual((result.returncode, result.stderr), (0, ""), options)

    def test_a_message_may_have_the_name_of_a_keyword(self):
        names = [word.capitalize() for word in dict.fromkeys(self.WORDS)]
        self.generate_with_messages("test", HEAD + "".join(
            packet(name, f'id: {300 + i} from: BOTH stages: "GREETED" reply: "{name}"') for i, name in enumerate(names)))
        result = self.build('#include <errno.h>\n#include "test_server.gen.h"\n#include "test_client.gen.h"\n'
                            "int main(void) { return 0; }\n", *self.out.glob("*.c"),
                            options=["-std=gnu11", "-Wall", "-Werror", "-fsyntax-only"])
        self.assertEqual((result.returncode, result.stderr), (0, ""))


def varint(number):
    number &= (1 << 64) - 1
    more = b""
    while number > 0x7F:
        more += bytes([number & 0x7F | 0x80])
        number >>= 7
    return more + bytes([number])


def number(field, value):
    return varint(field << 3) + varint(value)


def text(field, value):
    value = value if isinstance(value, bytes) else value.encode()
    return varint(field << 3 | 2) + varint(len(value)) + value


class Boundaries(Built):
    """Both sides of each rule, from the schema to the result of the dispatch."""

    SCHEMA = HEAD + STAGES + """
        message Part { uint32 a = 1 [(gw.field).range = { min: 2 max: 100 }]; }
        message A {
          option (gw.packet) = { id: 300 from: CLIENT stages: "MENU" max_bytes: 4096 };
          uint32 sides = 1 [(gw.field).range = { min: 2 max: 100 }];
          int32 down = 2 [(gw.field).range = { min: -9 max: -1 }];
          string name = 3 [(gw.field) = { min_length: 2 max_length: 8 printable: ON }];
          bytes seal = 4 [(gw.field) = { min_length: 2 max_length: 3 }];
          Part part = 5 [(gw.field).required = ON];
          Part other = 6;
          Stage stage = 7 [(gw.field).required = ON];
          repeated uint32 some = 8 [(gw.field) = { required: ON max_count: 2 range: { min: 0 max: 9 } }];
          map<string, uint32> map = 9 [(gw.field) = { max_count: 2 min_length: 1 max_length: 2 range: { min: 5 max: 6 } }];
          oneof choice { uint32 left = 10 [(gw.field).range = { min: 3 max: 4 }]; string right = 11 [(gw.field).min_length = 1]; }
          float ratio = 12 [(gw.field).range = { max: 0.1 }];
          repeated string words = 13 [(gw.field) = { min_length: 1 max_count: 2 }];
          sint64 lift = 14 [(gw.field) = { required: ON }];
          string free = 15;
        }
        """
    # Each field that must come, at its smallest.
    PARTS = {"sides": number(1, 2), "down": number(2, -1), "name": text(3, "ab"), "seal": text(4, "ab"),
             "part": text(5, number(1, 2)), "stage": number(7, 1), "some": number(8, 0), "lift": number(14, 1)}
    MAIN = """
        #include "test_server.gen.h"
        #include "protocol/arena.h"
        #include <stdio.h>
        void test_on_a(struct gw_session *s, const struct gw_frame *f, const Test__A *m) { (void)s; (void)f; (void)m; }
        int main(void)
        {
            static max_align_t memory[4096];
            static unsigned char body[65536];
            unsigned length;
            while (scanf("%u", &length) == 1) {
                for (unsigned i = 0; i < length; i++) {
                    unsigned byte;
                    if (scanf("%2x", &byte) != 1) {
                        return 1;
                    }
                    body[i] = (unsigned char)byte;
                }
                struct gw_arena arena;
                gw_arena_init(&arena, memory, sizeof memory);
                struct gw_frame frame = {.packet_id = 300, .body_bytes = length};
                const struct gw_packet *packet = gw_packet_find(&test_server_packets, 300);
                enum gw_packet_result result = gw_packet_dispatch(packet, &frame, body, NULL, &arena);
                struct gw_packet_fault fault = {"", ""};
                if (result != GW_PACKET_OK) {
                    gw_packet_explain(packet, result, body, length, &fault);
                }
                printf("%s|%s|%s\\n", gw_packet_result_name(result), fault.field, fault.rule);
            }
            return 0;
        }
        """

    def body(self, *more, without=None):
        return b"".join([part for name, part in self.PARTS.items() if name != without] + list(more))

    def results(self, bodies):
        lines = "".join(f"{len(body)} {' '.join(f'{byte:02x}' for byte in body)}\n" for body in bodies)
        result = generator.run([self.folder / "program"], input=lines)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout.splitlines()

    def test_both_sides_of_each_rule(self):
        self.generate_with_messages("test", self.SCHEMA)
        result = self.build(self.MAIN, self.out / "test_server.gen.c", self.out / "test.pb-c.c",
                            *(ROOT / "protocol").glob("*.c"), "-lprotobuf-c", "-lm",
                            options=["-std=c11", "-Wall", "-Wextra", "-Werror"])
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        fixed = lambda field, bytes4: varint(field << 3 | 5) + bytes4
        good = [self.body(*more) for more in (
            (), (number(1, 100),), (number(2, -9),), (text(3, "abcdefgh"),), (text(3, "\u00e4\u20ac"),), (text(4, b"\0\xFF\0"),),
            (text(5, number(1, 100)),)[:0], (text(6, number(1, 100)),), (number(8, 9),),
            (text(9, text(1, "k") + number(2, 5)), text(9, text(1, "kk") + number(2, 6))),
            (number(10, 3),), (number(10, 4),), (text(11, "x"),), (fixed(12, b"\xcd\xcc\xcc\x3d"),),  # 0.1f
            (text(13, "a"), text(13, "b")), (number(14, 2),), (text(15, "\u200d"),))]
        self.assertEqual(self.results(good), ["OK||"] * len(good))
        bad = [(self.body(without=name), f"BAD_BODY|{name}") for name in self.PARTS]
        bad += [(b"", "BAD_BODY|sides|is absent, so 0, which is not from 2 to 100")]
        bad += [(self.body(*more), said) for more, said in (
            ([number(1, 0)], "BAD_BODY|sides|is not from 2 to 100"), ([number(1, 1)], "BAD_BODY|sides"),
            ([number(1, 101)], "BAD_BODY|sides"), ([number(2, 0)], "BAD_BODY|down"), ([number(2, -10)], "BAD_BODY|down"),
            ([text(3, "")], "BAD_BODY|name|is shorter than 2 bytes"), ([text(3, "a")], "BAD_BODY|name"),
            ([text(3, "abcdefghi")], "BAD_BODY|name|is longer than 8 bytes"),
            ([text(3, "a\u200db")], "BAD_BODY|name|has a character that is not printable"),
            ([text(3, "a\nb")], "BAD_BODY|name|has a character that is not printable"),
            ([text(3, "ab\x7f")], "BAD_BODY|name"), ([text(3, "ab\u202e")], "BAD_BODY|name"),
            ([text(4, "a")], "BAD_BODY|seal"), ([text(4, "abcd")], "BAD_BODY|seal"),
            ([text(5, number(1, 2))], "TOO_COMPLEX|part|comes more than 1 times"),
            ([text(6, b"")], "BAD_BODY|other.a|is absent, so 0, which is not from 2 to 100"),
            ([text(6, number(1, 101))], "BAD_BODY|other.a"), ([number(7, 0)], "BAD_BODY|stage|is required, and is 0"),
            ([number(7, 2)], "BAD_BODY|stage|is not a value of its enum"), ([number(8, 10)], "BAD_BODY|some"),
            ([number(8, 1), number(8, 1)], "TOO_COMPLEX|some|comes more than 2 times"),
            ([text(9, text(1, "k"))], "BAD_BODY|map.value|is absent, so 0, which is not from 5 to 6"),
            ([text(9, number(2, 5))], "BAD_BODY|map.key|is absent, so shorter than 1 bytes"),
            ([text(9, text(1, "kkk") + number(2, 5))], "BAD_BODY|map.key"),
            ([text(9, text(1, "k") + number(2, 7))], "BAD_BODY|map.value"), ([number(10, 0)], "BAD_BODY|left"),
            ([number(10, 5)], "BAD_BODY|left"), ([text(11, "")], "BAD_BODY|right"),
            ([fixed(12, b"\xce\xcc\xcc\x3d")], "BAD_BODY|ratio|is not from 0 to 0.1"),
            ([fixed(12, b"\x00\x00\xc0\x7f")], "BAD_BODY|ratio|is infinite or not a number"),
            ([text(13, "")], "BAD_BODY|words"), ([number(14, 0)], "BAD_BODY|lift|is required, and is 0"))]
        for (body, expected), said in zip(bad, self.results([body for body, _ in bad])):
            self.assertEqual(said[:len(expected)], expected, body.hex())


class Refusal(GeneratorTest):
    """A handler for a packet that this side only sends."""

    def test_a_handler_for_a_packet_of_the_wrong_side_is_an_error_at_its_line(self):
        self.write(HEAD + packet("Ask", '\nid: 300 from: CLIENT stages: "GREETED"') +
                   packet("Line", "id: 400 from: SERVER"))
        self.assertEqual(self.generate(f"lock={self.lock}").returncode, 0)
        generator.run([generator.arguments.protoc, f"-I{self.folder}", f"-I{ROOT / 'proto'}",
                       f"--plugin=protoc-gen-c={generator.arguments.protoc_gen_c}",
                       f"--c_out={self.out}", "test.proto"])
        self.refuses("server", "test_on_line", "Test__Line",
                     "Line is from SERVER (test.proto:4, packets.lock:3), so this side never "
                     "receives it: remove test_on_line()")
        self.refuses("client", "test_client_on_ask", "Test__Ask",
                     "Ask is from CLIENT (test.proto:2, packets.lock:2), so this side never "
                     "receives it: remove test_client_on_ask()")

    def refuses(self, side, handler, message, said):
        source = self.folder / "handler.c"
        source.write_text(f'#include "test_{side}.gen.h"\n\n'
                          f"void {handler}(struct gw_session *session, const struct gw_frame *frame,\n"
                          f"    const {message} *message)\n{{\n}}\n")
        gen = pathlib.Path(generator.arguments.gen)
        for compiler in map(shutil.which, ("gcc", "clang")):
            if compiler:
                result = generator.run([compiler, "-std=c11", f"-I{self.out}", f"-I{ROOT}",
                                        f"-I{gen}", f"-I{gen / 'proto'}", "-fsyntax-only", source])
                self.assertNotEqual(result.returncode, 0)
                self.assertRegex(result.stderr,
                                 rf"handler\.c:[34]:\d+: error: {re.escape(said)}")


class Hash(GeneratorTest):
    FIRST = packet("A", 'id: 300 from: CLIENT stages: "GREETED"', "Part p = 1; int32 x = 2;")
    SECOND = packet("B", "id: 301 from: SERVER")
    PART = "message Part { string s = 1; }\n"

    def hash_of(self, *parts, head=HEAD):
        self.assertEqual(self.problems(head + "".join(parts)), [])
        return re.search(r"schema_hash = (.*),", (self.out / "test_server.gen.c").read_text())[1]

    def test_order_comments_limits_and_unused_messages_do_not_change_it(self):
        usual = self.hash_of(self.FIRST, self.SECOND, self.PART)
        for other in (
                (self.PART, "// hello\n", self.SECOND, self.FIRST),
                (self.FIRST.replace("from", "max_bytes: 99 rate: 3 from"), self.SECOND, self.PART),
                (self.FIRST.replace("Part p = 1; int32 x = 2;", "int32 x = 2; Part p = 1;"),
                 self.SECOND, self.PART),
                (self.FIRST, self.SECOND, self.PART, "message Unused { int32 x = 1; }\n")):
            self.assertEqual(self.hash_of(*other), usual)

    def test_packages_packets_ids_from_and_fields_change_it(self):
        hashes = [self.hash_of(*parts) for parts in (
            (self.FIRST, self.SECOND, self.PART),
            (self.FIRST, self.PART),
            (self.FIRST, self.SECOND.replace("301", "302"), self.PART),
            (self.FIRST.replace("CLIENT", "BOTH"), self.SECOND, self.PART),
            (self.FIRST.replace("int32", "sint32"), self.SECOND, self.PART),
            (self.FIRST.replace("int32 x = 2", "int32 x = 3"), self.SECOND, self.PART),
            (self.FIRST.replace("int32", "repeated int32"), self.SECOND, self.PART),
            (self.FIRST, self.SECOND, self.PART.replace("string", "bytes")),
            (self.FIRST, self.SECOND.replace("B", "C"), self.PART))]
        hashes.append(self.hash_of(self.FIRST, self.SECOND, self.PART,
                                   head=HEAD.replace("package test", "package game")))
        self.assertEqual(len(set(hashes)), len(hashes), hashes)


if __name__ == "__main__":
    generator.main()
