"""tests/python/rules.py: Test cases for the limits of every packet, derived from the descriptors of the schema.

Shares no code with the generator, so that a mistake in it does not cancel out. The defaults are those of protocol/WIRE.md and proto/gw/policy.proto.

    for case in cases_of(game_pb2.Chat.DESCRIPTOR):
        send(case.body)  # expect CLOSE with case.reason, or no CLOSE when that is None
"""

import collections
import math
import struct

from google.protobuf.descriptor import FieldDescriptor as Field

from gw import options_pb2, policy_pb2

DEFAULT_BYTES, DEFAULT_LENGTH, DEFAULT_COUNT, UNKNOWN_MAX = 256, 64, 16, 16
UNKNOWN_NUMBER = 99999  # of a field that no schema has

Case = collections.namedtuple("Case", "what body reason")

VARINTS = {Field.TYPE_INT32: (32, True), Field.TYPE_INT64: (64, True), Field.TYPE_UINT32: (32, False),
           Field.TYPE_UINT64: (64, False), Field.TYPE_SINT32: (32, True), Field.TYPE_SINT64: (64, True)}
FIXED = {Field.TYPE_FIXED32: "<I", Field.TYPE_FIXED64: "<Q", Field.TYPE_SFIXED32: "<i", Field.TYPE_SFIXED64: "<q",
         Field.TYPE_FLOAT: "<f", Field.TYPE_DOUBLE: "<d"}
FLOATS = (Field.TYPE_FLOAT, Field.TYPE_DOUBLE)


def packet_policy(descriptor):
    return descriptor.GetOptions().Extensions[options_pb2.packet]


def field_policy(field):
    return field.GetOptions().Extensions[options_pb2.field]


def max_bytes(descriptor):
    return packet_policy(descriptor).max_bytes or DEFAULT_BYTES


def varint(value):
    value &= (1 << 64) - 1
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def with_length(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def encode(field, value):
    """One occurrence of a field."""
    if isinstance(value, bytes):
        return with_length(field.number, value)
    if field.type in FIXED:
        form = FIXED[field.type]
        return varint(field.number << 3 | (1 if struct.calcsize(form) == 8 else 5)) + struct.pack(form, value)
    if field.type in (Field.TYPE_SINT32, Field.TYPE_SINT64):
        value = value << 1 if value >= 0 else (-value << 1) - 1
    return varint(field.number << 3) + varint(value)


def ordinary(field):
    """A value that breaks no rule."""
    if field.type == Field.TYPE_MESSAGE:
        return base(field.message_type)
    if field.type in (Field.TYPE_STRING, Field.TYPE_BYTES):
        return b"a"
    if field_policy(field).HasField("range"):
        return int(field_policy(field).range.max)
    return 1


def base(descriptor, without=None):
    """A body with every field but `without`."""
    return b"".join(encode(field, ordinary(field)) for field in descriptor.fields if field is not without)


def padded(descriptor, length):
    """A valid body of exactly `length` bytes; None when that is impossible."""
    body = base(descriptor)
    key = varint(UNKNOWN_NUMBER << 3 | 2)
    for size_of_length in (1, 2):
        left = length - len(body) - len(key) - size_of_length
        if left >= 0 and len(varint(left)) == size_of_length:
            return body + key + varint(left) + b"x" * left
    return None


def values_of(field):
    """Pairs of a value and the close reason that it causes, or None."""
    policy = field_policy(field)
    if field.type in (Field.TYPE_STRING, Field.TYPE_BYTES):
        length = policy.max_length or DEFAULT_LENGTH
        yield b"a" * length, None
        yield b"a" * (length + 1), "BAD_BODY"
    if field.type == Field.TYPE_STRING and policy.utf8 != policy_pb2.OFF:
        yield "\u00e4".encode(), None
        for bad in b"\xff", b"a\0b", b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80":
            yield bad, "BAD_BODY"
    if policy.HasField("range"):
        step = 1 if field.type not in FLOATS else max(abs(policy.range.max), 1) * 1e-3
        whole = (lambda value: value) if field.type in FLOATS else int
        for good in policy.range.min, policy.range.max:
            yield whole(good), None
        yield whole(policy.range.min - step), "BAD_BODY"
        yield whole(policy.range.max + step), "BAD_BODY"
    if field.type in FLOATS and policy.finite != policy_pb2.OFF:
        for bad in math.inf, -math.inf, math.nan:
            yield bad, "BAD_BODY"
    if field.type == Field.TYPE_ENUM:
        numbers = [value.number for value in field.enum_type.values]
        yield max(numbers), None
        for bad in max(numbers) + 1, min(numbers) - 1:
            yield bad, None if policy.known == policy_pb2.OFF else "BAD_BODY"


def counts_of(field):
    """Pairs of a number of occurrences and the close reason that it causes, or None."""
    if field.label == Field.LABEL_REPEATED:
        count = field_policy(field).max_count or DEFAULT_COUNT
        yield count, None
        yield count + 1, "TOO_COMPLEX"
    elif field.type == Field.TYPE_MESSAGE:
        yield 2, "TOO_COMPLEX"


def field_cases(descriptor):
    for field in descriptor.fields:
        rest = base(descriptor, without=field)
        for value, reason in values_of(field):
            yield Case(f"{field.full_name} = {value!r}", rest + encode(field, value), reason)
        for count, reason in counts_of(field):
            yield Case(f"{field.full_name} {count} times", rest + encode(field, ordinary(field)) * count, reason)
        wrong_type = with_length(field.number, b"aaa") if field.type not in (
            Field.TYPE_STRING, Field.TYPE_BYTES, Field.TYPE_MESSAGE) else varint(field.number << 3) + b"\x01"
        if field.label != Field.LABEL_REPEATED:
            yield Case(f"{field.full_name} of another type", rest + wrong_type, "BAD_BODY")


def body_cases(descriptor):
    limit = max_bytes(descriptor)
    yield Case("every field", base(descriptor), None)
    for length, reason in (limit, None), (limit + 1, "TOO_LONG"):
        body = padded(descriptor, length)
        if body is not None:
            yield Case(f"{length} bytes", body, reason)
    yield Case("half a key", base(descriptor) + b"\x80", "BAD_BODY")
    unknown = varint(UNKNOWN_NUMBER << 3) + b"\x01"
    yield Case("few unknown fields", base(descriptor) + unknown * UNKNOWN_MAX, None)
    yield Case("too many unknown fields", base(descriptor) + unknown * (UNKNOWN_MAX + 1), "TOO_COMPLEX")


def cases_of(descriptor):
    """All cases that fit into max_bytes, and those that are one byte too long."""
    limit = max_bytes(descriptor)
    for case in [*body_cases(descriptor), *field_cases(descriptor)]:
        if len(case.body) <= limit or case.reason == "TOO_LONG":
            yield case
