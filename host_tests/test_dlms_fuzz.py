"""Damaged dialogues: an answer by the protocol's own errors or silence, nothing changed, the next client served."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host_tests.dlms_dialogues import LOG_INS, LOGICAL, SHORT, SHORT_LOG_INS, Fuzz, hold, unchanged
from host_tests.dlms_fakes import FakeMeter

SHARES = 4


def run(seed: int, dialogues: int) -> None:
    fuzz = Fuzz(seed)
    for n in range(dialogues):
        client = 16 + 16 * (n % 2)
        meter = FakeMeter(policy=3 * (n % 3 == 0), max_pdu=256 if n % 5 else 1024)
        dialogue = fuzz.dialogue()
        try:
            hold(meter, client, dialogue)
            unchanged(meter, client)
        except Exception as error:
            text = [apdu.hex() for apdu in dialogue]
            raise AssertionError(f"seed {seed}, dialogue {n}, client {client}: {text}") from error


@pytest.mark.parametrize("seed", range(SHARES))
def test_damaged_dialogues_change_nothing(seed: int) -> None:
    run(seed, 19_000 // SHARES)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 120))
def test_a_million_damaged_dialogues_change_nothing(seed: int) -> None:
    run(seed, 50_000)


PLAIN = [bytes.fromhex(text) for text in (*LOG_INS, *LOGICAL, *SHORT_LOG_INS, *SHORT)]


@settings(max_examples=1000, deadline=None)
@given(
    st.lists(st.one_of(st.sampled_from(PLAIN), st.binary(max_size=60)), max_size=6),
    st.sampled_from([LOG_INS[0], LOG_INS[3], SHORT_LOG_INS[0], SHORT_LOG_INS[1]]),
)
def test_any_bytes_have_an_answer_or_none(apdus: list[bytes], log_in: str) -> None:
    meter = FakeMeter(max_pdu=128)
    hold(meter, 32, [bytes.fromhex(log_in), *apdus])
    unchanged(meter, 32)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255), st.binary(min_size=1, max_size=40)), max_size=8))
def test_any_client_and_any_device_are_borne(requests: list[tuple[int, int, bytes]]) -> None:
    meter = FakeMeter()
    for client, device, apdu in requests:
        meter.server.request(client, device, apdu)
    meter.server.released()
    hold(meter, 16, [])
