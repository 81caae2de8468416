"""The whole object model under MicroPython with a small heap: the same bytes as from CPython, and what objects cost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from host_tests.gurux_objects import encoded
from host_tests.interpreters import on_micropython
from host_tests.model_sources import make_model
from host_tests.test_cosem_objects import FULL, TYPES
from tools import object_heap
from tools.bench.process import ROOT

HEAP = "800K"  # with the compiler at work in it

PRELUDE = """
import binascii, json, sys
sys.path[:0] = [{firmware!r}, {tests!r}]
from model_sources import make_model
from meter.comms.dlms import axdr
model = make_model({type!r}, {values!r})
"""
ENCODE = """
for found in model.objects():
    base = model.base_name(found)
    out = bytearray()
    for n in range(1, found.attributes + 1):
        axdr.encode(out, found.spec(n), found.get(n))
        again, attribute, method = model.by_short_name(base + 8 * (n - 1))
        assert (again.logical_name, attribute, method) == (found.logical_name, n, None)
    assert model.get(found.class_id, found.logical_name).class_id == found.class_id
    print("%d %d %d %s" % (found.class_id, base, len(out), binascii.hexlify(out).decode()))
"""
CHANGE = """
from meter.cosem import obis
from meter.parameters import ParameterRefused
said = []
def attempt(class_id, code, n, value):
    found = model.get(class_id, bytes(obis.parse(code)))
    try:
        found.set(n, value)
        got = found.get(n)
        said.append(list(got) if isinstance(got, bytes) else got)
    except (KeyError, ValueError, ParameterRefused) as refused:
        said.append(type(refused).__name__)
attempt(19, "0-0:20.0.0", 6, b"0815")
attempt(19, "0-0:20.0.0", 5, 0)
attempt(19, "0-0:20.0.0", 5, 2)
attempt(19, "0-0:20.0.0", 4, 7)
attempt(23, "0-0:22.0.0", 9, 17)
attempt(1, "0-0:96.61.5", 2, 61)
attempt(1, "0-0:96.61.5", 2, 60)
attempt(8, "0-0:1.0.0", 2, b"\\x07\\xea\\x02\\x1d\\xff\\x0c\\x00\\x00\\x00\\x80\\x00\\xff")
attempt(8, "0-0:1.0.0", 2, b"\\x07\\xec\\x02\\x1d\\xff\\x0c\\x00\\x00\\xff\\x80\\x00\\xff")
attempt(3, "1.8.0", 2, 5)
print(json.dumps(said))
"""


def run(script: str, designation: str, values: dict[str, object] | None = None) -> str:
    text = PRELUDE.format(
        firmware=str(ROOT / "firmware"), tests=str(ROOT / "host_tests"), type=designation, values=values or {}
    )
    printed = on_micropython(text + script, HEAP)
    return printed


@pytest.mark.parametrize("designation", TYPES[:4])
def test_every_object_has_the_same_bytes_from_micropython(designation: str) -> None:
    model = make_model(designation)
    expected = []
    for found in model.objects():
        data = b"".join(encoded(found.spec(n), found.get(n)) for n in range(1, found.attributes + 1))
        expected.append(f"{found.class_id} {model.base_name(found)} {len(data)} {data.hex()}")
    assert run(ENCODE, designation).splitlines() == expected


def test_attributes_are_changed_and_refused_alike() -> None:
    said: list[Any] = json.loads(run(CHANGE, FULL))
    refused = ["ValueError", "ParameterRefused"]
    assert said[:7] == [[*b"0815"], 0, *refused, 17, "ParameterRefused", 60]
    assert said[7:] == ["ValueError", [7, 236, 2, 29, 2, 12, 0, 0, 0, 0, 0, 0], "KeyError"]


def test_objects_and_the_model_stay_small() -> None:
    """Bytes on the 64-bit port, twice those of a 32-bit target. The figures are in the README of meter/cosem."""
    sizes = object_heap.measure()
    assert sizes["model"][1] < 6_000
    means = {name: size / count for name, (count, size) in sizes.items()}
    assert means["1"] < 500 and means["3"] < 620 and max(means[name] for name in means if name != "model") < 2_000
    assert "mean of the objects" in object_heap.report(sizes)
