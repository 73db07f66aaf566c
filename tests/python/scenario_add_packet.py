"""tests/python/scenario_add_packet.py: The two edits that add a packet, made in a copy of the tree.

The message and the handler come from the README's section "Add a packet", so the section is tested too.
The environment names the tools: GW_TREE, GW_CMAKE, GW_COMPILER and GW_PROTOC.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TREE = pathlib.Path(os.environ["GW_TREE"])
PARTS = ("CMakeLists.txt", "CMakePresets.json", "net", "protocol", "proto", "session", "server", "tools")


def section(title):
    readme = (TREE / "README.md").read_text()
    return re.search(rf"^## {title}$(.*?)^## ", readme, re.DOTALL | re.MULTILINE).group(1)


def code(language):
    """The block of code in that language, without the indentation of its list."""
    block, = re.findall(rf"^   ```{language}\n(.*?)^   ```", section("Add a packet"), re.DOTALL | re.MULTILINE)
    return re.sub(r"^   ", "", block, flags=re.MULTILINE)


def run(*command, **options):
    """Without CI, because CI=true prevents a build from adding to the lock."""
    env = {name: value for name, value in os.environ.items() if name != "CI"}
    return subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=400, check=False, env=env, **options)


class AddAPacket(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.tree = pathlib.Path(folder.name) / "tree"
        cls.tree.mkdir()
        for part in PARTS:
            copy = shutil.copytree if (TREE / part).is_dir() else shutil.copy
            copy(TREE / part, cls.tree / part)
        cls.schema = cls.tree / "proto/game/game.proto"
        cls.handler = cls.tree / "server/game/handlers/emote.c"
        cls.lock = cls.tree / "proto/packets.lock"

    def cmake(self, *words):
        return run(os.environ["GW_CMAKE"], *words)

    def build(self):
        return self.cmake("--build", self.tree / "build", "--target", "gangway-server", "gangway-dummy")

    def test_two_edits_make_a_packet(self):
        """One test in the order of the work, because each build takes a while."""
        with self.schema.open("a") as file:
            file.write("\n" + code("proto"))
        self.handler.write_text(code("c"))
        done = self.cmake("-S", self.tree, "-B", self.tree / "build", "-G", "Ninja", "-DGW_BUILD_TESTS=OFF",
                          "-DGW_INSTALL=OFF", "-DCMAKE_C_FLAGS=-Werror",
                          f"-DCMAKE_C_COMPILER={os.environ['GW_COMPILER']}")
        self.assertEqual(done.returncode, 0, done.stdout)
        done = self.build()
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn(" 1006 client game.Emote 1:what:string\n", self.lock.read_text())
        self.assertIn("1006 Emote", (self.tree / "proto/PROTOCOL.md").read_text())
        self.check_arrival()
        self.check_missing_handler()
        self.check_renumbering()
        self.check_accepting_the_new_number()

    def check_arrival(self):
        classes = self.tree / "classes"
        classes.mkdir()
        done = run(os.environ["GW_PROTOC"], f"-I{self.tree / 'proto'}", f"-I{os.environ['GW_PROTOC_INCLUDE']}",
                   f"--python_out={classes}", "gw/policy.proto", "gw/options.proto", "gw/control.proto",
                   "game/game.proto")
        self.assertEqual(done.returncode, 0, done.stdout)
        os.environ["GW_SERVER"] = str(self.tree / "build/gangway-server")
        sys.path.insert(0, str(classes))
        import gangway  # noqa: E402 needs the classes that were just generated
        from game import game_pb2
        from server import Server
        with Server("--log-packets") as server:
            with gangway.Client(server.address) as ann, gangway.Client(server.address) as bob:
                for client, name in ((ann, "Ann"), (bob, "Bob")):
                    client.greet(name)
                    client.send(game_pb2.Enter(room="hall"))
                    client.expect(game_pb2.Entered)
                ann.send(game_pb2.Emote(what="waves"))
                self.assertEqual(bob.expect(game_pb2.ChatLine).text, "* waves")
                ann.send(game_pb2.Emote(what="w" * 33))
                with self.assertRaises(gangway.Ended) as ended:
                    ann.expect(game_pb2.Said)
                self.assertEqual(ended.exception.close.reason, gangway.control_pb2.BAD_BODY)
            self.check_dummy_client(server)
        for what in "waves", "dummy":
            self.assertRegex("\n".join(server.log), rf'packet_in .*packet=Emote id=1006 {{what="{what}"}}')
            self.assertRegex("\n".join(server.log), rf'packet_out .*packet=ChatLine .*text="\* {what}"')

    def check_dummy_client(self, server):
        """The dummy client has the packet from the schema alone."""
        done = run(self.tree / "build/gangway-dummy", "--connect", f"127.0.0.1:{server.address[1]}", "--clients", "2",
                   "--send", "Emote", "--seconds", "2")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, r"received [1-9].* errors 0\n")
        self.assertNotRegex(done.stdout, r"errors [1-9]")

    def check_missing_handler(self):
        text = self.handler.read_text()
        self.handler.unlink()
        done = self.build()
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"undefined reference to [`']game_on_emote'")
        self.handler.write_text(text)

    def check_renumbering(self):
        lock = self.lock.read_text()
        number = lock[:lock.index(" 1006 ")].count("\n") + 1
        self.schema.write_text(self.schema.read_text().replace("id: 1006", "id: 1007"))
        done = self.build()
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stdout, rf"game/game\.proto:\d+: Emote has id 1007, but .*/packets\.lock:{number} gave it "
                                      r"1006, and a number stays: write id: 1006 again; if no client out there knows "
                                      r"it, `tools/packets accept` changes the lock")
        self.assertEqual(self.lock.read_text(), lock)

    def packets(self, *words):
        return run(self.tree / "tools/packets", *words, stdin=subprocess.DEVNULL)

    def check_accepting_the_new_number(self):
        before = self.lock.read_text()
        change = "id 1006: game.Emote is removed, and its id is never used again"
        done = self.packets("accept")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(change, done.stdout)
        self.assertEqual(self.lock.read_text(), before)
        done = self.packets("accept", "--yes")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn(change, done.stdout)
        self.assertIn(" 1006 client game.Emote 1:what:string removed\n 1007 client game.Emote 1:what:string\n",
                      self.lock.read_text())
        self.assertIn("nothing to accept", self.packets("accept", "--yes").stdout)
        self.assertRegex(self.packets("list").stdout, r"1007  Emote +client  IN_ROOM +256 +2/s, burst 4\n")
        done = self.build()
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
