"""tests/consumer/test_consumer.py: Projects that find, build with and run the installed library.

Builds and installs the library, static or shared, and moves it to another folder. Then builds copies of
counter/ with it in each documented way, plugin/, which is C++, and nim/, a small game.
"""
import argparse
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
TREE = HERE.parent.parent
sys.path.insert(0, str(TREE / "tests/lint"))
import arrows  # noqa: E402 knows which headers are private

PUBLIC_FOLDERS = ("net", "protocol", "session")
GENERATED = {"proto/gw/control.pb-c.h", "proto/gw/options.pb-c.h"}
STRICT = "-std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wmissing-prototypes -Werror".split()
STRICT_CXX = "-std=c++17 -Wall -Wextra -Wpedantic -Werror".split()
COUNTED = "41\n42\nended: SHUTDOWN\n"

arguments = None


def run(*command, cwd=None, **environment):
    """With CI=true, so that an incomplete lock is an error."""
    return subprocess.run([str(word) for word in command], cwd=cwd, text=True, timeout=400, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, "CI": "true", **environment})


def must(*command, **options):
    done = run(*command, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}:\n{done.stdout}")
    return done.stdout


def configure(source, build, *options, generator="Ninja"):
    must(arguments.cmake, "-S", source, "-B", build, "-G", generator,
         f"-DCMAKE_C_COMPILER={arguments.compiler}", *options)


def is_shared():
    return arguments.kind == "shared"


def install():
    """Builds and installs the library. Returns its folder."""
    build, prefix, moved = (arguments.work / name for name in ("library", "prefix", "moved here"))
    configure(TREE, build, f"-DCMAKE_INSTALL_PREFIX={prefix}", f"-DBUILD_SHARED_LIBS={is_shared()}",
              "-DCMAKE_BUILD_TYPE=Release", "-DGW_BUILD_TESTS=OFF", "-DGW_BUILD_PROGRAMS=OFF")
    must(arguments.cmake, "--build", build)
    must(arguments.cmake, "--install", build)
    if not is_shared():
        install_apart(build)
    shutil.rmtree(build)
    prefix.rename(moved)
    return moved


def apart(kind):
    return arguments.work / "apart" / f"{kind} of it"


def install_apart(build):
    """As some distributions do, and as on a processor whose 64-bit atomics are in a library."""
    configure(TREE, build, f"-DCMAKE_INSTALL_PREFIX={apart('LIBDIR').parent}", "-DGW_HAVE_ATOMICS=OFF",
              *(f"-DCMAKE_INSTALL_{kind}={apart(kind)}" for kind in ("LIBDIR", "INCLUDEDIR", "BINDIR")))
    must(arguments.cmake, "--build", build)
    must(arguments.cmake, "--install", build)


def without_comments(text):
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL)


class Consumer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        shutil.rmtree(arguments.work, ignore_errors=True)
        arguments.work.mkdir(parents=True)
        cls.prefix = install()
        cls.headers = sorted(path.relative_to(cls.prefix / "include/gangway")
                             for path in (cls.prefix / "include").rglob("*.h"))

    def header_text(self):
        return "\n".join(without_comments((self.prefix / "include/gangway" / path).read_text())
                         for path in self.headers)

    def project(self, name="counter"):
        """A copy of a project, named after the test."""
        folder = arguments.work / self.id().rpartition(".")[2]
        shutil.copytree(HERE / name, folder)
        return folder

    def build(self, project, *options, generator="Ninja", **environment):
        configure(project, project / "build", f"-DCMAKE_C_FLAGS={' '.join(STRICT)}", *options,
                  generator=generator)
        return run(arguments.cmake, "--build", project / "build", "-j", os.cpu_count(), **environment)

    def build_with_package(self, project, **environment):
        return self.build(project, f"-DCMAKE_PREFIX_PATH={self.prefix}", **environment)

    def counts(self, program, **environment):
        self.assertEqual(must(program, **environment), COUNTED)

    def test_find_package(self):
        project = self.project()
        done = self.build_with_package(project)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.counts(project / "build/counter")
        self.check_that_packets_are_described(project)

    def check_that_packets_are_described(self, project):
        """With the control packets, which are not in the project's own schema."""
        gen = project / "build/counter_protocol-gen"
        dissector = (gen / "counter.gen.lua").read_text()
        for packet in '[1] = { name = "Hello", message = "gw.Hello" }', '[301] = { name = "Add", message = "counter.Add" }':
            self.assertIn(packet, dissector)
        self.assertIn("# counter.Add.value\n", (gen / "counter.gen.dict").read_text())
        self.assertRegex((gen / "counter.gen.seeds").read_text(), r"(?m)^add 01")
        self.assertEqual((project / "PROTOCOL.md").read_text(), (HERE / "counter/PROTOCOL.md").read_text())

    def test_an_outdated_reference_is_an_error_with_ci(self):
        project = self.project()
        (project / "PROTOCOL.md").write_text("# something else\n")
        done = self.build_with_package(project)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("PROTOCOL.md: is behind counter.proto, and CI=true", done.stdout)

    def test_add_subdirectory(self):
        """Also with CMake's default generator, which tracks fewer dependencies than Ninja."""
        by_make = is_shared() and shutil.which("make")
        project = self.project()
        done = self.build(project, f"-DGANGWAY_TREE={TREE}", f"-DBUILD_SHARED_LIBS={is_shared()}",
                          "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON",
                          generator="Unix Makefiles" if by_make else "Ninja")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.counts(project / "build/counter")
        self.assertFalse(list((project / "build").rglob("*gangway-server*")))
        self.check_that_nothing_leaks(project)

    def check_that_nothing_leaks(self, project):
        """The sources of the project are compiled without the library's warnings and private folders."""
        commands = json.loads((project / "build/compile_commands.json").read_text())
        ours = project / "build/gangway"
        theirs = [entry["command"].split() for entry in commands
                  if pathlib.Path(entry["file"]).is_relative_to(project)
                  and not pathlib.Path(entry["file"]).is_relative_to(ours)]
        self.assertEqual(len(theirs), 10)
        for words in theirs:
            self.assertEqual([word for word in words if word.startswith("-W")],
                             [word for word in STRICT if word.startswith("-W")])
            folders = {word.removeprefix("-I") for word in words if word.startswith("-I")}
            include = project / "build/gangway/include"
            self.assertLessEqual(folders, set(map(str, (
                project, project / "build/counter_protocol-gen", include, include / "gangway/proto"))))

    def ask_pkg_config(self, *words):
        output = must("pkg-config", *words, "gangway", PKG_CONFIG_PATH=str(self.prefix / "lib/pkgconfig"))
        return [word.replace("\\", "") for word in re.split(r"(?<!\\)\s+", output.strip())]

    def flags(self):
        """To compile and to link with the library, from pkg-config."""
        kind = [] if is_shared() else ["--static"]
        return self.ask_pkg_config("--cflags"), self.ask_pkg_config(*kind, "--libs")

    def test_pkg_config(self):
        """Without CMake, as in a Makefile."""
        project = self.project()
        ask = self.ask_pkg_config
        self.assertEqual(ask("--modversion"), ["0.1.0"])
        (project / "gen").mkdir()
        must("protoc", "-I.", f"-I{ask('--variable=protodir')[0]}",
             f"--plugin=protoc-gen-gw={ask('--variable=plugin')[0]}",
             "--gw_opt=include=gangway/,lock=packets.lock", "--gw_out=gen", "--c_out=gen",
             "counter.proto", cwd=project)
        sources = [path for path in project.rglob("*.c")]
        cflags, libs = self.flags()
        must(arguments.compiler, *STRICT, "-Igen", "-I.", *cflags, "-o", "counter-by-hand", *sources,
             *libs, cwd=project)
        self.counts(project / "counter-by-hand", LD_LIBRARY_PATH=str(self.prefix / "lib"))

    def test_folders_of_its_own_for_libraries_headers_and_programs(self):
        if is_shared():
            self.skipTest("tested with the static library")
        kinds = [apart(kind) for kind in ("LIBDIR", "INCLUDEDIR", "BINDIR")]
        self.assertEqual(set(kinds[0].parent.iterdir()), {*kinds, kinds[0].parent / "share"})
        folder = apart("LIBDIR") / "pkgconfig"
        output = {words: must("pkg-config", *words.split(), "gangway", PKG_CONFIG_PATH=str(folder))
                for words in ("--cflags", "--static --libs", "--variable=plugin", "--variable=protodir")}
        output = {words: shlex.split(text) for words, text in output.items()}
        include = apart("INCLUDEDIR")
        self.assertEqual(output["--cflags"], [f"-I{include}", f"-I{include}/gangway/proto"])
        self.assertEqual(output["--static --libs"][:2], [f"-L{apart('LIBDIR')}", "-lgangway"])
        self.assertIn("-latomic", output["--static --libs"])
        self.assertEqual(output["--variable=plugin"], [str(apart("BINDIR") / "protoc-gen-gw")])
        self.assertEqual(output["--variable=protodir"], [str(kinds[0].parent / "share/gangway/proto")])
        project = self.project()
        done = self.build(project, f"-Dgangway_DIR={apart('LIBDIR') / 'cmake/gangway'}")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.counts(project / "build/counter")

    def test_a_parent_project_with_settings_of_its_own(self):
        """Older C, unity builds, link-time optimisation, warnings that are errors, a compiler of two words, blanks."""
        if is_shared():
            self.skipTest("tested with the static library")
        project, tree = self.project(), arguments.work / "tree of it"
        shutil.copytree(TREE, tree, ignore=shutil.ignore_patterns("build", ".git"))
        script = project / "CMakeLists.txt"
        first = "project(counter LANGUAGES C)\n"
        self.assertIn(first, script.read_text())
        script.write_text(script.read_text().replace(first, first + """
            set(CMAKE_C_STANDARD 99)
            set(CMAKE_C_EXTENSIONS OFF)
            set(CMAKE_C_VISIBILITY_PRESET hidden)
            set(CMAKE_UNITY_BUILD ON)
            add_compile_options(-Werror -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes)
            """) + "set_target_properties(counter PROPERTIES UNITY_BUILD OFF)\n")
        build = project / "build of it"
        configure(project, build, f"-DCMAKE_C_COMPILER=/usr/bin/env;{arguments.compiler}", f"-DGANGWAY_TREE={tree}",
                  "-DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON", "-DCMAKE_BUILD_TYPE=Release")
        must(arguments.cmake, "--build", build)
        self.counts(build / "counter")
        self.assertIn("no work to do", must(arguments.cmake, "--build", build))

    def test_a_missing_handler_is_an_error_of_the_linker_that_names_it(self):
        for name in "add", "begin":
            project = self.project()
            (project / f"handlers/{name}.c").write_text("extern int nothing;\n")
            done = self.build_with_package(project)
            self.assertNotEqual(done.returncode, 0)
            self.assertEqual(set(re.findall(r"undefined reference to [`']?(\w+)", done.stdout)), {f"counter_on_{name}"})
            shutil.rmtree(project)

    def test_the_lock_is_the_projects_own(self):
        project = self.project()
        schema, lock = project / "counter.proto", project / "packets.lock"
        ours = (TREE / "proto/packets.lock").read_text()
        with schema.open("a") as file:
            file.write('message Stop { option (gw.packet) = { id: 302 from: SERVER }; }\n')
        done = self.build_with_package(project)
        self.assertIn("CI=true", done.stdout)
        self.assertNotEqual(done.returncode, 0)
        lines = len(lock.read_text().splitlines())
        done = self.build_with_package(project, CI="")
        self.assertIn("counter_client_on_stop", done.stdout)
        self.assertIn("  302 server counter.Stop\n", lock.read_text())
        self.assertEqual(len(lock.read_text().splitlines()), lines + 1)
        self.renumber(project, schema, lock)
        self.assertEqual((TREE / "proto/packets.lock").read_text(), ours)

    def test_the_client_in_javascript_takes_the_module_of_a_schema(self):
        project = self.project("nim")
        self.assertEqual(self.build_with_package(project, CI="").returncode, 0)
        module = next((project / "build").rglob("nim.gen.mjs"))
        client = self.prefix / "share/gangway/js"
        self.assertEqual([path.name for path in client.iterdir() if path.is_dir()], [])
        program = (f"import {{ connect }} from '{(client / 'gangway.mjs').as_uri()}';\n"
                   f"import {{ schema }} from '{module.as_uri()}';\n"
                   "const error = await connect('tcp://127.0.0.1:1', { schema, name: 'Ann' }).catch((why) => why);\n"
                   "console.log(schema.name, error.name);\n")
        (project / "client.mjs").write_text(program)
        self.assertEqual(must("node", project / "client.mjs"), "nim ClosedError\n")

    def test_two_schemas_in_one_folder(self):
        """They share the lock. Each has its own reference."""
        if is_shared():
            self.skipTest("tested with the static library")
        project = self.project()
        (project / "other.proto").write_text(
            'syntax = "proto3";\npackage other;\nimport "gw/options.proto";\n'
            'message Sum { option (gw.packet) = { id: 500 from: SERVER }; }\n')
        script = project / "CMakeLists.txt"
        text = script.read_text()
        script.write_text(text + "gangway_add_protocol(other_protocol other.proto)\n")
        options = ["-S", project, "-B", project / "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={self.prefix}"]
        done = run(arguments.cmake, *options)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"{project}/PROTOCOL.md describes counter.proto: give other.proto another one, as REFERENCE",
                      " ".join(done.stdout.split()))
        script.write_text(text + "gangway_add_protocol(other_protocol other.proto REFERENCE OTHER.md)\n")
        must(arguments.cmake, *options)
        must(arguments.cmake, "--build", project / "build", CI="")
        self.assertIn("  500 server other.Sum\n", (project / "packets.lock").read_text())
        self.assertEqual((project / "PROTOCOL.md").read_text(), (HERE / "counter/PROTOCOL.md").read_text())
        self.assertIn("# The packets of `other`\n", (project / "OTHER.md").read_text())
        must(arguments.cmake, "--build", project / "build", CI="")
        self.assertIn("no work to do", must(arguments.cmake, "--build", project / "build"))

    def renumber(self, project, schema, lock):
        """The message names the target that accepts the new number."""
        schema.write_text(schema.read_text().replace("id: 302", "id: 303"))
        command = f"cmake --build {project / 'build'} --target counter_protocol_accept"
        done = run(arguments.cmake, "--build", project / "build", CI="")
        self.assertIn(f"`{command}` changes the lock", done.stdout)
        output = must(*command.split())
        self.assertIn("id 302: counter.Stop is removed", output)
        self.assertIn("  302 server counter.Stop removed\n  303 server counter.Stop\n", lock.read_text())
        listed = must(arguments.cmake, "--build", project / "build", "--target", "counter_protocol_list")
        self.assertIn("free ids: 256..299, 304..399, 401..32767", listed)

    def test_public_headers_are_installed_and_no_others(self):
        public = {str(path.relative_to(TREE)) for folder in PUBLIC_FOLDERS
                  for path in (TREE / folder).rglob("*.h")
                  if not arrows.private_to(path.relative_to(TREE), path.read_text())}
        self.assertIn("net/port.h", public)
        self.assertEqual(set(map(str, self.headers)), public | GENERATED)

    def test_installed_headers_stand_alone(self):
        compilers = {compiler: (flags, suffix)
                     for compiler, flags, suffix in (("gcc", STRICT, "c"), ("clang", STRICT, "c"),
                                                     ("g++", STRICT_CXX, "cc"), ("clang++", STRICT_CXX, "cc"))
                     if shutil.which(compiler)}
        self.assertEqual({suffix for _, suffix in compilers.values()}, {"c", "cc"})
        for compiler, (flags, suffix) in compilers.items():
            for path in self.headers:
                source = arguments.work / f"alone.{suffix}"
                source.write_text(2 * f"#include <gangway/{path}>\n" + "extern int not_an_empty_file;\n")
                must(compiler, *flags, "-fsyntax-only", f"-I{self.prefix / 'include'}", source)

    def include_all(self):
        return "".join(f"#include <gangway/{path}>\n" for path in self.headers)

    def test_every_function_can_be_called_from_cxx(self):
        names = sorted(self.declared())
        source = arguments.work / "call.cc"
        source.write_text(self.include_all() + "void (*const functions[])() = {\n"
                          + "".join(f"    reinterpret_cast<void (*)()>({name}),\n" for name in names)
                          + "};\nint main()\n{\n    for (auto function : functions) {\n"
                          "        if (function == nullptr) {\n            return 1;\n        }\n    }\n}\n")
        cflags, libs = self.flags()
        program = arguments.work / "call"
        must("g++", *STRICT_CXX, *cflags, "-o", program, source, *libs)
        must(program, LD_LIBRARY_PATH=str(self.prefix / "lib"))

    def test_structs_are_the_same_in_cxx_and_in_c(self):
        """gw_turn has members of another type in C++."""
        names = sorted(set(re.findall(r"^struct (gw_\w+)\s*\{", self.header_text(), re.MULTILINE)))
        self.assertIn("gw_turn", names)
        text = (self.include_all() + "#include <stddef.h>\n#include <stdio.h>\n"
                + "".join(f"struct at_{name} {{\n    char before;\n    struct {name} it;\n}};\n" for name in names)
                + "int main(void)\n{\n"
                + "".join(f'    printf("{name} %zu %zu\\n", sizeof(struct {name}), offsetof(struct at_{name}, it));\n'
                          for name in names)
                + "    return 0;\n}\n")
        shown = []
        for compiler, flags, suffix in (arguments.compiler, STRICT, "c"), ("g++", STRICT_CXX, "cc"):
            source, program = arguments.work / f"sizes.{suffix}", arguments.work / f"sizes-{suffix}"
            source.write_text(text)
            must(compiler, *flags, *self.flags()[0], "-o", program, source)
            shown.append(must(program))
        self.assertEqual(shown[0], shown[1])

    def test_a_plugin_in_cxx(self):
        """In a project without C. The host starts without the library and loads it later."""
        project = arguments.work / "plugin"
        shutil.copytree(HERE / "plugin", project)
        for name in "counter.proto", "packets.lock", "PROTOCOL.md":
            shutil.copy(HERE / "counter" / name, project)
        must(arguments.cmake, "-S", project, "-B", project / "build", "-G", "Ninja", "-DCMAKE_CXX_COMPILER=g++",
             f"-DCMAKE_CXX_FLAGS={' '.join(STRICT_CXX)}", f"-DCMAKE_PREFIX_PATH={self.prefix}")
        must(arguments.cmake, "--build", project / "build")
        self.assertEqual(must(project / "build/host", project / "build/libplugin.so"), "42\n42\n")

    def test_a_game(self):
        """Once to the last stick, and once with a player that makes no move."""
        project = self.project("nim")
        done = self.build_with_package(project, CI="")
        self.assertEqual(done.returncode, 0, done.stdout)
        always = ["player 1 has an opponent", "player 1 was closed with 1000", "player 2 was closed with 1000"]
        for words, lines in ((), ["player 1 wins", *always, "the last stick is mine"]), (
                ("slow",), ["player 1 wins on time", *always]):
            self.assertEqual(sorted(must(project / "build/nim", *words, cwd=project).splitlines()), sorted(lines))
        self.assertEqual((project / "scores.txt").read_text(), "player 1 wins\nplayer 1 wins on time\n")

    def test_all_of_a_static_library_goes_into_a_shared_object(self):
        if is_shared():
            self.skipTest("there is no static library")
        cflags, libs = self.flags()
        libs[libs.index("-lgangway"):libs.index("-lgangway") + 1] = [
            "-Wl,--whole-archive", "-lgangway", "-Wl,--no-whole-archive"]
        source, shared = arguments.work / "whole.c", arguments.work / "whole.so"
        source.write_text("#include <gangway/net/port.h>\nextern int not_an_empty_file;\n")
        must(arguments.compiler, *STRICT, "-fPIC", "-shared", "-Wl,-z,defs", "-Wl,-z,text", *cflags, "-o", shared,
             source, *libs)
        self.assertEqual(re.findall(r" [TVW] (gw_\w+)$", must("nm", "-D", "--defined-only", shared)), [])

    def test_a_static_library_may_be_named_twice_where_all_of_it_is_taken(self):
        """By pkg-config and by a plugin's own --whole-archive."""
        if is_shared():
            self.skipTest("there is no static library")
        cflags, libs = self.flags()
        source, shared = arguments.work / "twice.c", arguments.work / "twice.so"
        source.write_text("#include <gangway/net/port.h>\n"
                          "int f(void);\nint f(void) { return gw_backend_refusal(GW_BACKEND_EPOLL) != 0; }\n")
        must(arguments.compiler, *STRICT, "-fPIC", "-shared", *cflags, "-o", shared, source, *libs,
             "-Wl,--whole-archive", self.prefix / "lib/libgangway.a", "-Wl,--no-whole-archive", *libs)

    def test_installed_files_are_relocatable(self):
        library = "libgangway.so" if is_shared() else "libgangway.a"
        for path in (f"lib/{library}", "bin/protoc-gen-gw", "share/doc/gangway/LICENSE",
                     "share/gangway/proto/gw/options.proto", "share/gangway/js/gangway.mjs",
                     "share/gangway/js/package.json", "lib/pkgconfig/gangway.pc"):
            self.assertTrue((self.prefix / path).exists(), path)
        for path in self.prefix.rglob("*"):
            if path.suffix in (".h", ".cmake", ".pc"):
                for word in TREE, arguments.work:
                    self.assertNotIn(str(word), path.read_text(), path)

    def exported(self):
        if is_shared():
            output = must("nm", "-D", "--defined-only", self.prefix / "lib/libgangway.so")
        else:
            output = must("nm", "--extern-only", "--defined-only", self.prefix / "lib/libgangway.a")
        return set(re.findall(r"^[0-9a-f]+ \w (\S+)$", output, re.MULTILINE))

    def declared(self):
        """The functions of the headers."""
        return set(re.findall(r"^(?!typedef|static|extern|#)[a-z][^;{}=()\"]*?\b(gw_\w+)\s*\(", self.header_text(),
                              re.MULTILINE))

    def test_exported_functions_are_those_of_the_headers(self):
        exported, text, declared = self.exported(), self.header_text(), self.declared()
        self.assertEqual([name for name in exported if not name.startswith("gw_")], [])
        self.assertEqual([name for name in exported if not re.search(rf"\b{name}\b", text)], [])
        self.assertGreater(len(declared), 60)
        self.assertEqual(declared - exported, set())


def main():
    global arguments
    parser = argparse.ArgumentParser()
    parser.add_argument("--kind", required=True, choices=("static", "shared"))
    parser.add_argument("--work", required=True, type=pathlib.Path, help="a folder, which is deleted first")
    parser.add_argument("--cmake", required=True)
    parser.add_argument("--compiler", required=True)
    arguments, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)


if __name__ == "__main__":
    main()
