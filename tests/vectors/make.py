"""tests/vectors/make.py: Makes frames.json, the vectors that clients in C, Python and JavaScript replay.

    tests/vectors/make.py              writes frames.json
    tests/vectors/make.py --check      fails if it would change, and replays it with tests/python/gangway.py
    tests/vectors/make.py --c FILE     writes the vectors as an initializer for test_vectors.c

The official runtime of Python encodes and decodes all of them. An entry has

    name      what it shows
    message   the full name of the message
    hex       the frame
    id, tag, flags
    fields    what the body means; absent when no runtime may accept it
    writes    the body that a runtime writes for these fields, if that is not the body of the frame

In `fields` are all fields that are set. {"int": "5"} is a number of 64 bits, {"bytes": "00ff"} are bytes,
{"float": "nan"} is a number that JSON does not have, {"map": [[key, value]]} is a map.
"""

import argparse
import json
import math
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FILE = HERE / "frames.json"
SCHEMAS = ["gw/policy.proto", "gw/options.proto", "gw/control.proto", "game/game.proto", "vectors.proto"]

sys.dont_write_bytecode = True
with tempfile.TemporaryDirectory() as modules:
    subprocess.run(["protoc", f"-I{ROOT / 'proto'}", f"-I{HERE}", f"--python_out={modules}", *SCHEMAS], check=True)
    sys.path[:0] = [modules, str(ROOT / "tests/python")]
    import gangway
    import vectors_pb2
    from game import game_pb2
    from gw import control_pb2, options_pb2
from google.protobuf.descriptor import FieldDescriptor as Field
from google.protobuf.message import DecodeError

Every, Leaf = vectors_pb2.Every, vectors_pb2.Leaf
REPLY, ERROR = gangway.REPLY, gangway.ERROR
WIDE = {Field.CPPTYPE_INT64, Field.CPPTYPE_UINT64}
FLOATING = {Field.CPPTYPE_DOUBLE, Field.CPPTYPE_FLOAT}

WRITTEN = [
    ("hello", control_pb2.Hello(protocol_major=1, schema_hash=0x0123456789ABCDEF, client_build="build 7", name="Ann \u263a",
                                credentials=b"\0\xff\x80"), gangway.HELLO_TAG, 0),
    ("hello with the name alone", control_pb2.Hello(protocol_major=1, name="Ann"), gangway.HELLO_TAG, 0),
    ("hello ack", control_pb2.HelloAck(session_id=2**64 - 1, schema_hash=1, heartbeat_ms=10000, body_bytes_max=4096),
     gangway.HELLO_TAG, REPLY),
    ("ping", control_pb2.Ping(stamp=0xFEDCBA9876543210), 0, 0),
    ("pong without a stamp", control_pb2.Pong(), 0, 0),
    ("close", control_pb2.Close(reason=control_pb2.KICKED, text="bye"), 0, 0),
    ("close with a reason that the schema does not have", control_pb2.Close(reason=1234), 0, 0),
    ("goaway", control_pb2.GoAway(deadline_ms=2000, retry_min_ms=100, retry_max_ms=2**32 - 1), 0, 0),
    ("error", control_pb2.Error(code=control_pb2.REFUSED, text="busy"), 65535, REPLY | ERROR),
    ("a request", game_pb2.Enter(room="hall"), 1, 0),
    ("chat of code points of 1 to 4 bytes", game_pb2.Chat(text="a\u00e9\u263a\U0001F600"), 0, 0),
    ("a packet without fields", game_pb2.Leave(), 0, 0),
    ("a reply without fields", game_pb2.Left(), 7, REPLY),
    ("move to negative positions", game_pb2.Move(x=-1, y=-1000000), 0, 0),
    ("move to 0 and 64", game_pb2.Move(x=0, y=64), 0, 0),
    ("entered", game_pb2.Entered(result=game_pb2.ROOM_FULL, room="hall", line=2**63, members=[
        game_pb2.Member(player=1 << 32, name="Ann", x=-1, y=1), game_pb2.Member()]), 258, REPLY),
    ("a snapshot of 100 positions", game_pb2.Snapshot(positions=[
        game_pb2.Position(player=(1 << 32) + index, x=17 * index - 900, y=900 - 13 * index) for index in range(100)]), 0, 0),
    ("a text of 127 bytes", Every(text="a" * 127), 0, 0),
    ("a text of 128 bytes", Every(text="a" * 128), 0, 0),
    ("an inner message of 128 bytes", Every(leaf=Leaf(text="a" * 126)), 0, 0),
    ("a text with a byte order mark", Every(text="\ufeffa"), 0, 0),
    ("every number at its maximum", Every(
        d=1.7976931348623157e308, f=3.4028234663852886e38, i32=2**31 - 1, i64=2**63 - 1, u32=2**32 - 1, u64=2**64 - 1,
        s32=2**31 - 1, s64=2**63 - 1, f32=2**32 - 1, f64=2**64 - 1, sf32=2**31 - 1, sf64=2**63 - 1, yes=True), 0, 0),
    ("every number at its minimum", Every(
        d=-1.7976931348623157e308, f=-3.4028234663852886e38, i32=-2**31, i64=-2**63, s32=-2**31, s64=-2**63, sf32=-2**31,
        sf64=-2**63), 0, 0),
    ("every number small", Every(d=5e-324, f=1.401298464324817e-45, i32=-1, i64=-1, u32=1, u64=1, s32=-1, s64=-1, f32=1, f64=1,
                                 sf32=-1, sf64=-1), 0, 0),
    ("numbers at the borders of a varint", Every(many_u64=[2**bits + more for bits in range(7, 64, 7) for more in (-1, 0)] +
                                                 [2**32 - 1, 2**32, 2**53, 2**53 + 1]), 0, 0),
    ("signed numbers at the borders of 32 bits", Every(many_s64=[2**31 - 1, -2**31, 2**31, -2**31 - 1, 2**32, -2**32, 0]), 0, 0),
    ("infinite", Every(d=math.inf, f=-math.inf), 0, 0),
    ("not a number", Every(d=math.nan, f=math.nan), 0, 0),
    ("minus 0 is sent", Every(d=-0.0, f=-0.0), 0, 0),
    ("a float that has no short decimal form", Every(f=struct.unpack("<f", struct.pack("<f", 0.1))[0]), 0, 0),
    ("enums, also a negative and an unknown one", Every(colour=vectors_pb2.BEYOND, colours=[1, 0, -5, 77]), 0, 0),
    ("an empty inner message is there", Every(leaf=Leaf()), 0, 0),
    ("a member of a oneof is sent as 0", Every(first=0), 0, 0),
    ("a message in a oneof", Every(second=Leaf(value=-64)), 0, 0),
    ("an empty text in a oneof", Every(third=""), 0, 0),
    ("lists of numbers are packed", Every(many_d=[0.5, -0.0], many_i32=[0, -1, 300], many_s64=[-1], many_yes=[True, False],
                                          many_f32=[7, 0]), 0, 0),
    ("a list that is not packed", Every(loose=[0, -1, 64]), 0, 0),
    ("lists with empty elements", Every(texts=["", "a", ""], datas=[b"", b"\0"], leaves=[Leaf(), Leaf(value=1)]), 0, 0),
    ("maps", Every(by_name={"a": Leaf(value=1), "b": Leaf(text="x")}, by_number={7: "seven", 12: "twelve"}, by_id={2**64 - 1: True}), 0, 0),
    ("a map with a negative key", Every(by_number={-1: "minus"}), 0, 0),
    ("maps with keys and values of 0", Every(by_name={"": Leaf()}, by_number={0: ""}, by_id={0: False}), 0, 0),
    ("the highest number of a field", Every(far=1), 0, 0),
]

READ = [  # bodies that runtimes read but do not write
    ("numbers that are packed although they need not be", Every, "da0102 0001"),
    ("numbers that are not packed", Every, "b00101 b00102 b20101 03"),
    ("a list of numbers in two pieces", Every, "b20102 0102 b20101 03"),
    ("fields in another order", game_pb2.Move, "1002 1801"),
    ("a field twice: the last one counts", game_pb2.Move, "0802 0804"),
    ("a message twice is merged", Every, "8a01 02 0802 8a01 03 120161"),
    ("the last member of a oneof counts", Every, "900105 9a0102 0802"),
    ("a message in a oneof twice is merged", Every, "9a0102 0802 9a0103 120161"),
    ("another member between two of a message", Every, "9a0102 0802 900105 9a0103 120161"),
    ("a varint that is longer than it must be", game_pb2.Move, "08 82808000"),
    ("a varint of ten bytes for 32 bits", Every, "18 ffffffffffffffffff01"),
    ("more than 32 bits for 32 bits", Every, "28 8180808010"),
    ("a bool of 2", Every, "6802"),
    ("unknown fields of every wire type", game_pb2.Move, "9806 8001 9906 0102030405060708 9a0602 ffff 9d06 01020304 0802"),
    ("an unknown group with a group inside", game_pb2.Move, "9b06 9b06 08ff01 9c06 9c06 0802"),
    ("a field of another wire type is unknown", game_pb2.Move, "0a0101 0d00000000 1004"),
    ("an entry of a map without key and value", Every, "8a0200"),
    ("a key of a map twice: the last value counts", Every, "8a0205 0801 120161 8a0205 0801 120162"),
    ("a value of a map before its key", Every, "8a0205 120161 0801"),
]

REFUSED = [  # bodies that no runtime accepts
    ("a number that ends early", game_pb2.Move, "08"),
    ("a varint that ends early", game_pb2.Move, "0880"),
    ("a varint of eleven bytes", game_pb2.Move, "08 8080808080808080808001"),
    ("a text longer than the body", game_pb2.Chat, "0a0561"),
    ("an inner message longer than the body", game_pb2.Snapshot, "0a0509"),
    ("a field that ends beyond its message", game_pb2.Snapshot, "0a020901 0000000000000000"),
    ("a list that ends within a number", Every, "ca0103 070000"),
    ("eight bytes that end early", game_pb2.Gone, "09 01020304"),
    ("an unknown field that ends early", game_pb2.Move, "9a0605 00"),
    ("the wire type 7", game_pb2.Move, "0f"),
]


def value_of(field, value):
    if field.cpp_type == Field.CPPTYPE_MESSAGE:
        return fields_of(value)
    if field.type == Field.TYPE_BYTES:
        return {"bytes": value.hex()}
    if field.cpp_type in WIDE:
        return {"int": str(value)}
    if field.cpp_type in FLOATING and (not math.isfinite(value) or (value == 0 and math.copysign(1, value) < 0)):
        return {"float": "nan" if math.isnan(value) else "-0" if value == 0 else str(value)}
    return value


def is_map(field):
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def fields_of(message):
    fields = {}
    for field, value in message.ListFields():
        if is_map(field):
            key, inner = field.message_type.fields_by_name["key"], field.message_type.fields_by_name["value"]
            fields[field.name] = {"map": [[value_of(key, one), value_of(inner, value[one])] for one in sorted(value)]}
        elif field.label == Field.LABEL_REPEATED:
            fields[field.name] = [value_of(field, one) for one in value]
        else:
            fields[field.name] = value_of(field, value)
    return fields


def packet_id(message):
    return message.DESCRIPTOR.GetOptions().Extensions[options_pb2.packet].id


def frame(name, message_type, body, tag=0, flags=0):
    head = gangway.header(len(body), flags, packet_id(message_type), tag)
    return {"name": name, "message": message_type.DESCRIPTOR.full_name, "hex": (head + body).hex(), "id": packet_id(message_type),
            "tag": tag, "flags": flags}


def read(message_type, body):
    message = message_type.FromString(body)
    message.DiscardUnknownFields()
    return message


def entries():
    for name, message, tag, flags in WRITTEN:
        body = message.SerializeToString(deterministic=True)
        yield {**frame(name, type(message), body, tag, flags), "fields": fields_of(read(type(message), body))}
    for name, message_type, text in READ:
        body = bytes.fromhex(text.replace(" ", ""))
        message = read(message_type, body)
        yield {**frame(name, message_type, body), "fields": fields_of(message), "writes": message.SerializeToString(deterministic=True).hex()}
    for name, message_type, text in REFUSED:
        body = bytes.fromhex(text.replace(" ", ""))
        try:
            message_type.FromString(body)
        except DecodeError:
            yield frame(name, message_type, body)
        else:
            raise AssertionError(f"{name}: was read")


def text_of_value(field, value):
    if field.cpp_type == Field.CPPTYPE_MESSAGE:
        return f"{{{text_of(value)}}}"
    if field.type in (Field.TYPE_BYTES, Field.TYPE_STRING):
        return (value if field.type == Field.TYPE_BYTES else value.encode()).hex()
    if field.type == Field.TYPE_DOUBLE:
        return struct.pack(">d", value).hex()
    if field.type == Field.TYPE_FLOAT:
        return struct.pack(">f", value).hex()
    return str(int(value))


def text_of_entry(field, key, value):
    """As of a message: protobuf-c reads the entries of a map as messages, and has no presence in them."""
    parts = []
    for name, one in (("key", key), ("value", value)):
        inner = field.message_type.fields_by_name[name]
        if inner.cpp_type == Field.CPPTYPE_MESSAGE or one:
            parts.append(f"{name}={text_of_value(inner, one)}")
    return "{" + " ".join(parts) + "}"


def text_of(message):
    """The fields as test_vectors.c prints them."""
    parts = []
    for field, value in message.ListFields():
        if is_map(field):
            text = "[" + " ".join(text_of_entry(field, key, value[key]) for key in sorted(value)) + "]"
        elif field.label == Field.LABEL_REPEATED:
            text = "[" + " ".join(text_of_value(field, one) for one in value) + "]"
        else:
            text = text_of_value(field, value)
        parts.append(f"{field.name}={text}")
    return " ".join(parts)


def classes():
    return {one.DESCRIPTOR.full_name: one for module in (control_pb2, game_pb2, vectors_pb2)
            for one in (getattr(module, name) for name in module.DESCRIPTOR.message_types_by_name)}


def c_lines(vectors):
    """Rows of struct vector."""
    for one in vectors:
        message_type = classes()[one["message"]]
        package, name = one["message"].split(".")
        symbol = f"{package}__" + re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()
        body = bytes.fromhex(one["hex"])[gangway.HEADER_BYTES:]
        text = "NULL" if "fields" not in one else '"' + text_of(read(message_type, body)) + '"'
        writes = one.get("writes", body.hex())
        yield (f'{{"{one["name"]}", &{symbol}__descriptor, "{one["hex"]}", {one["id"]}, {one["tag"]}, {one["flags"]}, '
               f'{text}, "{writes}"}},\n')


def replay(vectors):
    """With the client of the tests in Python."""
    for one in vectors:
        data = bytes.fromhex(one["hex"])
        if "fields" in one and not one["message"].startswith("vectors."):
            received = gangway.Frame(data[:gangway.HEADER_BYTES], data[gangway.HEADER_BYTES:])
            received.message.DiscardUnknownFields()
            assert (received.tag, received.flags, fields_of(received.message)) == (one["tag"], one["flags"], one["fields"]), one
            if "writes" not in one:
                assert gangway.encode(received.message, one["flags"], one["tag"]) == data, one


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--c", metavar="FILE")
    options = parser.parse_args()
    vectors = list(entries())
    text = "[\n" + ",\n".join(json.dumps(one, allow_nan=False) for one in vectors) + "\n]\n"
    if options.c:
        pathlib.Path(options.c).write_text("".join(c_lines(vectors)))
    elif options.check:
        if FILE.read_text() != text:
            sys.exit(f"{FILE} is old: run tests/vectors/make.py")
        replay(json.loads(FILE.read_text()))
        print(f"{len(vectors)} vectors replayed")
    else:
        FILE.write_text(text)


if __name__ == "__main__":
    main()
