"""AES-GCM, GMAC and key wrap against NIST's and the RFC's vectors and against OpenSSL, in both interpreters."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from hypothesis import given, settings
from hypothesis import strategies as st

from host_tests.interpreters import on_micropython
from meter.comms.dlms import aes_gcm, key_wrap
from meter.comms.dlms.aes_gcm import Key, equal
from meter.comms.dlms.ghash import make_table
from tools.bench.process import ROOT
from tools.emulator import ARCHITECTURES, Target, firmware_image
from tools.emulator.kernels import GHASH

# The test cases of 128 bit and 96 bits of IV in McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B:
# key, IV, additional data, plaintext, ciphertext, whole tag
_KEY_3, _IV_3 = "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888"
_TEXT_3 = (
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255"
)
_CIPHER_3 = (
    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
    "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985"
)
GCM_CASES = [
    ("0" * 32, "0" * 24, "", "", "", "58e2fccefa7e3061367f1d57a4e7455a"),
    ("0" * 32, "0" * 24, "", "0" * 32, "0388dace60b6a392f328c2b971b2fe78", "ab6e47d42cec13bdf53a67b21257bddf"),
    (_KEY_3, _IV_3, "", _TEXT_3, _CIPHER_3, "4d5c2af327cd64a62cf35abd2ba6fab4"),
    (
        _KEY_3,
        _IV_3,
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        _TEXT_3[:120],
        _CIPHER_3[:120],
        "5bc94fbc3221a5db94fae95ae7121a47",
    ),
]
# 0 to more bytes than one call of AES takes, around blocks and around such calls
LENGTHS = [0, 1, 12, 15, 16, 17, 31, 32, 33, 255, 256, 257, 271, 272, 511, 512, 513, 1024, 4097]

ON_MICROPYTHON = """
import sys, json
sys.path.insert(0, {firmware!r})
from meter.comms.dlms import key_wrap
from meter.comms.dlms.aes_gcm import Key
out = []
for line in sys.stdin:
    key, iv, aad, text = [bytes.fromhex(part) for part in json.loads(line)]
    k = Key(key)
    sealed, tag = k.seal(iv, aad, text)
    wrapped = key_wrap.wrap(key, text[:16]) if len(text) >= 16 else b""
    again = k.open(iv, aad, sealed, tag) == text and k.open(iv, aad, sealed, bytes([tag[0] ^ 1]) + tag[1:]) is None
    if wrapped:
        again = again and key_wrap.unwrap(key, wrapped) == text[:16] and key_wrap.unwrap(iv + bytes(4), wrapped) is None
    print(json.dumps([sealed.hex(), tag.hex(), k.gmac(iv, aad).hex(), wrapped.hex(), again]))
"""


def openssl(key: bytes, iv: bytes, aad: bytes, text: bytes) -> tuple[bytes, bytes]:
    """(ciphertext, first 12 bytes of the tag)."""
    encryptor = Cipher(algorithms.AES(key), modes.GCM(iv)).encryptor()
    encryptor.authenticate_additional_data(aad)
    sealed = encryptor.update(text) + encryptor.finalize()
    return sealed, encryptor.tag[:12]


def random_messages() -> list[tuple[bytes, bytes, bytes, bytes]]:
    """(key, iv, aad, text) in all lengths that matter."""
    source = random.Random(20)
    pairs = [(source.choice(LENGTHS[:9]), length) for length in LENGTHS] + [(n, 40) for n in LENGTHS[:12]]
    return [
        (source.randbytes(16), source.randbytes(12), source.randbytes(aad), source.randbytes(text))
        for aad, text in pairs
    ]


@pytest.mark.parametrize("case", GCM_CASES, ids=["case 1", "case 2", "case 3", "case 4"])
def test_sealing_and_opening_are_those_of_the_specification(case: tuple[str, ...]) -> None:
    key, iv, aad, text, sealed, tag = (bytes.fromhex(part) for part in case)
    assert Key(key).seal(iv, aad, text) == (sealed, tag[:12])
    assert Key(key).open(iv, aad, sealed, tag[:12]) == text


def test_sealing_is_openssls_for_lengths_around_blocks() -> None:
    for key, iv, aad, text in random_messages():
        made = Key(key)
        sealed, tag = openssl(key, iv, aad, text)
        assert made.seal(iv, aad, text) == (sealed, tag), (len(aad), len(text))
        assert made.open(iv, aad, sealed, tag) == text
        assert made.gmac(iv, aad) == openssl(key, iv, aad, b"")[1]


def test_sealing_and_wrapping_under_micropython_are_openssls() -> None:
    messages = random_messages()
    lines = "".join(json.dumps([part.hex() for part in message]) + "\n" for message in messages)
    printed = on_micropython(ON_MICROPYTHON.format(firmware=str(ROOT / "firmware")), "256K", lines)
    found = [json.loads(line) for line in printed.splitlines()]
    assert len(found) == len(messages)
    for (key, iv, aad, text), (sealed, tag, gmac, wrapped, again) in zip(messages, found, strict=True):
        expected = openssl(key, iv, aad, text)
        assert (bytes.fromhex(sealed), bytes.fromhex(tag)) == expected
        assert bytes.fromhex(gmac) == openssl(key, iv, aad, b"")[1]
        assert bytes.fromhex(wrapped) == (aes_key_wrap(key, text[:16]) if len(text) >= 16 else b"")
        assert again is True


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=80), st.integers(0, 10_000), st.integers(1, 255))
def test_a_text_with_any_byte_changed_does_not_open(text: bytes, place: int, change: int) -> None:
    key, iv, aad = Key(bytes(range(16))), bytes(range(12)), b"aad"
    sealed, tag = key.seal(iv, aad, text)
    whole = bytearray(iv + aad + sealed + tag)
    whole[place % len(whole)] ^= change
    parts = bytes(whole[:12]), bytes(whole[12:15]), bytes(whole[15:-12]), bytes(whole[-12:])
    assert key.open(*parts) is None


def test_a_tag_of_another_length_does_not_open() -> None:
    key, iv = Key(bytes(16)), bytes(12)
    sealed, tag = key.seal(iv, b"", b"text")
    for other in (b"", tag[:11], tag + b"\0", tag[:4]):
        assert key.open(iv, b"", sealed, other) is None


@pytest.mark.parametrize("length", [0, 15, 17, 24, 32])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="16"):
        Key(bytes(length))


@pytest.mark.parametrize("iv", [0, 8, 11, 13, 16])
def test_an_iv_of_another_length_is_refused(iv: int) -> None:
    with pytest.raises(ValueError, match="IV"):
        Key(bytes(16)).seal(bytes(iv), b"", b"text")
    with pytest.raises(ValueError, match="IV"):
        Key(bytes(16)).gmac(bytes(iv), b"")


def test_two_keys_do_not_disturb_each_other() -> None:
    one, other, iv = Key(bytes(16)), Key(b"\1" * 16), bytes(12)
    first = one.seal(iv, b"a", bytes(300))
    other.seal(b"\2" * 12, b"b", bytes(40))
    assert one.seal(iv, b"a", bytes(300)) == first


# --- key wrap ---------------------------------------------------------------------------------------------------------


def test_wrapping_is_that_of_rfc_3394_section_4_1() -> None:
    master, key = bytes(range(16)), bytes.fromhex("00112233445566778899AABBCCDDEEFF")
    wrapped = bytes.fromhex("1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5")
    assert key_wrap.wrap(master, key) == wrapped
    assert key_wrap.unwrap(master, wrapped) == key


@settings(deadline=None)
@given(st.binary(min_size=16, max_size=16), st.integers(2, 8), st.randoms(use_true_random=False))
def test_wrapping_is_openssls(master: bytes, halves: int, source: random.Random) -> None:
    key = source.randbytes(8 * halves)
    wrapped = key_wrap.wrap(master, key)
    assert wrapped == aes_key_wrap(master, key)
    assert key_wrap.unwrap(master, wrapped) == key


@settings(deadline=None)
@given(st.integers(0, 23), st.integers(1, 255))
def test_a_wrapped_key_with_any_byte_changed_is_refused(place: int, change: int) -> None:
    wrapped = bytearray(key_wrap.wrap(bytes(16), bytes(range(16))))
    wrapped[place] ^= change
    assert key_wrap.unwrap(bytes(16), wrapped) is None


@pytest.mark.parametrize("length", [0, 8, 15, 16, 23, 25])
def test_lengths_no_wrapped_key_has_are_refused(length: int) -> None:
    assert key_wrap.unwrap(bytes(16), bytes(length)) is None


@pytest.mark.parametrize("length", [0, 8, 15, 17])
def test_lengths_that_cannot_be_wrapped_are_refused(length: int) -> None:
    with pytest.raises(ValueError, match="key wrap"):
        key_wrap.wrap(bytes(16), bytes(length))


# --- time and memory --------------------------------------------------------------------------------------------------


def lines_run(function: Callable[..., Any], *arguments: Any) -> list[int]:
    """The lines of this package that a call runs, in their order."""
    lines: list[int] = []

    def trace(frame: Any, event: str, _: Any) -> Any:
        if event == "line" and "dlms" in frame.f_code.co_filename:
            lines.append(frame.f_lineno)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function(*arguments)
    finally:
        sys.settrace(before)
    return lines


@pytest.mark.parametrize("size", [8, 12, 16, 64])
def test_comparing_takes_the_same_steps_wherever_the_difference_is(size: int) -> None:
    own = bytes(range(size))
    same = lines_run(equal, own, bytes(own))
    assert equal(own, bytearray(own)) and len(same) > 2 * size
    for place in range(size):
        other = bytearray(own)
        other[place] ^= 0x80
        assert not equal(own, other)
        assert lines_run(equal, own, other) == same


def test_a_wrong_tag_and_a_wrong_wrapping_take_the_same_steps_wherever_they_are_wrong() -> None:
    key, iv = Key(bytes(range(16))), bytes(12)
    sealed, tag = key.seal(iv, b"aad", bytes(40))
    wrapped = key_wrap.wrap(bytes(16), bytes(range(16)))

    def wrong(right: bytes) -> list[bytes]:
        return [bytes(byte ^ (n == place) for n, byte in enumerate(right)) for place in range(len(right))]

    assert len({tuple(lines_run(key.open, iv, b"aad", sealed, other)) for other in wrong(tag)}) == 1
    assert len({tuple(lines_run(key_wrap.unwrap, bytes(16), other)) for other in wrong(wrapped)}) == 1


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_instructions_depend_on_the_length_only_never_on_key_or_data(architecture: str) -> None:
    target, source = Target(firmware_image(GHASH, architecture)), random.Random(5)
    for size in (7, 32):
        counts = set()
        for h, data in ((bytes(16), bytes(size)), (b"\xff" * 16, b"\xff" * size), *[(None, None)] * 4):
            target.instructions.clear()
            table = make_table(h or source.randbytes(16))
            target.call("ghash", table, bytearray(source.randbytes(16)), data or source.randbytes(size), size)
            target.call("add_stream", bytearray(size), data or source.randbytes(size), size)
            counts.add(tuple(target.instructions.values()))
        assert len(counts) == 1


def run(script: str) -> Any:
    text = f"import sys, json, gc\nsys.path.insert(0, {str(ROOT / 'firmware')!r})\n" + script
    return json.loads(on_micropython(text))


def test_kernels_take_no_memory_however_long_the_data_are() -> None:
    """With the heap locked an allocation raises MemoryError."""
    expected = openssl(bytes(16), bytes(12), bytes(4096), b"")[1]
    found = run(
        "import micropython, cryptolib\n"
        "from meter.comms.dlms.ghash import add_stream, ghash, make_table\n"
        "aes = cryptolib.aes(bytes(16), 1)\n"
        "table, state, data, stream = make_table(aes.encrypt(bytes(16))), bytearray(16), bytes(4096), bytearray(4096)\n"
        "lengths, mask = (8 * 4096).to_bytes(8, 'big') + bytes(8), aes.encrypt(bytes(15) + b'\\x01')\n"
        "micropython.heap_lock()\n"
        "ghash(table, state, data, 4096)\n"
        "ghash(table, state, lengths, 16)\n"
        "add_stream(state, mask, 16)\n"
        "add_stream(stream, data, 4096)\n"
        "micropython.heap_unlock()\n"
        "print(json.dumps(bytes(state[:12]).hex()))"
    )
    assert found == expected.hex()


def test_enciphering_in_place_takes_the_same_memory_for_one_and_for_sixteen_blocks() -> None:
    used = run(
        "from meter.comms.dlms.aes_gcm import Key\n"
        "key, iv, out = Key(bytes(16)), bytes(12), []\n"
        "def cost(size):\n"
        "    text = bytearray(size)\n"
        "    gc.collect(); gc.disable()\n"
        "    before = gc.mem_alloc()\n"
        "    key.crypt(iv, text); key.tag(iv, b'', text)\n"
        "    after = gc.mem_alloc()\n"
        "    gc.enable()\n"
        "    return after - before\n"
        "cost(16)\n"
        "print(json.dumps([cost(16), cost(256), cost(2048)]))"
    )
    # views of the work space per 256 bytes, on the 64-bit port; nothing per block
    assert used[0] == used[1] and used[2] <= 8 * used[1] <= 8 * 1024


def test_work_space_is_small() -> None:
    assert len(aes_gcm._counters) + len(aes_gcm._stream) == 512
