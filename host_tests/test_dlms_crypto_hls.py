"""The HLS log-in against vectors, against Gurux's and dlms-cosem's functions, and against those without the secret."""

from __future__ import annotations

import hashlib
import json
from types import SimpleNamespace

import pytest
from dlms_cosem import security as cosem
from gurux_dlms.enums.Authentication import Authentication
from gurux_dlms.GXByteBuffer import GXByteBuffer
from gurux_dlms.GXCiphering import GXCiphering
from gurux_dlms.GXDLMSClient import GXDLMSClient
from gurux_dlms.GXSecure import GXSecure
from hypothesis import given, settings
from hypothesis import strategies as st

from host_tests.interpreters import on_micropython
from meter.comms.dlms import hls
from meter.comms.dlms.ciphering import KeyInUse, Protection
from meter.comms.dlms.counters import PassingCounter
from tools.bench.process import ROOT

EK, AK = bytes(range(16)), bytes(range(0xD0, 0xE0))
METER, CLIENT = bytes.fromhex("4D4D4D0000BC614E"), bytes.fromhex("4D4D4D0000000001")
SECRET = b"12345678ABCDEFGH"
HASHES = {hls.MD5: hashlib.md5, hls.SHA1: hashlib.sha1, hls.SHA256: hashlib.sha256}
CTOS = b"K56iVagY"


def protection(own: bytes, peer: bytes) -> Protection:
    return Protection(own, peer, KeyInUse(EK, PassingCounter()), AK)


def log_in(mechanism: int, received: bytes = CTOS, length: int = 16) -> hls.LogIn:
    if mechanism == hls.GMAC:
        return hls.LogIn(mechanism, received, protection=protection(METER, CLIENT), next_counter=lambda: 9)
    return hls.LogIn(mechanism, received, SECRET, (CLIENT, METER), length=length)


def gurux_secure(mechanism: int, data: bytes, secret: bytes, counter: int = 1) -> bytes:
    cipher = GXCiphering(CLIENT)
    cipher.blockCipherKey, cipher.authenticationKey = EK, AK
    return bytes(
        GXSecure.secure(SimpleNamespace(authentication=Authentication(mechanism)), cipher, counter, data, secret)
    )


def clients_reply(mechanism: int, stoc: bytes, ctos: bytes = CTOS) -> bytes:
    """f(StoC) as Gurux's client makes it (GXDLMSClient.getApplicationAssociationRequest)."""
    secret = {hls.GMAC: CLIENT, hls.SHA256: SECRET + CLIENT + METER + stoc + ctos}.get(mechanism, SECRET)
    return gurux_secure(mechanism, stoc, secret)


# --- vectors and other implementations --------------------------------------------------------------------------------


def test_gmac_is_that_of_the_green_books_example() -> None:
    """Edition 7, table 37: StoC, f(StoC) and f(CtoS)."""
    stoc = b"P6wRJ21F"
    f_stoc = bytes.fromhex("10000000011A52FE7DD3E72748973C1E28")
    f_ctos = bytes.fromhex("1001234567FE1466AFB3DBCD4F9389E2B7")
    meter, client = protection(METER, CLIENT), protection(CLIENT, METER)
    assert client.sign(stoc, 1) == f_stoc and meter.signed(f_stoc, stoc)
    assert meter.sign(CTOS, 0x01234567) == f_ctos and client.signed(f_ctos, CTOS)
    assert client.unicast.received.least == 0x01234568


@pytest.mark.parametrize("mechanism", [hls.MD5, hls.SHA1, hls.SHA256, hls.GMAC])
@pytest.mark.parametrize("length", [8, 16, 64])
def test_gurux_client_logs_in_and_believes_the_meter(mechanism: int, length: int) -> None:
    ctos = bytes(range(length))
    meter = log_in(mechanism, ctos)
    answer = meter.answer(clients_reply(mechanism, meter.challenge, ctos))
    assert answer is not None
    if mechanism == hls.GMAC:
        assert protection(CLIENT, METER).signed(answer, ctos) and answer[:5] == b"\x10\0\0\0\x09"
        assert answer == gurux_secure_as_meter(ctos, 9)
    else:
        secret = SECRET + METER + CLIENT + ctos + meter.challenge if mechanism == hls.SHA256 else SECRET
        assert answer == gurux_secure(mechanism, ctos, secret)


def gurux_secure_as_meter(data: bytes, counter: int) -> bytes:
    return gurux_secure(hls.GMAC, data, METER, counter)


@pytest.mark.parametrize("mechanism", [hls.MD5, hls.SHA1, hls.SHA256, hls.GMAC])
def test_gurux_whole_client_accepts_the_answer(mechanism: int) -> None:
    """Its own request and its own check of the reply, around our functions."""
    client = GXDLMSClient(True, 48, 1, Authentication(mechanism), SECRET)
    client.settings.cipher = cipher = GXCiphering(CLIENT)
    cipher.blockCipherKey, cipher.authenticationKey, cipher.invocationCounter = EK, AK, 5
    client.settings.sourceSystemTitle, client.settings.ctoSChallenge = METER, CTOS
    meter = log_in(mechanism)
    client.settings.setStoCChallenge(bytearray(meter.challenge))
    client.settings.useCustomChallenge = True
    request = b"".join(bytes(frame) for frame in client.getApplicationAssociationRequest())
    size = {hls.MD5: 16, hls.SHA1: 20, hls.SHA256: 32, hls.GMAC: 17}[mechanism]
    at = request.index(bytes([0x09, size])) + 2
    answer = meter.answer(request[at : at + size])
    assert answer is not None
    client.parseApplicationAssociationResponse(GXByteBuffer(bytes([0x09, len(answer)]) + answer))


def test_dlms_cosem_makes_the_same_gmac() -> None:
    control = cosem.SecurityControlField(0, authenticated=True, encrypted=False)
    stoc = bytes(range(32))
    tag = cosem.gmac(control, CLIENT, 77, EK, AK, stoc)
    value = control.to_bytes() + (77).to_bytes(4, "big") + tag
    assert protection(CLIENT, METER).sign(stoc, 77) == value
    assert protection(METER, CLIENT).signed(value, stoc)


def test_digests_are_the_standards_formulas() -> None:
    received, sent = b"received", b"sent sent"
    for mechanism in (hls.MD5, hls.SHA1):
        made = hls.digest(mechanism, SECRET, (CLIENT, METER), (received, sent))
        assert made == HASHES[mechanism](received + SECRET).digest()
    made = hls.digest(hls.SHA256, SECRET, (CLIENT, METER), (received, sent))
    assert made == hashlib.sha256(SECRET + CLIENT + METER + received + sent).digest()


# --- those without the secret -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mechanism", [hls.MD5, hls.SHA1, hls.SHA256, hls.GMAC])
def test_any_bit_wrong_in_the_reply_is_refused(mechanism: int) -> None:
    size = len(clients_reply(mechanism, bytes(16)))
    for place in range(size):
        meter = log_in(mechanism)
        wrong = bytearray(clients_reply(mechanism, meter.challenge))
        wrong[place] ^= 1 << place % 8
        assert meter.answer(wrong) is None


@pytest.mark.parametrize("mechanism", [hls.MD5, hls.SHA1, hls.SHA256, hls.GMAC])
@settings(deadline=None)
@given(reply=st.binary(max_size=40))
def test_whatever_is_replied_is_refused(mechanism: int, reply: bytes) -> None:
    assert log_in(mechanism).answer(reply) is None


@pytest.mark.parametrize("mechanism", [hls.MD5, hls.SHA1, hls.SHA256, hls.GMAC])
def test_a_challenge_is_good_for_one_reply(mechanism: int) -> None:
    meter = log_in(mechanism)
    assert meter.answer(b"") is None
    assert meter.answer(clients_reply(mechanism, meter.challenge)) is None
    meter = log_in(mechanism)
    reply = clients_reply(mechanism, meter.challenge)
    assert meter.answer(reply) is not None
    assert meter.answer(reply) is None


@pytest.mark.parametrize("mechanism", [hls.MD5, hls.SHA1, hls.SHA256, hls.GMAC])
def test_a_recorded_reply_does_not_fit_the_next_challenge(mechanism: int) -> None:
    meter = log_in(mechanism)
    recorded = clients_reply(mechanism, meter.challenge)
    assert log_in(mechanism).answer(recorded) is None


def test_a_reply_under_an_old_counter_is_taken_and_moves_nothing_back() -> None:
    """Gurux's and dlms-cosem's clients cipher the APDU that carries it under a later counter, or the same."""
    meter = protection(METER, CLIENT)
    meter.unicast.received.accept(50)
    assert meter.signed(protection(CLIENT, METER).sign(bytes(16), 50), bytes(16))
    assert meter.signed(protection(CLIENT, METER).sign(bytes(16), 20), bytes(16))
    assert meter.unicast.received.least == 51


def test_a_gmac_with_another_security_control_is_refused() -> None:
    meter, client = protection(METER, CLIENT), protection(CLIENT, METER)
    value = client.sign(bytes(16), 1)
    for sc in (0x00, 0x11, 0x20, 0x30, 0x50, 0x90):
        assert not meter.signed(bytes([sc]) + value[1:], bytes(16))


def test_the_meters_own_answer_is_no_reply() -> None:
    own = protection(METER, CLIENT).sign(bytes(16), 1)
    assert not protection(METER, CLIENT).signed(own, bytes(16))


def test_challenges_differ_and_have_the_length_asked_for() -> None:
    for length in (8, 16, 64):
        made = {log_in(hls.SHA1, length=length).challenge for _ in range(50)}
        assert len(made) == 50 and {len(challenge) for challenge in made} == {length}


# --- what is refused at once ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mechanism", [0, 1, 2, 7, 8, 255])
def test_mechanisms_that_are_not_here_are_refused(mechanism: int) -> None:
    assert mechanism not in hls.mechanisms()
    with pytest.raises(ValueError, match="not available"):
        hls.LogIn(mechanism, CTOS, SECRET, (CLIENT, METER))


def test_a_board_without_a_hash_does_not_offer_its_mechanism(monkeypatch: pytest.MonkeyPatch) -> None:
    assert hls.mechanisms() == (3, 4, 5, 6)
    monkeypatch.setattr(hls, "hashlib", SimpleNamespace(sha256=hashlib.sha256))
    assert hls.mechanisms() == (5, 6)
    with pytest.raises(ValueError, match="not available"):
        log_in(hls.MD5)


@pytest.mark.parametrize("length", [0, 7, 65])
def test_challenges_of_other_lengths_are_refused(length: int) -> None:
    with pytest.raises(ValueError, match="8 to 64"):
        log_in(hls.SHA1, bytes(length))
    with pytest.raises(ValueError, match="8 to 64"):
        log_in(hls.SHA1, length=length)


def test_a_log_in_without_what_its_mechanism_needs_is_refused() -> None:
    with pytest.raises(ValueError, match="keys"):
        hls.LogIn(hls.GMAC, CTOS, SECRET, (CLIENT, METER))
    with pytest.raises(ValueError, match="secret"):
        hls.LogIn(hls.MD5, CTOS)
    with pytest.raises(ValueError, match="system titles"):
        hls.LogIn(hls.SHA256, CTOS, SECRET)
    with pytest.raises(ValueError, match="the meter's"):
        hls.LogIn(hls.SHA256, CTOS, SECRET, (METER, METER))


# --- under MicroPython ------------------------------------------------------------------------------------------------

SCRIPT = """
import sys, json, time
sys.path.insert(0, {firmware!r})
from meter.comms.dlms import hls
from meter.comms.dlms.ciphering import KeyInUse, Protection
from meter.comms.dlms.counters import PassingCounter
h = bytes.fromhex
meter, client, ek, ak = h("4D4D4D0000BC614E"), h("4D4D4D0000000001"), bytes(range(16)), bytes(range(0xD0, 0xE0))
def side(own, peer): return Protection(own, peer, KeyInUse(ek, PassingCounter()), ak)
secret, ctos, out = b"12345678ABCDEFGH", b"K56iVagY", []
for m in hls.mechanisms():
    login = hls.LogIn(m, ctos, secret, (client, meter), side(meter, client), lambda: 9)
    if m == hls.GMAC:
        reply = side(client, meter).sign(login.challenge, 1)
    else:
        reply = hls.digest(m, secret, (client, meter), (login.challenge, ctos))
    out.append([m, login.challenge.hex(), reply.hex(), login.answer(reply).hex()])
protect = side(meter, client)
apdus = [protect.protect(h("C0010000080000010000FF0200"), sc, 0x01234567).hex() for sc in (0x30, 0x10, 0x20)]
plain = [side(client, meter).unprotect(h(a))[0] == h("C0010000080000010000FF0200") for a in apdus]
start = time.ticks_us()
for n in range(100):
    login = hls.LogIn(hls.GMAC, ctos, protection=protect, next_counter=lambda: 9)
    login.answer(bytes(17))
    protect.sign(ctos, n)
print(json.dumps([out, apdus, plain, time.ticks_diff(time.ticks_us(), start) / 100]))
"""


def test_micropython_logs_in_and_ciphers_as_the_vectors_say() -> None:
    printed = on_micropython(SCRIPT.format(firmware=str(ROOT / "firmware")), "192K")
    log_ins, apdus, plain, gmac_us = json.loads(printed)
    assert [mechanism for mechanism, *_ in log_ins] == [3, 4, 5, 6]
    for mechanism, *parts in log_ins:
        challenge, reply, answer = (bytes.fromhex(part) for part in parts)
        assert reply == clients_reply(mechanism, challenge)
        if mechanism == hls.GMAC:
            assert answer == gurux_secure_as_meter(CTOS, 9)
        else:
            titles, challenges = (METER, CLIENT), (CTOS, challenge)
            assert answer == hls.digest(mechanism, SECRET, titles, challenges)
    assert [apdu.upper() for apdu in apdus] == [
        "C81E3001234567411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B",
        "C81E1001234567C0010000080000010000FF020006725D910F9221D263877516",
        "C8122001234567411312FF935A47566827C467BC",
    ]
    assert plain == [True] * 3
    assert gmac_us < 20_000  # a whole GMAC log-in, on any computer that runs the tests
