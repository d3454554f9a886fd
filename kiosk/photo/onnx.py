"""An ONNX file with fewer graph inputs than its publishers left in it.

The published SFace lists each of its 174 weights as an input of the graph besides the picture, as
ONNX had it before version 4 of its format. OpenCV 5 refuses to run such a graph until every one of
them is given. Taking them out of the list of inputs changes nothing else: the weights stay where
they are. An ONNX file is one protobuf message, so this takes no more than walking through its
fields; the package `onnx` is not needed, which would bring a second protobuf.

Numbers of fields are those of onnx.proto: ModelProto.graph = 7, GraphProto.input = 11,
ValueInfoProto.name = 1.
"""

from __future__ import annotations

from collections.abc import Iterator

_GRAPH, _INPUT, _NAME = 7, 11, 1
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def with_one_input(model: bytes, name: str) -> bytes:
    """The same model whose graph has only the input `name`. Raises `ValueError` for what is no
    protobuf message, or has no such input."""
    out = bytearray()
    found = False
    for number, content, raw in _fields(memoryview(model)):
        if number != _GRAPH:
            out += raw
            continue
        graph = bytearray()
        for part, value, part_raw in _fields(content):
            if part == _INPUT and _name(value) != name.encode():
                continue
            found |= part == _INPUT
            graph += part_raw
        out += _varint(_GRAPH << 3 | _BYTES) + _varint(len(graph)) + graph
    if not found:
        raise ValueError(f"the graph has no input {name!r}")
    return bytes(out)


def _name(value_info: memoryview) -> bytes:
    return next((bytes(value) for part, value, _ in _fields(value_info) if part == _NAME), b"")


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview, memoryview]]:
    """(number, content, all bytes of the field) one after the other; content is empty for what
    is not length-delimited."""
    at = 0
    while at < len(message):
        start = at
        tag, at = _read_varint(message, at)
        kind, content = tag & 7, message[:0]
        if kind == _VARINT:
            _, at = _read_varint(message, at)
        elif kind == _BYTES:
            length, at = _read_varint(message, at)
            content, at = message[at : at + length], at + length
        elif kind in (_FIXED32, _FIXED64):
            at += 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"wire type {kind}")
        if at > len(message):
            raise ValueError("the message ends in the middle of a field")
        yield tag >> 3, content, message[start:at]


def _read_varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(message) or shift > 63:
            raise ValueError("a number without an end")
        byte, at = message[at], at + 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
