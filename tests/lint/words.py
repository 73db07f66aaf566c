"""tests/lint/words.py TREE: Check for words that this project does not use.

Each row is a pattern and the standard terms that replace it. A line that must show such a word (an example, a
quotation) goes into EXCEPTIONS.
"""

import pathlib
import re

import lint

# A word also counts as part of an identifier: tally, tallies, gw_tally, TALLY_COUNT.
BEGIN, END = r"(?<![A-Za-z])", r"(?![A-Za-z])"

# (words, instead). The words are alternatives of one regular expression, in lower case.
WORDS = [
    (r"crews?", "workers, worker threads"),
    (r"houses?", "the library, the server"),
    (r"doors?", "listener; in session: admission"),
    (r"(?<![\"'$])homes?", "lane, completed"),
    (r"journeys?", "transition"),
    (r"errands?", "posted tasks"),
    (r"tally|tallies|tallied", "counter, counters"),
    (r"visitors?|strangers?|not_a_player", "foreign protocol, unauthenticated connection"),
    (r"farewells?|last[ _]words", "close frame"),
    (r"torn", "partial"),
    (r"lend|lends|lent|settle|settles|settled|bridge|seam", "borrow, commit, bounce buffer, wrap"),
    (r"deaf|hurry|hurries", "receive closed; set a deadline"),
    (r"buf_kind|batch_kind|kind_begin", "coalescing key"),
    (r"shapes?", "field rules"),
    (r"scan|scans|scanned", "validate"),
    (r"judges?|judged|judging|verdicts?", "check, result"),
    (r"attempts?|attempted", "try, tries"),
    (r"chances?", "random"),
    (r"(?<!in )(?<!in-)(?<!in_)flights?", "overlapped operation; or: in flight"),
    (r"mails?", "room command"),
    (r"towns?|(?<!\")(?<!')halls?(?!\")(?!')|puppets?|rigs?|life|story|stories|party_\w+", "what the fixture is"),
    (r"nought|whoever|such a one|by itself", "0; the name of the thing"),
    (r"hears?|heard", "receive"),
    (r"(?:is|are|was|were|be|been) told|tells", "send, report"),
    (r"group_say|group_tell|stream_place|take_place|give_place|place_none", "broadcast, send, reservation, index"),
    (r"(?<=_)held|held(?=_)", "throttled, referenced, buffered"),
    # Not in names of the packets Who and WhoIsHere: GAME_PACKET_WHO_IS_HERE, game__who__descriptor.
    (r"(?<!_)who(?=_\w)(?!_is_here)|(?<=_)who(?=_)(?!_is_here|__)", "the client, the session, the caller, the thing's name"),
]
PATTERNS = [(re.compile(f"{BEGIN}(?:{words}){END}", re.IGNORECASE), instead) for words, instead in WORDS]
# "who" for a client or an object; not the packet Who, nor a variable of that name.
PATTERNS.append((re.compile(r"(?<![\w./\"'`&-])who(?![\w./\"'`(-]| = )"), "the client, the session, the caller"))

# Files that are not checked.
NOT_READ = {pathlib.Path("tests/lint/words.py"), pathlib.Path("LICENSE")}
# (path, words of the line, reason).
EXCEPTIONS = [("proto/PROTOCOL.md", "[Who](#who)", "the anchor of the packet Who")]


def is_exception(path, line):
    return any(str(path) == where and words in line for where, words, _ in EXCEPTIONS)


def check(tree):
    findings = []
    for path in lint.files(tree):
        data = (pathlib.Path(tree) / path).read_bytes()
        if path in NOT_READ or b"\0" in data or path.suffix in (".json", ".svg", ".bin"):
            continue
        for number, line in enumerate([str(path), *data.decode(errors="replace").splitlines()]):
            if is_exception(path, line):
                continue
            for pattern, instead in PATTERNS:
                if found := pattern.search(line):
                    findings.append(f"{path}:{number}: '{found.group(0)}': write {instead}")
    return findings


GOOD = {
    "net/a.c": "/* net/a.c: Operations in flight. */\nint gw_counter;\n",
    "README.md": "A player enters \"hall\" and sends Who.\n",
}
# An example of each row, in the order of WORDS; BAD adds other kinds of files.
EXAMPLES = ["int gw_crew;", "the house", "/* a door */", "turn->home", "one journey", "run_errand();", "GW_TALLY_COUNT", "a visitor",
            "gw__farewell();", "bool torn;", "gw_ring_lend();", "is_deaf", "gw__buf_kind", "struct gw_shape a;", "gw_scan_body",
            "a verdict", "an attempt", "chance_below();", "struct flight *flight;", "room_mail", "struct puppet a;", "whoever comes",
            "what a client hears", "a client is told", "gw_group_say", "held_ms", "static void who_is_silent_is_closed(void)"]
BAD = [("net/a.c", f"{line}\n", "net/a.c:1: '") for line in EXAMPLES] + [
    ("net/a.c", "/* net/a.c: who is silent is closed. */\n", "net/a.c:1: 'who'"),
    ("net/crew.c", "int a;\n", "net/crew.c:0: 'crew'"),
    ("README.md", "Whoever sends more is closed.\n", "'Whoever'"),
    ("tests/hall.c", "int hall_open(void);\n", "'hall'"),
    ("proto/a.proto", "NOT_A_PLAYER = 29;\n", "'NOT_A_PLAYER'"),
]
assert len(EXAMPLES) == len(WORDS)

if __name__ == "__main__":
    lint.main(check, GOOD, BAD)
