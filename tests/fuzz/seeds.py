"""tests/fuzz/seeds.py SEEDS FOLDER | --descriptor-set FILE FOLDER: a folder of seeds, one file each, and their paths in FOLDER.list.

SEEDS is what the generator writes: a name and bytes in hexadecimal in each line. A descriptor set becomes
one seed for each thing that the generator can make of it.
"""

import pathlib
import sys

WAYS = 6  # see fuzz_generator.c
ENOUGH_MEMORY, NO_MEMORY = b"\xff", b"\x00"


def bodies(path):
    """Twice: fuzz_body.c takes the last byte for how often there is memory."""
    for line in pathlib.Path(path).read_text().splitlines():
        if line and line[0] != "#":
            name, content = line.split(" ")
            yield name, bytes.fromhex(content) + ENOUGH_MEMORY
            yield name + "-without", bytes.fromhex(content) + NO_MEMORY


def sets(path):
    for way in range(WAYS):
        yield str(way), bytes([way]) + pathlib.Path(path).read_bytes()


def main():
    seeds = sets(sys.argv[2]) if sys.argv[1] == "--descriptor-set" else bodies(sys.argv[1])
    folder = pathlib.Path(sys.argv[-1])
    folder.mkdir(parents=True, exist_ok=True)
    paths = [(folder / name, content) for name, content in seeds]
    for path, content in paths:
        path.write_bytes(content)
    folder.with_suffix(".list").write_text("".join(f"{path}\n" for path, _ in paths))


if __name__ == "__main__":
    main()
