"""Ciphered associations, with APDUs sealed and opened by dlms-cosem's use of OpenSSL: policies, replays, own keys."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from dlms_cosem import security

from host_tests.dlms_fakes import (
    AUTHENTICATION_KEY,
    CLIENT_TITLE,
    CLOCK,
    ENCRYPTION_KEY,
    ENERGY,
    METER_TITLE,
    PARAMETER,
    PASSWORDS,
    PROFILE,
    ROWS,
    SECRETS,
    FakeMeter,
    aarq,
)
from meter.comms.dlms import axdr
from meter.cosem import data_types as t

GET_ENERGY = bytes.fromhex("c001c10003" + ENERGY.hex() + "0200")
ENERGY_IS = bytes.fromhex("c401c100060012d687")
DEDICATED_KEY = bytes(range(0x40, 0x50))
AUTHENTICATED, ENCRYPTED, BOTH = 0x10, 0x20, 0x30
GLO = {0x01: 0x21, 0x05: 0x25, 0x06: 0x26, 0xC0: 0xC8, 0xC1: 0xC9, 0xC3: 0xCB}
DED = {0xC0: 0xD0, 0xC1: 0xD1, 0xC3: 0xD3}


class Client:
    """Seals requests and opens answers; the client's invocation counter is `counter`."""

    def __init__(self, policy: int = 0, control: int = BOTH, sap: int = 48, general: bool = False, **meter: Any):
        self.meter = FakeMeter(policy, **meter)
        self.control, self.sap, self.general = control, sap, general
        self.counter = 100
        self.key, self.tags = ENCRYPTION_KEY, GLO
        self.received: list[int] = []  # invocation counters of the meter

    def seal(self, apdu: bytes, counter: int | None = None, control: int | None = None) -> bytes:
        control = self.control if control is None else control
        if counter is None:
            self.counter += 1
            counter = self.counter
        body = bytes([control]) + counter.to_bytes(4, "big")
        if control & ENCRYPTED:
            field = security.SecurityControlField.from_bytes(bytes([control]))
            text = security.encrypt(field, CLIENT_TITLE, counter, self.key, bytes(apdu), AUTHENTICATION_KEY)
            body += text if control & AUTHENTICATED else text[: len(apdu)]
        else:
            body += apdu + self._tag(CLIENT_TITLE, counter, bytes(apdu))
        out = bytearray(b"\xdb\x08" + CLIENT_TITLE if self.general else [self.tags[apdu[0]]])
        axdr.put_length(out, len(body))
        return bytes(out) + body

    def _tag(self, title: bytes, counter: int, text: bytes) -> bytes:
        field = security.SecurityControlField.from_bytes(b"\x10")
        return security.gmac(field, title, counter, self.key, AUTHENTICATION_KEY, text)

    def open(self, answer: bytes) -> bytes:
        answer = bytes(answer)
        at = 1
        if self.general:
            assert answer[:10] == b"\xdb\x08" + METER_TITLE
            at = 10
        length, at = axdr.take_length(answer, at)
        assert at + length == len(answer) and answer[at] == self.control
        counter, text = int.from_bytes(answer[at + 1 : at + 5], "big"), answer[at + 5 :]
        self.received.append(counter)
        if not self.control & ENCRYPTED:
            assert self._tag(METER_TITLE, counter, text[:-12]) == text[-12:]
            return text[:-12]
        if not self.control & AUTHENTICATED:
            field = security.SecurityControlField.from_bytes(b"\x30")
            return security.encrypt(field, METER_TITLE, counter, self.key, text, AUTHENTICATION_KEY)[: len(text)]
        field = security.SecurityControlField.from_bytes(bytes([self.control]))
        return security.decrypt(field, METER_TITLE, counter, self.key, text, AUTHENTICATION_KEY)

    def associate(
        self, context: int = 3, conformance: str = "605e9f", size: int = 0, dedicated: str = "00", plain: bool = False
    ) -> bytes:
        """The AARE to an AARQ with the password."""
        password = PASSWORDS[(self.sap - 16) // 16]
        initiate = bytes.fromhex("01" + dedicated + "000006" + "5f1f0400" + conformance + f"{size:04x}")
        information = initiate if plain else self.seal(initiate)
        body = bytes.fromhex(f"a1090607608574050801{context:02x}") + b"\xa6\x0a\x04\x08" + CLIENT_TITLE
        body += bytes.fromhex("8a0207808b0760857405080201") + b"\xac\x0a\x80\x08" + password
        body += bytes([0xBE, len(information) + 2, 4, len(information)]) + information
        return bytes(self.meter.server.request(self.sap, 1, bytes([0x60, len(body)]) + body) or b"")

    def log_in(self) -> bytes:
        """The AARE to an AARQ with mechanism 3, whose proof is accepted then (Green Book, 9.2.7.4)."""
        initiate = self.seal(bytes.fromhex("01000000065f1f0400605e9f0000"))
        body = bytes.fromhex("a109060760857405080103") + b"\xa6\x0a\x04\x08" + CLIENT_TITLE
        body += bytes.fromhex("8a0207808b0760857405080203") + b"\xac\x0a\x80\x08K56iVagY"
        body += bytes([0xBE, len(initiate) + 2, 4, len(initiate)]) + initiate
        aare = bytes(self.meter.server.request(self.sap, 1, bytes([0x60, len(body)]) + body) or b"")
        challenge = aare[aare.index(b"\xaa\x12\x80\x10") + 4 :][:16]
        proof = hashlib.md5(challenge + SECRETS[(self.sap - 16) // 16]).digest()
        answer = self.ask(bytes.fromhex("c301c1000f0000280000ff01010910") + proof)
        assert answer == bytes.fromhex("c701c1000100" + "0910") + hashlib.md5(b"K56iVagY" + SECRETS[2]).digest()
        return aare

    def ask(self, apdu: bytes, **how: Any) -> bytes:
        return self.open(self.raw(self.seal(apdu, **how)))

    def raw(self, apdu: bytes) -> bytes:
        answer = self.meter.server.request(self.sap, 1, apdu)
        assert answer is not None
        return bytes(answer)


def accepted(aare: bytes) -> bool:
    return b"\xa2\x03\x02\x01\x00" in aare


def user_information(aare: bytes) -> int:
    """Where its octets begin: BE, length up to the end, 04, length. BE alone may be in a challenge, too."""
    is_it = (at for at in range(len(aare) - 2) if aare[at] == 0xBE and at + 2 + aare[at + 1] == len(aare))
    return next(is_it) + 4


@pytest.mark.parametrize("control", [AUTHENTICATED, ENCRYPTED, BOTH])
@pytest.mark.parametrize("general", [False, True])
def test_an_answer_is_protected_as_the_request_was(control: int, general: bool) -> None:
    client = Client(control >> 4, control, general=general)
    aare = client.associate() if control & AUTHENTICATED else client.log_in()
    assert accepted(aare) and b"\xa4\x0a\x04\x08" + METER_TITLE in aare
    response = client.open(aare[user_information(aare) :])
    assert response.hex() == "0800065f1f0400605e9f04000007"
    assert client.ask(GET_ENERGY) == ENERGY_IS
    write = bytes.fromhex("c101c10001" + PARAMETER.hex() + "02001200f0")
    assert client.ask(write) == bytes.fromhex("c501c100")
    assert len(client.received) == len(set(client.received))


@pytest.mark.parametrize("policy", [1, 2, 3])
@pytest.mark.parametrize("control", [0, AUTHENTICATED, ENCRYPTED, BOTH])
def test_the_policy_decides_what_is_protected_well_enough(policy: int, control: int) -> None:
    client = Client(policy, BOTH if policy & 1 else ENCRYPTED)
    assert accepted(client.associate() if policy & 1 else client.log_in())
    request = client.seal(GET_ENERGY, control=control) if control else GET_ENERGY
    answer = client.raw(request)
    client.control = control
    if control >> 4 & policy == policy:
        assert client.open(answer) == ENERGY_IS
    else:
        assert answer == b"\xd8\x01\x03"


def test_what_has_begun_authenticated_takes_nothing_without_a_tag_any_more() -> None:
    client = Client(0, BOTH)
    assert accepted(client.associate())
    assert client.raw(client.seal(GET_ENERGY, control=ENCRYPTED)) == b"\xd8\x01\x03"
    assert client.raw(GET_ENERGY) == b"\xd8\x01\x03"
    assert client.ask(GET_ENERGY) == ENERGY_IS


@pytest.mark.parametrize("policy", [0, 2])
def test_with_a_password_what_is_encrypted_only_is_refused_as_it_could_be_a_recording(policy: int) -> None:
    client = Client(policy, ENCRYPTED)
    assert client.associate().endswith(bytes.fromhex("be0604040e010604"))
    if policy == 0:  # nor behind an InitiateRequest in the clear
        assert accepted(client.associate(plain=True))
        write = bytes.fromhex("c101c10001" + PARAMETER.hex() + "02001200f0")
        assert client.raw(client.seal(write)) == b"\xd8\x01\x03"
    assert client.meter.access.journal == []


def test_without_a_policy_plain_requests_have_plain_answers() -> None:
    client = Client(0)
    assert accepted(client.associate(plain=True))
    assert client.raw(GET_ENERGY) == ENERGY_IS
    assert client.ask(GET_ENERGY) == ENERGY_IS


@pytest.mark.parametrize("policy", [1, 2, 3])
def test_with_a_policy_a_plain_initiate_request_is_refused(policy: int) -> None:
    aare = Client(policy).associate(plain=True)
    assert aare.endswith(bytes.fromhex("be0604040e010604"))
    assert not accepted(aare)


@pytest.mark.parametrize("policy", [1, 2, 3])
def test_with_a_policy_a_context_without_ciphering_is_the_public_clients_alone(policy: int) -> None:
    meter = FakeMeter(policy)
    for sap, level in ((32, 1), (48, 2), (80, 4)):
        refused = bytes.fromhex(meter.ask(sap, aarq(1, 1, PASSWORDS[level])))
        assert not accepted(refused) and b"\xa3\x05\xa1\x03\x02\x01\x02" in refused  # context name not supported
    assert accepted(bytes.fromhex(meter.ask(16, aarq())))
    assert meter.ask(16, GET_ENERGY.hex()) == ENERGY_IS.hex()


def test_an_initiate_request_that_is_not_genuine_is_refused() -> None:
    client = Client(3)
    client.key = bytes(16)
    aare = client.associate()
    assert aare.endswith(bytes.fromhex("be0604040e010006"))
    assert client.meter.access.failures == {}


def test_a_ciphered_initiate_request_in_a_plain_context_is_refused() -> None:
    assert Client(0).associate(context=1).endswith(bytes.fromhex("be0604040e010006"))


def test_a_replay_is_answered_with_the_least_counter_and_does_nothing() -> None:
    client = Client(3)
    client.associate()
    sealed = client.seal(bytes.fromhex("c101c10001" + PARAMETER.hex() + "02001200f0"))
    assert client.open(client.raw(sealed)) == bytes.fromhex("c501c100")
    assert client.raw(sealed) == b"\xd8\x01\x06" + (client.counter + 1).to_bytes(4, "big")
    assert client.raw(client.seal(GET_ENERGY, counter=5))[:3] == b"\xd8\x01\x06"
    assert len(client.meter.access.journal) == 1
    assert client.ask(GET_ENERGY) == ENERGY_IS


def test_a_replayed_association_is_refused() -> None:
    client = Client(3)
    assert accepted(client.associate())
    client.counter -= 1
    assert client.associate().endswith(bytes.fromhex("be0604040e010006"))


def test_what_one_client_has_sent_is_taken_from_no_other_client() -> None:
    """The key, the title and so the IV are the same at each SAP: only the counter tells a replay."""
    client = Client(3, sap=48)
    assert accepted(client.associate())
    sealed = client.seal(bytes.fromhex("c101c10001" + PARAMETER.hex() + "02001200f0"))
    assert client.open(client.raw(sealed)) == bytes.fromhex("c501c100")
    used = client.counter
    client.sap, client.counter = 64, used - 2
    assert client.associate().endswith(bytes.fromhex("be0604040e010006"))
    client.counter = used
    assert accepted(client.associate())
    assert client.raw(sealed) == b"\xd8\x01\x06" + (client.counter + 1).to_bytes(4, "big")
    assert len(client.meter.access.journal) == 1


def test_what_is_forged_is_told_so_and_moves_no_counter() -> None:
    client = Client(3)
    client.associate()
    sealed = bytearray(client.seal(GET_ENERGY, counter=4_000_000_000))
    sealed[-1] ^= 1
    assert client.raw(bytes(sealed)) == b"\xd8\x01\x05"
    assert client.ask(GET_ENERGY) == ENERGY_IS


def test_a_dedicated_key_protects_its_association_and_no_other() -> None:
    client = Client(3)
    assert accepted(client.associate(dedicated="0110" + DEDICATED_KEY.hex()))
    client.key, client.tags, client.counter = DEDICATED_KEY, DED, 0
    assert client.ask(GET_ENERGY) == ENERGY_IS
    client.counter = 0
    assert client.raw(client.seal(GET_ENERGY))[:3] == b"\xd8\x01\x06"
    client.key, client.tags, client.counter = ENCRYPTION_KEY, GLO, 200
    assert accepted(client.associate())
    client.key, client.tags, client.counter = DEDICATED_KEY, DED, 300
    assert client.raw(client.seal(GET_ENERGY)) == b"\xd8\x01\x05"


@pytest.mark.parametrize("dedicated", ["0110" + DEDICATED_KEY.hex(), "010f" + DEDICATED_KEY[1:].hex()])
def test_a_dedicated_key_that_is_readable_or_short_is_refused(dedicated: str) -> None:
    is_short = dedicated.startswith("010f")
    client = Client(0)
    assert client.associate(dedicated=dedicated, plain=not is_short).endswith(bytes.fromhex("be0604040e010604"))


def test_a_long_answer_is_protected_block_by_block_within_the_clients_limit() -> None:
    client = Client(3)
    client.associate(size=200)
    request, data, number = bytes.fromhex("c001c10007" + PROFILE.hex() + "0200"), b"", 1
    while True:
        sealed = client.raw(client.seal(request))
        assert len(sealed) <= 200
        answer = client.open(sealed)
        data += answer[axdr.take_length(answer, 9)[1] :]
        if answer[3]:
            break
        request = bytes.fromhex(f"c002c1{number:08x}")
        number += 1
    assert len(axdr.decode(t.array(t.structure(t.OCTETS, t.UINT8, t.UINT32)), data)[0]) == ROWS


def test_short_names_are_ciphered_too() -> None:
    client = Client(3)
    aare = client.associate(4, "5c1b20")
    assert client.open(aare[user_information(aare) :]).hex() == "0800065f1f04005c1b200400fa00"
    assert client.ask(bytes.fromhex("0501021ce8")) == bytes.fromhex("0c0100060012d687")
    assert client.ask(bytes.fromhex("0601023008011200f0")) == bytes.fromhex("0d0100")
    assert client.ask(bytes.fromhex("0601")) == bytes.fromhex("0e060300")
    assert client.raw(bytes.fromhex("0501021ce8")) == b"\xd8\x01\x03"


def test_a_malformed_service_inside_is_an_exception() -> None:
    client = Client(3)
    client.associate()
    assert client.raw(client.seal(b"\xc0\x01\xc1\x00")) == b"\xd8\x01\x01"
    client.general = True
    assert client.ask(b"\xc0\x01\xc1\x00") == b"\xd8\x01\x01"


def test_a_ciphered_release_has_a_ciphered_answer_and_a_forged_one_none() -> None:
    client = Client(3)
    client.associate()
    initiate = bytes.fromhex("0100000006" + "5f1f0400605e9f0000")
    information = bytearray(client.seal(initiate))
    request = bytes.fromhex("800100") + bytes([0xBE, len(information) + 2, 4, len(information)])
    forged = information[:-1] + bytes([information[-1] ^ 1])
    whole = bytes([0x62, len(request) + len(information)]) + request
    assert client.meter.server.request(client.sap, 1, whole + forged) is None
    assert client.ask(GET_ENERGY) == ENERGY_IS
    information = bytearray(client.seal(initiate))
    answer = client.raw(whole + information)
    assert answer[:5] == bytes([0x63, len(answer) - 2]) + b"\x80\x01\x00"
    assert client.open(answer[user_information(answer) :]).hex() == "0800065f1f0400605e9f04000007"
    assert client.raw(client.seal(GET_ENERGY)) == b"\xd8\x01\x01"


def test_a_pdu_size_without_room_for_protection_is_refused() -> None:
    assert Client(0).associate(size=60).endswith(bytes.fromhex("be0604040e010603"))


def test_a_notification_is_protected_as_the_policy_says() -> None:
    client = Client(3, general=True)
    client.associate()
    server = client.meter.server
    server.event(client.sap, client.meter.model.get(8, CLOCK), 3, -60)
    waiting = server.notification()
    assert waiting is not None
    sap, device, apdu = waiting
    assert (sap, device) == (client.sap, 1)
    assert client.open(apdu) == bytes.fromhex("c2000008" + CLOCK.hex() + "0310ffc4")
    server.push(16, t.UINT8, 1)  # this client has no association, so it cannot be protected
    assert server.notification() is None
