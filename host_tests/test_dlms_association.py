"""Associations: the Green Book's APDUs, each diagnostic, what real readers deviate in, log-ins and releases."""

from __future__ import annotations

import hashlib

import pytest

from host_tests.dlms_fakes import CLIENT_TITLE, ENERGY, PASSWORDS, SECRETS, FakeMeter, aarq

GET_ENERGY = "c001c10003" + ENERGY.hex() + "0200"
ENERGY_IS = "c401c100060012d687"
NOT_POSSIBLE = "d80101"
REPLY_TO_HLS = "c301c1000f0000280000ff0101"


def outcome(aare: str) -> tuple[int, int]:
    """(associate result, diagnostic) of an AARE, by the place of their BER elements."""
    at = aare.index("a2030201") + 8
    source = aare.index("a305a1030201") if "a305a1030201" in aare else aare.index("a305a2030201")
    return int(aare[at : at + 2], 16), int(aare[source + 12 : source + 14], 16)


def error_in(aare: str) -> str:
    """The ConfirmedServiceError in an AARE."""
    at = aare.index("be060404")
    return aare[at + 8 :]


# The Green Book's examples (DLMS UA 1000-2, 11 and 12: AA with no, low and high level security)
NO_SECURITY = "601da109060760857405080101be10040e01000000065f1f040000501f0000"
LOW = "6036a1090607608574050801018a0207808b0760857405080201ac0a80083132333435363738be10040e01000000065f1f040000501f0000"
HIGH = (
    "6036a1090607608574050801018a0207808b0760857405080205ac0a80084b35366956616759be10040e01000000065f1f040000501f0000"
)
ACCEPTED = "6129a109060760857405080101a203020100a305a103020100be10040e0800065f1f040000501f01f40007"


def test_an_association_without_security_is_the_green_books() -> None:
    assert FakeMeter(max_pdu=500).ask(16, NO_SECURITY) == ACCEPTED


def test_an_association_with_a_password_is_the_green_books() -> None:
    meter = FakeMeter(max_pdu=500)
    meter.access.passwords[1] = b"12345678"
    assert meter.ask(32, LOW) == ACCEPTED
    assert meter.access.failures == {1: 0}


def test_the_first_passes_of_high_level_security_are_the_green_books_but_for_the_challenge() -> None:
    meter = FakeMeter(max_pdu=500)
    answer = meter.ask(32, HIGH.replace("80205", "80203"))
    before = "614aa109060760857405080101a203020100a305a10302010e88020780890760857405080203aa128010"
    assert answer.startswith(before)
    assert answer[len(before) + 32 :] == "be10040e0800065f1f040000501f01f40007"


def test_a_short_name_association_is_answered_in_the_compact_form_that_old_readers_send() -> None:
    # context 2, protocol version, empty password, conformance without 1F: as seen in readers of this family
    request = "a109060760857405080102" + "ac028000" + "be0f040d01000000065f04001c1b20ffff"
    meter = FakeMeter()
    for version in ("80020780", "80020284"):
        body = version + request
        answer = meter.ask(16, f"60{len(body) // 2:02x}" + body)
        assert answer == ("6128a109060760857405080102a203020100a305a103020100be0f040d0800065f04001c1b200400fa00")


def test_the_negotiated_conformance_is_the_proposal_and_what_the_server_can() -> None:
    assert FakeMeter().ask(16, aarq(conformance="ffffff")).endswith("205e9f04000007")
    assert FakeMeter().ask(16, aarq(conformance="000010")).endswith("00001004000007")
    assert FakeMeter().ask(16, aarq(2, conformance="ffffff")).endswith("3c1b200400fa00")


# --- refusals -------------------------------------------------------------------------------------------------------

PASSWORD = PASSWORDS[1]
REFUSALS = {
    "no context name": (32, "6012be10040e01000000065f1f0400001e1f0000", 2),
    "a context that does not exist": (32, aarq(5, 1, PASSWORD), 2),
    "a context of somebody else": (32, aarq(1, 1, PASSWORD).replace("60857405", "60857406", 1), 2),
    "a ciphered context without the client's title": (32, aarq(3, 1, PASSWORD), 3),
    "a ciphered context with a title of 7 bytes": (32, aarq(3, 1, PASSWORD, title=CLIENT_TITLE[:7]), 3),
    "a ciphered context with the meter's own title": (32, aarq(3, 1, PASSWORD, title=b"LGZ\x00\x00\xbc\x61\x4e"), 3),
    "an unknown client": (17, aarq(1, 1, PASSWORD), 3),
    "the manufacturer's mechanism": (32, aarq(1, 2, PASSWORD), 11),
    "ECDSA": (32, aarq(1, 7, PASSWORD), 11),
    "a mechanism of somebody else": (32, aarq(1, 1, PASSWORD).replace("6085740508020", "6085740509020"), 11),
    "no mechanism though authentication is meant": (
        32,
        "602da1090607608574050801018a020780ac0a80083131313131313131be10040e01000000065f1f0400001e1f0000",
        12,
    ),
    "a wrong password": (32, aarq(1, 1, b"11111112"), 13),
    "a password that is too short": (32, aarq(1, 1, PASSWORD[:7]), 13),
    "no password": (32, aarq(1, 1), 13),
    "an empty password": (32, aarq(1, 1, b""), 13),
    "a challenge that is too short": (32, aarq(1, 3, b"1234567"), 13),
    "no authentication where one is needed": (32, aarq(1), 14),
    "a client that declines authentication": (32, aarq(1, 1, PASSWORD).replace("8a020780", "8a020700"), 14),
    "GMAC without the client's title": (32, aarq(1, 5, b"12345678"), 3),
    "SHA-256 without the client's title": (32, aarq(1, 6, b"12345678"), 3),
    "an AARQ that is cut short": (16, aarq(1)[:-2], 1),
    "an AARQ with bytes behind it": (16, aarq(1) + "00", 1),
    "an AARQ without xDLMS": (16, "600ba109060760857405080101", 1),
    "something else than an InitiateRequest": (16, aarq(1).replace("040e0100", "040ec001"), 1),
}


@pytest.mark.parametrize("what", list(REFUSALS))
def test_a_request_is_refused_with_the_standards_diagnostic(what: str) -> None:
    client, request, diagnostic = REFUSALS[what]
    meter = FakeMeter()
    assert outcome(meter.ask(client, request)) == (1, diagnostic)
    assert meter.ask(client, GET_ENERGY) == NOT_POSSIBLE


def test_another_version_of_acse_is_refused_by_the_provider() -> None:
    answer = FakeMeter().ask(16, aarq(extra="80020640"))
    assert "a305a203020102" in answer and outcome(answer) == (1, 2)


def test_ciphered_contexts_do_not_exist_in_a_meter_without_keys() -> None:
    meter = FakeMeter(has_keys=False)
    assert outcome(meter.ask(32, aarq(3, 1, PASSWORD, title=CLIENT_TITLE))) == (1, 2)
    assert outcome(meter.ask(32, aarq(1, 5, b"12345678", title=CLIENT_TITLE))) == (1, 13)


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (aarq().replace("065f1f", "055f1f"), "0e010601"),  # version too low
        (aarq(conformance="400000"), "0e010602"),  # nothing in common
        (aarq(conformance="1c1b20"), "0e010602"),  # short names in a logical name context
        (aarq(size=11), "0e010603"),  # PDU too short
    ],
)
def test_an_initiate_request_is_refused_with_its_own_error(request_: str, error: str) -> None:
    answer = FakeMeter().ask(16, request_)
    assert outcome(answer) == (1, 1)
    assert error_in(answer) == error


def test_a_wrong_initiate_request_does_not_cost_an_attempt() -> None:
    meter = FakeMeter()
    meter.ask(32, aarq(1, 1, b"wrong", size=11))
    assert meter.access.failures == {}


def test_a_locked_level_answers_a_right_password_as_a_wrong_one() -> None:
    meter = FakeMeter()
    refused = [meter.ask(32, aarq(1, 1, b"wrong")) for _ in range(3)]
    assert meter.access.failures == {1: 3}
    assert meter.ask(32, aarq(1, 1, PASSWORD)) == refused[0]
    assert outcome(meter.ask(48, aarq(1, 1, PASSWORDS[2]))) == (0, 0)


def test_an_access_condition_refuses_the_mechanism() -> None:
    meter = FakeMeter()
    meter.access.refused_mechanisms = [1]
    assert outcome(meter.ask(32, aarq(1, 1, PASSWORD))) == (1, 11)
    meter.access.refused_mechanisms = [1, 3, 4, 5, 6]  # a channel or level that is closed altogether
    assert outcome(meter.ask(32, aarq(1, 1, PASSWORD))) == (1, 13)


def test_a_level_without_secret_has_no_high_level_security():
    meter = FakeMeter()
    del meter.access.secrets[1]
    assert outcome(meter.ask(32, aarq(1, 3, b"K56iVagY"))) == (1, 13)


# --- the public client ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_", [aarq(), aarq(mechanism=0), aarq(mechanism=1, value=b""), aarq(value=b"")])
def test_the_public_client_needs_no_authentication(request_: str) -> None:
    meter = FakeMeter()
    assert outcome(meter.ask(16, request_)) == (0, 0)
    assert meter.ask(16, GET_ENERGY) == ENERGY_IS


# --- high level security --------------------------------------------------------------------------------------------


def pending(meter: FakeMeter, client: int = 32, mechanism: int = 3) -> bytes:
    """The server's challenge to a client that waits for it."""
    answer = meter.ask(client, aarq(1, mechanism, b"K56iVagY", title=CLIENT_TITLE))
    assert outcome(answer) == (0, 14)
    at = answer.index("aa128010") + 8
    return bytes.fromhex(answer[at : at + 32])


def test_nothing_but_the_reply_is_answered_while_the_log_in_is_pending() -> None:
    meter = FakeMeter()
    proof = hashlib.md5(pending(meter) + SECRETS[1]).hexdigest()
    assert meter.ask(32, GET_ENERGY) == NOT_POSSIBLE
    assert meter.ask(32, "c001c1000f0000280000ff0800") == NOT_POSSIBLE
    assert meter.ask(32, "c301c1000f0000280000ff0201" + "0908" + "31" * 8) == NOT_POSSIBLE
    own = hashlib.md5(b"K56iVagY" + SECRETS[1]).hexdigest()
    assert meter.ask(32, REPLY_TO_HLS + "0910" + proof) == "c701c1000100" + "0910" + own
    assert meter.ask(32, GET_ENERGY) == ENERGY_IS
    assert meter.access.failures == {1: 0}


def test_a_wrong_reply_ends_the_association_and_counts() -> None:
    meter = FakeMeter()
    proof = hashlib.md5(pending(meter) + SECRETS[2]).hexdigest()
    assert meter.ask(32, REPLY_TO_HLS + "0910" + proof) == "c701c10300"
    assert meter.access.failures == {1: 1}
    assert meter.ask(32, GET_ENERGY) == NOT_POSSIBLE


def test_a_challenge_is_good_for_one_reply() -> None:
    meter = FakeMeter()
    first = pending(meter)
    second = pending(meter)
    assert first != second
    assert meter.ask(32, REPLY_TO_HLS + "0910" + hashlib.md5(first + SECRETS[1]).hexdigest()) == "c701c10300"
    assert meter.ask(32, REPLY_TO_HLS + "0910" + hashlib.md5(second + SECRETS[1]).hexdigest()) == NOT_POSSIBLE


def test_a_reply_to_no_challenge_is_refused() -> None:
    meter = FakeMeter()
    meter.ask(32, aarq(1, 1, PASSWORD))
    assert meter.ask(32, REPLY_TO_HLS + "09083132333435363738") == "c701c10300"
    assert meter.access.failures == {1: 0}


def test_short_names_reply_at_fa58_by_reading_or_writing() -> None:
    for request in ("050104fa5800%s", "060102fa5801%s"):
        meter = FakeMeter()
        answer = meter.ask(32, aarq(2, 3, b"K56iVagY", conformance="1c1b20"))
        at = answer.index("aa128010") + 8
        proof = hashlib.md5(bytes.fromhex(answer[at : at + 32]) + SECRETS[1]).hexdigest()
        assert meter.ask(32, "0501021ce8") == "0e050201"
        own = hashlib.md5(b"K56iVagY" + SECRETS[1]).hexdigest()
        done = "0c01000910" + own if request.startswith("05") else "0d0100"
        assert meter.ask(32, request % ("0910" + proof)) == done
        assert meter.ask(32, "0501021ce8") == "0c0100060012d687"


# --- ends -----------------------------------------------------------------------------------------------------------


def test_a_release_ends_the_association() -> None:
    for request, answer in (
        ("6203800100", "6303800100"),
        ("6200", "6303800100"),
        (
            "6215800100be10040e01000000065f1f0400001e1f0000",
            "6315800100be10040e0800065f1f0400001e1f04000007",
        ),
    ):
        meter = FakeMeter()
        meter.ask(16, aarq())
        assert meter.ask(16, request) == answer
        assert meter.ask(16, GET_ENERGY) == NOT_POSSIBLE
        assert meter.ask(16, request) == "6303800100"


def test_the_server_tells_what_its_associations_are_worth() -> None:
    meter = FakeMeter()
    told = [meter.server.standing]
    for client, apdu in (
        (32, aarq(1, 1, b"wrong")),
        (32, HIGH.replace("80205", "80203")),  # the client has yet to prove itself
        (16, aarq()),
        (32, aarq(1, 1, PASSWORD)),
        (16, "6200"),
        (32, "6200"),
        (16, aarq()),
    ):
        meter.ask(client, apdu)
        told.append(meter.server.standing)
    assert told == [0, 0, 0, 1, 2, 2, 0, 1]
    meter.server.released()
    assert meter.server.standing == 0


def test_a_release_that_is_none_changes_nothing() -> None:
    meter = FakeMeter()
    meter.ask(16, aarq())
    assert meter.ask(16, "6204800100") == ""
    assert meter.ask(16, GET_ENERGY) == ENERGY_IS


def test_a_new_request_replaces_the_association_even_if_it_is_refused() -> None:
    meter = FakeMeter()
    meter.ask(32, aarq(1, 1, PASSWORD))
    assert outcome(meter.ask(32, aarq(2, 1, PASSWORD, conformance="1c1b20"))) == (0, 0)
    assert meter.ask(32, "0501021ce8") == "0c0100060012d687"
    meter.ask(32, aarq(1, 1, b"wrong"))
    assert meter.ask(32, "0501021ce8") == "0e050201"


def test_clients_have_associations_of_their_own_and_the_connection_ends_them_all() -> None:
    meter = FakeMeter()
    meter.ask(16, aarq())
    meter.ask(32, aarq(2, 1, PASSWORD, conformance="1c1b20"))
    assert meter.ask(16, GET_ENERGY) == ENERGY_IS
    assert meter.ask(32, "0501021ce8") == "0c0100060012d687"
    assert meter.ask(48, GET_ENERGY) == NOT_POSSIBLE
    meter.server.released()
    assert meter.ask(16, GET_ENERGY) == NOT_POSSIBLE


def test_other_logical_devices_are_silent() -> None:
    meter = FakeMeter()
    for device in (0, 2, 16, 127, 0x3FFF):
        assert meter.server.request(16, device, bytes.fromhex(aarq())) is None


def test_what_is_no_service_of_the_server_is_told_apart() -> None:
    meter = FakeMeter()
    assert meter.ask(16, "0501021ce8") == "0e050201"
    assert meter.ask(16, "0601021ce8010600000000") == "0e060201"
    assert meter.ask(16, "1601021ce8010600000000") == ""
    assert meter.ask(16, "d9c100000000") == "d80202"
    assert meter.ask(16, "d80101") == ""
    meter.ask(16, aarq())
    assert meter.ask(16, "0501021ce8") == "d80202"
    assert meter.ask(16, "c009c1") == "d80202"
    assert meter.ask(16, "0e010600") == ""
    assert meter.ask(16, "") == ""
    assert meter.server.request(16, 1, bytes(1025)) == b"\xd8\x01\x04"
