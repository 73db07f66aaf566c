"""tests/lint/arrows.py TREE [GENERATED]: Check of every #include against the layers of the project.

net and protocol include no other folder of ours, session includes those two, and so on. Platform headers
are allowed in net/os/, net/backend/, and files named *_posix.c or *_win32.c; conditional compilation is
allowed in net/os/ and the list of backends. A public header may test for __cplusplus.
"""

import pathlib
import re
import sys

import lint

LAYERS = {
    "net": {"net"},
    "protocol": {"protocol"},
    "proto/gw": {"proto/gw"},
    "session": {"session", "net", "protocol", "proto/gw"},
    "proto/game": {"proto/game", "session", "protocol", "proto/gw"},
    "server": {"server", "tools/common", "proto/game", "session", "net", "protocol", "proto/gw"},
    "tools/common": {"tools/common", "net"},
    "tools/token": {"tools/token", "tools/common", "session", "net"},
    "tools/dummy-client": {"tools/dummy-client", "tools/common", "proto/game", "session", "net", "protocol", "proto/gw"},
    "tools/protoc-gen-gw": {"tools/protoc-gen-gw", "proto/gw"},
    "proto/bench": {"proto/bench", "session", "protocol", "proto/gw"},
    "tools/bench": {"tools/bench", "tools/common", "proto/bench", "session", "net", "protocol", "proto/gw"},
}
LIBRARY = ("net", "protocol", "session")
EVERYWHERE = set(LAYERS) | {"tests"}

# Folders and files that are private without a note in their first comment.
PRIVATE_PATHS = {"net/os": "net", "net/backend": "net", "session/control.gen.h": "session"}
PRIVATE = re.compile(r"Private to ([\w/-]+?)\.")

# Projects that use the library as it is installed.
CONSUMERS = pathlib.Path("tests/consumer")

# The benchmark compares Gangway with servers that call the Linux kernel directly.
PLATFORM_FOLDERS = ("net/os", "net/backend", "tools/bench")
PLATFORM_FILES = re.compile(r".*_(posix|win32)\.c")
CONDITIONAL_FOLDERS = ("net/os",)
CONDITIONAL_FILES = ("net/backend/list.c",)

# The headers of C11, but <threads.h>, which MinGW does not have.
STANDARD = {name + ".h" for name in """
    assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign
    stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string tgmath time uchar wchar
    wctype""".split()}
LIBRARIES = {
    "ini.h": {"server", "tools/dummy-client"},
    "cmocka.h": {"tests"},
    "liburing.h": {"net", "tools/bench"},
    "sodium.h": {"session"},
    "microhttpd.h": {"server"},
    "uv.h": {"tools/bench"},
    "wslay/wslay.h": {"net", "tests"},
    **{f"openssl/{name}.h": {"net", "tests", "tools/bench"} for name in "crypto err evp pem ssl x509 x509v3".split()},
    "protobuf-c/protobuf-c.h": set(LAYERS) - {"net"} | {"tests"},
    "google/protobuf/descriptor.pb-c.h": {"tools/protoc-gen-gw", "tests"},
    "gw/policy.pb-c.h": {"tools/protoc-gen-gw"},
    "google/protobuf/compiler/plugin.pb-c.h": {"tools/protoc-gen-gw", "tests"},
}

INCLUDE = re.compile(r'\s*#\s*include\s*(["<])([^">]+)[">]')
CONDITIONAL = re.compile(r"\s*#\s*(if|ifdef|ifndef|elif|elifdef|elifndef)\b\s*(.*)")
CXX = re.compile(r"#if(n?)def __cplusplus")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def within(path, folders):
    return any(path.is_relative_to(folder) for folder in folders)


def may_know_platform(path):
    return within(path, PLATFORM_FOLDERS) or bool(PLATFORM_FILES.fullmatch(path.name))


def folder_of(path):
    """The folder of the table that a path lies in, or None."""
    if path.is_relative_to("tests"):
        return "tests"
    return next((folder for folder in LAYERS if path.is_relative_to(folder)), None)


def first_comment(text):
    found = COMMENT.match(text)
    return " ".join(re.sub(r"\n \*(?!/)", " ", found.group()).split()) if found else ""


def private_to(path, text):
    """The folder that a header is private to, or None."""
    for folder, owner in PRIVATE_PATHS.items():
        if path.is_relative_to(folder):
            return owner
    found = PRIVATE.search(first_comment(text))
    return found.group(1) if found else None


def is_public(path, text):
    """Whether it is a header of the library, for users of it to include."""
    return path.suffix == ".h" and path.parts[0] in LIBRARY and not private_to(path, text)


def without_comments(text):
    """The text with its comments blank, so that line numbers stay as they are."""
    return COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)


class Arrows:
    def __init__(self, tree, generated=None):
        self.findings = []
        self.text = {path: lint.read(tree, path) for path in lint.sources(tree)
                     if not lint.is_generated(path)}
        self.written = set(self.text)
        if generated:
            made = {path: lint.read(generated, path) for path in lint.sources(generated)}
            self.text = {**made, **self.text}
        self.private = {path: private_to(path, text) for path, text in self.text.items()
                        if path.suffix == ".h"}
        self.guards = {}

    def report(self, path, line, text):
        self.findings.append(f"{path}:{line}: {text}")

    def check(self):
        for path, text in self.text.items():
            folder = folder_of(path)
            if folder is None and path not in self.written:
                continue
            if folder is None:
                self.report(path, 1, "lies in no folder of the layers")
                continue
            self.check_file(path, folder, without_comments(text).splitlines())
        return self.findings

    def check_file(self, path, folder, lines):
        guard = self.check_guard(path, lines)
        for number, line in enumerate(lines, 1):
            include = INCLUDE.match(line)
            if include:
                quote, name = include.groups()
                check = self.check_ours if quote == '"' else self.check_system
                if path.is_relative_to(CONSUMERS):
                    check = self.check_consumer
                check(path, number, folder, name)
            conditional = CONDITIONAL.match(line)
            if conditional and number != guard:
                self.check_conditional(path, number, line.strip())

    def check_guard(self, path, lines):
        """Returns the number of the line of a header's include guard."""
        if path.suffix != ".h" or path not in self.written:
            return None
        directives = [(number, line.split()) for number, line in enumerate(lines, 1)
                      if line.lstrip().startswith("#")][:2]
        words = [words for _, words in directives]
        if (len(words) < 2 or words[0][0] != "#ifndef" or words[1][0] != "#define"
                or words[0][1:] != words[1][1:]):
            self.report(path, 1, "does not begin with an include guard")
            return None
        guard = words[0][1]
        if guard in self.guards:
            self.report(path, directives[0][0], f"has the include guard of {self.guards[guard]}")
        self.guards[guard] = path
        return directives[0][0]

    def resolve(self, path, name):
        """The header of ours that `name` means, or None."""
        for candidate in (pathlib.Path(name), path.parent / name, pathlib.Path("proto") / name):
            if candidate in self.text:
                return candidate
        return None

    def check_ours(self, path, number, folder, name):
        header = self.resolve(path, name)
        if name in LIBRARIES:
            return self.check_system(path, number, folder, name)
        if header is None and folder == "tests" and lint.is_generated(pathlib.Path(name)):
            return None  # generated from a schema of the test
        if header is None:
            return self.report(path, number, f'"{name}" is no header of the project')
        target = folder_of(header)
        if target not in LAYERS.get(folder, EVERYWHERE):
            self.report(path, number, f"{folder} may not include {target} ({name})")
        owner = self.private.get(header)
        if owner and folder not in (owner, "tests"):
            self.report(path, number, f"{name} is private to {owner}")
        if owner and path.suffix == ".h" and folder != "tests" and not self.private[path]:
            self.report(path, number, f"a public header may not include {name}, private to {owner}")
        return None

    def check_system(self, path, number, folder, name):
        if name in STANDARD:
            return None
        if name in LIBRARIES:
            if folder not in LIBRARIES[name]:
                self.report(path, number, f"{folder} may not include <{name}>")
            return None
        if pathlib.Path(name) in self.text or name.startswith("gangway/"):
            return self.report(path, number, f"<{name}> is ours: include it with quotes")
        if folder != "tests" and not may_know_platform(path):
            self.report(path, number, f"<{name}> is not of C11: only net/os, net/backend, *_posix.c and "
                        "*_win32.c may know it")
        return None

    def check_consumer(self, path, number, _, name):
        root = CONSUMERS / path.relative_to(CONSUMERS).parts[0]
        ours = pathlib.Path(name.removeprefix("gangway/"))
        if name.startswith("gangway/"):
            if ours not in self.text or self.private[ours]:
                self.report(path, number, f"<{name}> is not installed")
        elif ours in self.text and root / name not in self.text:
            self.report(path, number, f"{name} is ours: a consumer includes <gangway/{name}>")

    def check_conditional(self, path, number, line):
        if path not in self.written or within(path, CONDITIONAL_FOLDERS):
            return
        if is_public(path, self.text[path]) and CXX.fullmatch(line):
            return
        if str(path) not in CONDITIONAL_FILES:
            self.report(path, number, f"'{line}': only net/os and net/backend/list.c depend on the machine")


def check(tree, generated=None):
    return Arrows(tree, generated).check()


def check_example(tree):
    """The folder gen/ of the example has the generated files."""
    return check(tree, pathlib.Path(tree, "gen"))


def header(path, body="", note=""):
    guard = "GW_" + re.sub(r"\W", "_", path).upper()
    return f"/* {path}: an example.{note} */\n#ifndef {guard}\n#define {guard}\n{body}\n#endif\n"


GOOD = {path: header(path, body, note) for path, body, note in [
    ("net/port.h", "#include <stdint.h>\n#ifdef __cplusplus\n#endif\n#ifndef __cplusplus\n#endif", ""),
    ("net/lane.h", '#include "net/port.h"', " Private to net."),
    ("net/late.h", '#include "net/lane.h"', " Private\n * to net."),
    ("net/os/os.h", "#include <sys/types.h>\n#ifdef _WIN32\n#endif", ""),
    ("net/backend/backend.h", '#include "net/lane.h"', ""),
    ("gen/session/control.gen.h", '#include "protocol/frame.h"', ""),
    ("protocol/frame.h", "#include <protobuf-c/protobuf-c.h>", ""),
    ("session/session.h", '#include "net/port.h"\n#include "protocol/frame.h"', ""),
    ("gen/proto/game/game_server.gen.h", '#include "session/session.h"', ""),
    ("server/game/room.h", '#include "proto/game/game_server.gen.h"\n#include <ini.h>', ""),
    ("tools/dummy-client/bot.h", '#include "session/session.h"', ""),
    ("tests/test.h", '#include "net/lane.h"\n#include <unistd.h>\n#include <cmocka.h>\n'
     '#include "small/small.pb-c.h"', ""),
]}
GOOD["tests/consumer/a/net/port.h"] = "/* x */\n#ifndef A_H\n#define A_H\n#endif\n"
GOOD["tests/consumer/a/a.c"] = ('#include "net/port.h"\n#include "a.gen.h"\n#include <gangway/net/port.h>\n'
                                "#include <pthread.h>\n")
GOOD["server/log/out_win32.c"] = "/* server/log/out_win32.c: an example. */\n#include <windows.h>\n"
GOOD["net/backend/list.c"] = "/* net/backend/list.c: an example. */\n#ifdef __linux__\n#endif\n"


def bad(path, body, words, note=""):
    return path, header(path, body, note), words


BAD = [
    bad("net/port.h", '#include "protocol/frame.h"', "net may not include protocol"),
    bad("protocol/frame.h", '#include "net/port.h"', "protocol may not include net"),
    bad("protocol/frame.h", '# include "session/session.h"', "protocol may not include session"),
    bad("session/more.h", '#include "server/game/room.h"', "session may not include server"),
    bad("session/more.h", '#include "proto/game/game_server.gen.h"', "session may not include proto/game"),
    bad("gen/proto/game/more.gen.h", '#include "net/port.h"', "proto/game may not include net"),
    bad("server/more.h", '#include "tools/dummy-client/bot.h"', "server may not include tools/dummy"),
    bad("tools/dummy-client/bot.h", '#include "server/game/room.h"', "may not include server"),
    bad("server/more.h", '#include "tests/test.h"', "server may not include tests"),
    ("session/more.c", '#include "net/lane.h"\n', "is private to net"),
    ("session/more.c", '#include "net/os/os.h"\n', "is private to net"),
    ("server/more.c", '#include "session/control.gen.h"\n', "is private to session"),
    bad("net/more.h", '#include "net/lane.h"', "a public header may not include"),
    bad("net/more.h", '#include "net/nowhere.h"', "is no header of the project"),
    bad("session/more.h", "#include <net/port.h>", "is ours"),
    bad("session/more.h", "#include <gangway/net/port.h>", "is ours"),
    bad("session/more.h", "#include <unistd.h>", "is not of C11"),
    bad("net/more.h", "#include <sys/socket.h>", "is not of C11"),
    bad("server/more.h", "#include <windows.h>", "is not of C11"),
    bad("server/more_win32.h", "#include <windows.h>", "is not of C11"),
    bad("server/more.h", "#include <threads.h>", "is not of C11"),
    bad("net/more.h", "#include <protobuf-c/protobuf-c.h>", "net may not include"),
    bad("net/more.h", "#include <ini.h>", "net may not include"),
    bad("net/more.h", "#ifdef __linux__\n#endif", "depend on the machine"),
    bad("net/backend/more.h", "#if 1\n#endif", "depend on the machine"),
    ("server/more.c", "#ifndef NDEBUG\n#endif\n", "depend on the machine"),
    ("session/more.c", "#ifdef __cplusplus\n#endif\n", "depend on the machine"),
    bad("server/more.h", "#ifdef __cplusplus\n#endif", "depend on the machine"),
    bad("net/lane.h", "#ifdef __cplusplus\n#endif", "depend on the machine", " Private to net."),
    ("net/more.h", "/* net/more.h: x */\nint x;\n", "does not begin with an include guard"),
    ("net/more.h", header("net/port.h"), "has the include guard of"),
    bad("tests/more.h", '#include "net/nowhere.h"', "is no header of the project"),
    ("tests/consumer/a/b.c", '#include "session/session.h"\n', "a consumer includes <gangway/session/session.h>"),
    ("tests/consumer/a/b.c", "#include <gangway/net/lane.h>\n", "is not installed"),
    ("tests/consumer/a/b.c", "#include <gangway/net/nowhere.h>\n", "is not installed"),
    bad("attic/more.h", "", "lies in no folder"),
]

if __name__ == "__main__":
    lint.main(check_example if "--self-test" in sys.argv else check, GOOD, BAD)
