"""Short names: they never overlap, do not depend on what a meter has, and lead back to what they name."""

from __future__ import annotations

from typing import Any

import pytest
from gurux_dlms.enums import ObjectType
from gurux_dlms.GXDLMS import GXDLMS

from host_tests.model_sources import make_model
from host_tests.test_cosem_objects import TYPES, ln
from meter.cosem import obis, short_names
from meter.cosem.class_table import CLASSES, span
from meter.cosem.definitions import MAX_ORDER, SETUPS, TABLE, TOTAL
from meter.metrology.networks import NETWORKS

# Facts page 3.4 and 3.8: where readers of this product family have seen them, and what the Green Book reserves
SEEN = {"0-0:1.0.0": 0x2BC0, "1-1:1.8.0": 0x1CE0, "1-0:99.1.0": 0x6270, "0-0:41.0.0": 0xFC00, "0-0:42.0.0": 0xFD00}
SEEN |= {"1-1:1.8.1": 0x0BB0, "1-1:1.8.2": 0x0C58}
RESERVED = (0xFA00, 0xFB00, 0xFE00)


def all_of(model: Any) -> list[Any]:
    """All objects, single harmonics too."""
    harmonics = []
    for c in (32, 52, 72, 31, 51, 71):
        for order in range(1, MAX_ORDER + 1):
            try:
                harmonics.append(model.find(f"{c}.7.{order}"))
            except KeyError:
                continue
    return [*model.objects(), *harmonics]


@pytest.mark.parametrize("designation", TYPES)
@pytest.mark.parametrize("network", NETWORKS)
def test_no_two_objects_share_a_name(designation: str, network: str) -> None:
    model = make_model(designation, {"network": network, "sum_channel_1": "a_import+a_export"})
    taken: dict[int, object] = {}
    for found in all_of(model):
        base = model.base_name(found)
        assert base % 8 == 0 and 0 < base < 0xFFF8
        for name in range(base, base + span(found.class_id), 8):
            assert name not in taken, (found.logical_name, hex(name))
            assert name & 0xFF00 not in RESERVED
            taken[name] = found


def test_names_are_the_same_in_every_meter() -> None:
    names: dict[bytes, int] = {}
    for designation in TYPES:
        for network in NETWORKS:
            model = make_model(designation, {"network": network})
            for found in model.objects():
                assert names.setdefault(found.logical_name, model.base_name(found)) == model.base_name(found)


@pytest.mark.parametrize("text", SEEN)
def test_names_that_readers_know_are_where_they_have_seen_them(text: str) -> None:
    model = make_model(TYPES[0])
    (found,) = [each for each in model.objects() if each.logical_name == ln(text)]
    assert model.base_name(found) == SEEN[text]


def test_the_clocks_time_is_where_a_real_reader_asks_for_it() -> None:
    """Facts page 3.4: 05 01 02 2B C8 reads it; 62 78 is the buffer of load profile 1."""
    model = make_model()
    found, attribute, method = model.by_short_name(0x2BC8)
    assert (found.class_id, attribute, method) == (8, 2, None)
    found, attribute, method = model.by_short_name(0x6278)
    assert (obis.short(found.logical_name), attribute, method) == ("P.1.0", 2, None)


@pytest.mark.parametrize("designation", TYPES)
def test_names_lead_back_to_attributes_and_methods(designation: str) -> None:
    model = make_model(designation)
    for found in all_of(model):
        base, first = model.base_name(found), CLASSES[found.class_id][3]
        wanted = {base + 8 * (n - 1): (n, None) for n in range(1, found.attributes + 1)}
        wanted |= {base + first + 8 * (n - 1): (None, n) for n in range(1, found.methods + 1)}
        for name in range(base, base + span(found.class_id)):
            if name in wanted:
                there, attribute, method = model.by_short_name(name)
                assert (there.logical_name, attribute, method) == (found.logical_name, *wanted[name])
            else:
                with pytest.raises(KeyError):
                    model.by_short_name(name)


def test_any_other_name_is_unknown() -> None:
    model = make_model(TYPES[1])
    known = 0
    for name in range(0, 0x10000, 8):
        try:
            found, attribute, method = model.by_short_name(name)
        except KeyError:
            continue
        known += 1
        base = model.base_name(found)
        assert name == base + (8 * (attribute - 1) if attribute else CLASSES[found.class_id][3] + 8 * (method - 1))
    assert known == sum(found.attributes + found.methods for found in all_of(model))


def test_methods_lie_behind_attributes_where_gurux_has_them() -> None:
    for class_id in (9, 11, 18, 20, 40, 42, 70):  # the others it mixes up, or has in another version
        _, _, methods, offset = CLASSES[class_id]
        first, count = [0], [0]
        GXDLMS.getActionInfo(ObjectType(class_id), first, count)
        assert (offset, len(methods)) == (first[0], count[0]), class_id
    for _, attributes, methods, offset in CLASSES.values():
        assert not methods or offset >= 8 * (len(attributes) + 1)


@pytest.mark.parametrize(
    ("class_id", "offset"),
    [(3, 0x28), (4, 0x38), (5, 0x48), (6, 0x30), (7, 0x58), (8, 0x60), (9, 0x20), (11, 0x10), (20, 0x50)],
)
def test_methods_lie_where_the_facts_page_has_them(class_id: int, offset: int) -> None:
    assert CLASSES[class_id][3] == offset


def test_rows_and_regions_have_room() -> None:
    assert short_names.of_row(TABLE[-1], TOTAL) + 0x30 <= 0x8500
    phases = [row for row in TABLE if row[1] in ("energy", "actual", "thd")]
    assert short_names.of_row(phases[-1], 2) + 0x30 <= 0x9A00
    assert short_names.of_setup(SETUPS[-1]) + 0x90 <= 0xBA00
    assert short_names.of_register(10, 29, 0) + 0x30 <= 0xFA00
    assert short_names.of_harmonic("i", 2, MAX_ORDER) + 0x30 <= 0x6270
    assert all(span(row[1]) <= 0x90 for row in SETUPS)
    assert short_names.of_parameter(255) + 0x10 <= 0x1CE0
    assert short_names.of_row(TABLE[5], TOTAL) == 0x1CE0
