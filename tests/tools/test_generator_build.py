"""tests/tools/test_generator_build.py: Tests of the dependencies of generated files."""
import os
import shutil
import time

import generator
from generator import GeneratorTest, ROOT

PROJECT = """\
cmake_minimum_required(VERSION 3.25)
project(gangway LANGUAGES C)
set(CMAKE_C_STANDARD 11)
set(GW_BUILD_PROGRAMS ON)
list(APPEND CMAKE_MODULE_PATH ${PROJECT_SOURCE_DIR}/tools/cmake)
find_package(ProtobufC REQUIRED)
include(GwTargets)
include(GwProtocol)
add_library(gw_session INTERFACE)
add_subdirectory(protocol)
add_subdirectory(tools/protoc-gen-gw)
add_subdirectory(proto)
"""

EMOTE = """\
message Emote {
  option (gw.packet) = { id: 1090 from: CLIENT stages: "IN_ROOM" };
}
"""


class Build(GeneratorTest):
    """A copy of the generating parts of the tree, with an existing plugin."""

    def setUp(self):
        super().setUp()
        self.tree = self.folder / "tree"
        for part in "proto", "protocol", "session", "net", "tools/cmake", "tools/protoc-gen-gw":
            shutil.copytree(ROOT / part, self.tree / part)
        (self.tree / "CMakeLists.txt").write_text(PROJECT)
        self.schema = self.tree / "proto/game/game.proto"
        self.lock = self.tree / "proto/packets.lock"
        self.gen = self.folder / "build/gen/proto/game"
        result = generator.run([
            generator.arguments.cmake, "-G", "Ninja", "-S", self.tree, "-B",
            self.folder / "build", f"-DGW_PROTOC_GEN_GW={generator.arguments.plugin}",
            f"-DCMAKE_C_COMPILER={generator.arguments.compiler}"])
        self.assertEqual(result.returncode, 0, result.stderr)
        self.build()

    def ninja(self, **changes):
        return generator.run([generator.arguments.cmake, "--build", self.folder / "build"],
                             env=generator.environment(**changes))

    def build(self):
        result = self.ninja()
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout

    def add(self, path, text):
        time.sleep(0.02)  # more than the clock of a file system may round
        with path.open("a") as file:
            file.write(text)

    def test_a_build_without_changes_generates_nothing(self):
        self.assertIn("no work to do", self.build())

    def test_a_new_packet_is_generated_and_locked_in_one_build(self):
        self.add(self.schema, EMOTE)
        self.assertIn("Generating from game/game.proto", self.build())
        self.assertIn("GAME_PACKET_EMOTE = 1090,", (self.gen / "game.gen.h").read_text())
        self.assertIn("void game_on_emote(", (self.gen / "game_server.gen.h").read_text())
        self.assertIn(" 1090 client game.Emote\n", self.lock.read_text())
        self.assertIn("no work to do", self.build())

    def test_a_changed_import_generates_again(self):
        self.add(self.tree / "proto/gw/policy.proto", "// changed\n")
        said = self.build()
        self.assertIn("Generating from game/game.proto", said)
        self.assertIn("Generating from gw/control.proto", said)
        self.assertIn("no work to do", self.build())

    def test_a_new_plugin_generates_again(self):
        plugin = self.folder / "plugin"
        shutil.copy(generator.arguments.plugin, plugin)
        generator.run([generator.arguments.cmake, self.folder / "build",
                       f"-DGW_PROTOC_GEN_GW={plugin}"])
        self.build()
        self.assertIn("no work to do", self.build())
        time.sleep(0.02)
        os.utime(plugin)
        self.assertIn("Generating from game/game.proto", self.build())

    def test_an_error_in_the_schema_stops_the_build_until_it_is_corrected(self):
        good = self.schema.read_text()
        self.add(self.schema, EMOTE.replace("1090", "1001"))
        result = self.ninja()
        self.assertNotEqual(result.returncode, 0)
        self.assertRegex(result.stdout + result.stderr,
                         r"game/game\.proto:\d+: Emote has id 1001, but .*packets\.lock:\d+ gave "
                         "it to game.Chat")
        self.assertNotEqual(self.ninja().returncode, 0)
        self.schema.write_text(good)
        self.build()

    def test_an_edited_lock_generates_again(self):
        text = self.lock.read_text()
        time.sleep(0.02)
        self.lock.write_text(text.replace("1001 client", "1001 both  "))
        result = self.ninja()
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("Chat is from CLIENT, but", result.stdout + result.stderr)

    def test_in_ci_an_incomplete_lock_stops_the_build(self):
        before = self.lock.read_text()
        self.add(self.schema, EMOTE)
        result = self.ninja(CI="true")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("and CI=true: build without CI, which adds it, and commit the lock",
                      result.stdout + result.stderr)
        self.assertEqual(self.lock.read_text(), before)

    def test_the_build_writes_nothing_else_into_the_source_tree(self):
        self.add(self.schema, EMOTE)
        before = {path for path in self.tree.rglob("*")}
        self.build()
        self.assertEqual({path for path in self.tree.rglob("*")}, before)


class Repository(GeneratorTest):
    def test_the_committed_lock_has_all_committed_packets(self):
        for name, options in (("game/game.proto", []), ("gw/control.proto", ["--gw_opt=control"])):
            result = generator.run(
                [generator.arguments.protoc, f"-I{ROOT / 'proto'}",
                 f"--plugin=protoc-gen-gw={generator.arguments.plugin}",
                 f"--gw_opt=lock={ROOT / 'proto/packets.lock'}", *options,
                 f"--gw_out={self.out}", name], env=generator.environment(CI="true"))
            self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_the_committed_reference_matches_the_committed_schema(self):
        result = generator.run(
            [generator.arguments.protoc, f"-I{ROOT / 'proto'}",
             f"--plugin=protoc-gen-gw={generator.arguments.plugin}", f"--gw_out={self.out}",
             f"--gw_opt=documents,with=gw/control.proto,reference={ROOT / 'proto/PROTOCOL.md'}",
             "gw/control.proto", "game/game.proto"], env=generator.environment(CI="true"))
        self.assertEqual((result.returncode, result.stderr), (0, ""))


if __name__ == "__main__":
    generator.main()
