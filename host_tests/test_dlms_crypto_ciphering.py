"""Ciphered APDUs against vectors, against clients nobody here wrote, and against whoever tampers with them."""

from __future__ import annotations

import json
import random
from itertools import product

import pytest
from dlms_cosem import security as cosem
from gurux_dlms.AesGcmParameter import AesGcmParameter
from gurux_dlms.enums.Security import Security
from gurux_dlms.GXByteBuffer import GXByteBuffer
from gurux_dlms.GXDLMSChippering import GXDLMSChippering
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from host_tests.interpreters import on_micropython
from meter.comms.dlms import ciphering as c
from meter.comms.dlms.ciphering import AUTHENTICATED, BROADCAST, ENCRYPTED, CipheringError, KeyInUse, Protection
from meter.comms.dlms.counters import PassingCounter
from tools.bench.process import ROOT

EK, AK = bytes(range(16)), bytes(range(0xD0, 0xE0))
METER, CLIENT = bytes.fromhex("4D4D4D0000BC614E"), bytes.fromhex("4D4D4D0000000001")
GET = bytes.fromhex("C0010000080000010000FF0200")
BOTH = AUTHENTICATED | ENCRYPTED
# The example of the Green Book (ed. 7, 9.2.7.2.4.1), from the meter-side title
GREEN_BOOK = {
    0x30: "C81E3001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B",
    0x10: "C81E1001234567C0010000080000010000FF020006725D910F9221D263877516",
    0x20: "C8122001234567411312FF935A47566827C467BC",
}
# Plain, global, dedicated: IEC 62056-5-3, the XDLMS-APDU choice
TAGS = [
    (0x01, 33, 65), (0x05, 37, 69), (0x06, 38, 70), (0x08, 40, 72), (0x0C, 44, 76), (0x0D, 45, 77), (0x0E, 46, 78),
    (0x16, 54, 86), (0x18, 56, 88), (0xC0, 200, 208), (0xC1, 201, 209), (0xC2, 202, 210), (0xC3, 203, 211),
    (0xC4, 204, 212), (0xC5, 205, 213), (0xC7, 207, 215),
]  # fmt: skip


def protection(own: bytes, peer: bytes | None, key: bytes = EK, least: int = 0) -> Protection:
    received = PassingCounter()
    received.least = least
    return Protection(own, peer, KeyInUse(key, received), AK)


def pair(least: int = 0) -> tuple[Protection, Protection]:
    """(client, meter) with all keys."""
    client, meter = protection(CLIENT, METER), protection(METER, CLIENT, least=least)
    for side in (client, meter):
        side.broadcast = KeyInUse(b"B" * 16, PassingCounter())
        side.dedicated = KeyInUse(b"D" * 16, PassingCounter())
    return client, meter


def refused(side: Protection, data: bytes | bytearray) -> int:
    """Why, after seeing that nothing has changed."""
    keys = [key for key in (side.unicast, side.broadcast, side.dedicated) if key is not None]
    before = [key.received.least for key in keys], side.peer_title, list(side._unproven)
    with pytest.raises(CipheringError) as caught:
        side.unprotect(data)
    assert ([key.received.least for key in keys], side.peer_title, list(side._unproven)) == before
    return caught.value.reason


# --- what others say ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sc", GREEN_BOOK)
def test_the_green_books_example(sc: int) -> None:
    whole = bytes.fromhex(GREEN_BOOK[sc])
    assert protection(METER, CLIENT).protect(GET, sc, 0x01234567) == whole
    assert protection(CLIENT, METER).unprotect(whole) == (GET, sc, 0x01234567)


def gurux(tag: int, title: bytes, security: Security, counter: int, apdu: bytes, key: bytes = EK) -> bytes:
    parameter = AesGcmParameter(tag, title, key, AK)
    parameter.security, parameter.invocationCounter = security, counter
    return bytes(GXDLMSChippering.encryptAesGcm(parameter, apdu))


@pytest.mark.parametrize("security", [Security.AUTHENTICATION, Security.ENCRYPTION, Security.AUTHENTICATION_ENCRYPTION])
@pytest.mark.parametrize("way", [c.GLOBAL, c.DEDICATED, c.GENERAL_GLOBAL, c.GENERAL_DEDICATED])
def test_gurux_ciphers_alike_in_every_way(security: Security, way: int) -> None:
    source, (client, meter) = random.Random(3), pair()
    key = EK if way in (c.GLOBAL, c.GENERAL_GLOBAL) else b"D" * 16
    for counter, length in enumerate((1, 13, 16, 100, 109, 127, 128, 240, 256, 1200, 4000), 1):
        apdu = b"\xc0" + source.randbytes(length - 1)
        tag = {c.GLOBAL: 0xC8, c.DEDICATED: 0xD0, c.GENERAL_GLOBAL: 0xDB, c.GENERAL_DEDICATED: 0xDC}[way]
        whole = gurux(tag, CLIENT, security, counter, apdu, key)
        assert client.protect(apdu, int(security), counter, way) == whole
        assert meter.unprotect(whole) == (apdu, int(security), counter)


@pytest.mark.parametrize("way", [c.GLOBAL, c.GENERAL_GLOBAL])
@pytest.mark.parametrize("sc", [AUTHENTICATED, BOTH])
def test_gurux_deciphers_what_the_meter_sends(sc: int, way: int) -> None:
    apdu = b"\xc4" + random.Random(4).randbytes(299)
    whole = protection(METER, CLIENT).protect(apdu, sc, 0xFFFF_FFFE, way)
    parameter = AesGcmParameter(0, METER, EK, AK)
    assert bytes(GXDLMSChippering.decryptAesGcm(None, parameter, GXByteBuffer(bytes(whole)))) == apdu
    assert parameter.invocationCounter == 0xFFFF_FFFE


def test_dlms_cosem_ciphers_alike() -> None:
    control = cosem.SecurityControlField(0, authenticated=True, encrypted=True)
    apdu = b"\xc4" + random.Random(5).randbytes(99)
    text = cosem.encrypt(control, METER, 77, EK, apdu, AK)
    assert protection(METER, CLIENT).protect(apdu, BOTH, 77)[-len(text) :] == text


@pytest.mark.parametrize("tags", TAGS, ids=lambda tags: f"{tags[0]:02X}")
def test_every_service_has_its_tags_in_both_directions(tags: tuple[int, int, int]) -> None:
    plain, *ciphered = tags
    client, meter = pair()
    for way, tag in zip((c.GLOBAL, c.DEDICATED), ciphered, strict=True):
        assert c.way_of(tag) == way
        for sender, receiver in ((client, meter), (meter, client)):
            whole = sender.protect(bytes([plain, 1, 2]), BOTH, 5, way)
            assert whole[0] == tag
            assert receiver.unprotect(whole) == (bytes([plain, 1, 2]), BOTH, 5)


def test_no_other_tag_is_a_ciphered_one() -> None:
    known = {tag for tags in TAGS for tag in tags[1:]} | {0xDB, 0xDC}
    assert {tag for tag in range(256) if c.way_of(tag) is not None} == known
    meter = protection(METER, CLIENT)
    for tag in set(range(256)) - known:
        assert refused(meter, bytes([tag]) + bytes.fromhex(GREEN_BOOK[0x30])[1:]) == c.UNKNOWN_TAG


@pytest.mark.parametrize("plain", [0x0F, 0xD8, 0xD9, 0xDA, 0x60, 0xE0, 0xC8])
def test_a_service_without_tag_of_its_own_goes_in_a_general_apdu_only(plain: int) -> None:
    client, meter = pair()
    for way in (c.GLOBAL, c.DEDICATED):
        with pytest.raises(CipheringError) as caught:
            meter.protect(bytes([plain, 1]), BOTH, 1, way)
        assert caught.value.reason == c.UNKNOWN_TAG
    assert client.unprotect(meter.protect(bytes([plain, 1]), BOTH, 1, c.GENERAL_GLOBAL))[0] == bytes([plain, 1])


# --- keys and titles --------------------------------------------------------------------------------------------------


def test_each_key_has_its_own_counter() -> None:
    client, meter = pair()
    for sc, way in ((BOTH, c.GLOBAL), (BOTH | BROADCAST, c.GLOBAL), (BOTH, c.DEDICATED)):
        whole = client.protect(GET, sc, 9, way)
        assert meter.unprotect(whole) == (GET, sc, 9)
        assert refused(meter, whole) == c.OLD_COUNTER
    assert (
        gurux(0xC8, CLIENT, Security.AUTHENTICATION_ENCRYPTION, 10, GET, b"B" * 16)[7:20]
        == (client.protect(GET, BOTH | BROADCAST, 10)[7:20])
    )


def test_keys_that_there_are_not_are_refused() -> None:
    client, _ = pair()
    meter = protection(METER, CLIENT)
    assert refused(meter, client.protect(GET, BOTH | BROADCAST, 1)) == c.NOT_SUPPORTED
    assert refused(meter, client.protect(GET, BOTH, 1, c.DEDICATED)) == c.NOT_SUPPORTED
    assert refused(meter, client.protect(GET, BOTH, 1, c.GENERAL_DEDICATED)) == c.NOT_SUPPORTED
    with pytest.raises(CipheringError):
        meter.protect(GET, BOTH, 1, c.DEDICATED)


@pytest.mark.parametrize("sc", [0x00, 0x40, 0x31, 0x32, 0x3F, 0xB0, 0x90, 0x11])
def test_other_suites_compression_and_no_protection_are_refused(sc: int) -> None:
    whole = bytearray.fromhex(GREEN_BOOK[0x30])
    whole[2] = sc
    assert refused(protection(CLIENT, METER), whole) == c.NOT_SUPPORTED
    with pytest.raises(CipheringError):
        protection(METER, CLIENT).protect(GET, sc, 1)


def test_a_broadcast_bit_on_a_dedicated_key_is_refused() -> None:
    client, meter = pair()
    whole = client.protect(GET, BOTH, 1, c.DEDICATED)
    whole[2] |= BROADCAST
    assert refused(meter, whole) == c.NOT_SUPPORTED


def test_a_general_apdu_names_its_sender() -> None:
    client, meter = pair()
    whole = client.protect(GET, BOTH, 1, c.GENERAL_GLOBAL)
    assert whole[:10] == b"\xdb\x08" + CLIENT
    without = bytes([0xDB, 0]) + whole[10:]
    assert meter.unprotect(without) == (GET, BOTH, 1)  # the title is known from the association
    assert refused(protection(METER, b"SOMEBODY"), whole) == c.WRONG_SENDER
    nobody = protection(METER, None)
    assert refused(nobody, without) == c.WRONG_SENDER
    assert refused(nobody, client.protect(GET, BOTH, 1)) == c.WRONG_SENDER
    assert refused(nobody, whole[:-1] + bytes([whole[-1] ^ 1])) == c.WRONG_TAG  # whose title would it be?
    assert nobody.unprotect(whole)[0] == GET
    assert nobody.peer_title == CLIENT
    assert nobody.unprotect(client.protect(GET, BOTH, 2))[0] == GET


def test_what_the_meter_has_sent_does_not_come_back_as_a_clients() -> None:
    sent = protection(METER, CLIENT).protect(b"\xc4\x01\xc1\x00\x00", BOTH, 7, c.GENERAL_GLOBAL)
    assert refused(protection(METER, None), sent) == c.WRONG_SENDER
    assert refused(protection(METER, CLIENT), sent) == c.WRONG_SENDER
    with pytest.raises(CipheringError):
        protection(METER, METER)


def test_a_service_inside_that_is_not_the_tags_is_refused() -> None:
    client, meter = pair()
    for number, sc in enumerate((AUTHENTICATED, BOTH, ENCRYPTED)):
        whole = client.protect(GET, sc, number)
        whole[0] = 0xC9  # the tag is not authenticated
        assert refused(meter, whole) == c.MALFORMED


# --- under MicroPython ------------------------------------------------------------------------------------------------

ON_MICROPYTHON = """
import gc, json, sys
sys.path.insert(0, {firmware!r})
from meter.comms.dlms.ciphering import CipheringError, KeyInUse, Protection
from meter.comms.dlms.counters import PassingCounter

def side(own, peer):
    made = Protection(own, peer, KeyInUse(bytes(range(16)), PassingCounter()), bytes(range(0xD0, 0xE0)))
    made.broadcast, made.dedicated = KeyInUse(b"B" * 16, PassingCounter()), KeyInUse(b"D" * 16, PassingCounter())
    return made

def reason(data):
    try:
        return meter.unprotect(data)
    except CipheringError as error:
        return error.reason

def cost(size, sc):
    apdu = bytes([0xC4]) + bytes(size - 1)
    gc.collect(); gc.disable()
    start = gc.mem_alloc()
    whole = meter.protect(apdu, sc, 64 * sc + size)
    middle = gc.mem_alloc()
    client.unprotect(whole)
    end = gc.mem_alloc()
    gc.enable()
    return max(middle - start, end - middle)

titles, out = (bytes.fromhex("4D4D4D0000BC614E"), bytes.fromhex("4D4D4D0000000001")), []
meter, client = side(*titles), side(*reversed(titles))
for line in sys.stdin:
    data, way = json.loads(line)
    data = bytes.fromhex(data)
    tampered = reason(data[:-1] + bytes([data[-1] ^ 1]))
    plain, sc, counter = meter.unprotect(data)
    out.append([plain.hex(), sc, counter, tampered, reason(data), meter.protect(plain, sc, counter, way).hex()])
print(json.dumps([out, [[cost(size, sc) for size in (16, 1024)] for sc in (0x10, 0x30)]]))
"""


def test_micropython_ciphers_deciphers_and_refuses_alike_with_little_memory() -> None:
    sent, lines = [], ""
    client, meter = pair()
    ways = (c.GLOBAL, c.DEDICATED, c.GENERAL_GLOBAL, c.GENERAL_DEDICATED)
    for number, (way, sc, size) in enumerate(product(ways, (AUTHENTICATED, BOTH), (1, 120, 700)), 1):
        if number % 4 == 0 and way in (c.GLOBAL, c.GENERAL_GLOBAL):
            sc |= BROADCAST
        apdu, counter = b"\xc0" + random.Random(number).randbytes(size - 1), 0xFFFF_0000 + number
        sent.append([apdu.hex(), sc, counter, c.WRONG_TAG, c.OLD_COUNTER, meter.protect(apdu, sc, counter, way).hex()])
        lines += json.dumps([client.protect(apdu, sc, counter, way).hex(), way]) + "\n"
    printed = on_micropython(ON_MICROPYTHON.format(firmware=str(ROOT / "firmware")), told=lines)
    found, used = json.loads(printed)
    assert found == sent
    # the result, with authentication only also key and text in one piece; and small objects, twice those of a board
    for (short, long), texts in zip(used, (2, 1), strict=True):
        assert short <= 2048
        assert long - short <= texts * 1024 + 512


# --- tampering and replay ---------------------------------------------------------------------------------------------


def _claims_no_tag(apdu: bytes | bytearray, way: int) -> bool:
    """Whether it says it is encrypted only: then nothing tells it from a genuine one but what the association asks."""
    at = 2 if way in (c.GLOBAL, c.DEDICATED) else 3 + apdu[1]
    if at < len(apdu) and apdu[at - 1] & 0x80:  # a long length
        at += apdu[at - 1] & 0x7F
    return at < len(apdu) and apdu[at] & 0x30 == 0x20


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([AUTHENTICATED, BOTH]),
    st.sampled_from([c.GLOBAL, c.DEDICATED, c.GENERAL_GLOBAL, c.GENERAL_DEDICATED]),
    st.integers(1, 300),
    st.integers(0, 10_000),
    st.integers(1, 255),
)
def test_an_apdu_with_any_byte_changed_is_refused_and_changes_nothing(
    sc: int, way: int, length: int, place: int, change: int
) -> None:
    client, meter = pair(least=3)
    whole = client.protect(b"\xc0" + bytes(length - 1), sc, 5, way)
    changed = bytearray(whole)
    changed[place % len(whole)] ^= change
    assume(not _claims_no_tag(changed, way))
    reason = refused(meter, changed)
    assert reason in (c.UNKNOWN_TAG, c.MALFORMED, c.NOT_SUPPORTED, c.WRONG_SENDER, c.WRONG_TAG)
    assert meter.unprotect(whole)[0][0] == 0xC0


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_whatever_arrives_is_refused(data: bytes) -> None:
    refused(pair()[1], data)


@settings(deadline=None)
@given(st.sampled_from([0xC8, 0xD0, 0x21, 0xDB, 0xDC]), st.binary(max_size=40))
def test_whatever_arrives_under_a_ciphered_tag_is_refused(tag: int, data: bytes) -> None:
    """Encrypted only, garbage may begin like the service it says to be: there is nothing to tell it by."""
    _, meter = pair()
    try:
        _, sc, _ = meter.unprotect(bytes([tag]) + data)
        assert sc & ~BROADCAST == ENCRYPTED
    except CipheringError:
        assert meter.unicast.received.least == 0


@pytest.mark.parametrize("way", [c.GLOBAL, c.GENERAL_GLOBAL])
@pytest.mark.parametrize("sc", [AUTHENTICATED, ENCRYPTED, BOTH])
def test_every_shortened_and_lengthened_apdu_is_refused(sc: int, way: int) -> None:
    client, meter = pair()
    whole = client.protect(GET, sc, 5, way)
    for length in range(len(whole)):
        assert refused(meter, whole[:length]) in (c.MALFORMED, c.UNKNOWN_TAG)
    assert refused(meter, whole + b"\0") == c.MALFORMED


def test_a_header_without_text_is_refused() -> None:
    meter = protection(METER, CLIENT)
    for body in ("05 20 00000001", "05 30 00000001", "11 30 00000001" + "00" * 12, "11 10 00000001" + "00" * 12):
        assert refused(meter, bytes.fromhex("C8" + body)) == c.MALFORMED


def test_a_longer_text_than_the_counter_mode_goes_is_refused() -> None:
    length = 0x1_0000
    data = b"\xc8\x84" + length.to_bytes(4, "big") + b"\x20" + bytes(length - 1)
    assert refused(protection(METER, CLIENT), data) == c.MALFORMED


@pytest.mark.parametrize("sc", [AUTHENTICATED, ENCRYPTED, BOTH])
def test_a_replay_is_refused_and_so_is_whatever_is_older(sc: int) -> None:
    client, meter = pair()
    old = client.protect(GET, sc, 4)
    new = client.protect(GET, sc, 6)
    assert meter.unprotect(new) == (GET, sc, 6)
    assert refused(meter, new) == c.OLD_COUNTER
    assert refused(meter, old) == c.OLD_COUNTER
    assert meter.unprotect(client.protect(GET, sc, 7))[2] == 7


def test_the_last_counter_there_is_is_taken_once() -> None:
    client, meter = pair(least=0xFFFF_FFFF)
    whole = client.protect(GET, BOTH, 0xFFFF_FFFF)
    assert meter.unprotect(whole)[2] == 0xFFFF_FFFF
    assert meter.unicast.received.least == 1 << 32
    assert refused(meter, whole) == c.OLD_COUNTER


def test_a_forged_counter_does_not_lock_the_client_out() -> None:
    """Without a tag anybody can send the highest counter; one in 256 such texts begins like a get-request."""
    client, meter = pair()
    for text in range(256):
        forged = bytes.fromhex("C8 0A 20 FFFFFFFF") + bytes([text, 0, 0, 0, 0])
        try:
            meter.unprotect(forged)
            break
        except CipheringError as error:
            assert error.reason == c.MALFORMED
    else:
        pytest.fail("no text was taken")
    assert meter.unicast.received.least == 0
    assert meter.unprotect(client.protect(GET, BOTH, 1))[2] == 1
    assert refused(meter, client.protect(GET, ENCRYPTED, 2)) == c.OLD_COUNTER


def test_a_memory_that_does_not_keep_the_counter_keeps_the_service_from_being_executed() -> None:
    class Broken(PassingCounter):
        def accept(self, counter: int) -> None:
            raise OSError(5)

    client, _ = pair()
    meter = Protection(METER, CLIENT, KeyInUse(EK, Broken()), AK)
    with pytest.raises(OSError):
        meter.unprotect(client.protect(GET, BOTH, 1))


@pytest.mark.parametrize("own", [7, 9, 0])
def test_titles_and_keys_of_other_lengths_are_refused(own: int) -> None:
    key = KeyInUse(EK, PassingCounter())
    with pytest.raises(ValueError):
        Protection(bytes(own), CLIENT, key, AK)
    with pytest.raises(ValueError):
        Protection(METER, CLIENT, key, bytes(own))
    with pytest.raises(CipheringError):
        Protection(METER, bytes(own), key, AK)
