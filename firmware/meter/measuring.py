"""The measuring task: serves the metering chip, starts it anew after trouble, and says what was wrong."""

import asyncio
import time

from micropython import const

from drivers.ade9000 import ChipError
from meter.events import error_register as error
from meter.events import log
from meter.metrology import audit

_CHIP_RETRY_MS = const(200)
_INTERVALS_UNTIL_CALIBRATED = const(3)  # until the chip has its corrections, and one with the old ones has passed
_NOTE_AGAIN_MS = const(60_000)


class Measuring:
    """`metering`: meter.metering.Metering. `may_count()`: the meter knows its constants and what it has counted so far.
    `book(increment)` is given the energies of each interval that counts.

    `at_work`: set whenever the task is seen to go on.
    """

    def __init__(self, metering, errors, counters, journal, may_count, book):
        self.at_work = True
        self._metering, self._errors, self._counters, self._journal = metering, errors, counters, journal
        self._may_count, self._book = may_count, book
        self._trouble = ""  # what was last wrong with the metering chip
        self._noted: "int | None" = None  # when an event was last made of it
        self._rejected = 0  # implausible readings that have been logged
        self._rejected_noted: "int | None" = None  # when they were
        self._uncounted = 0  # intervals still to be left out

    async def run(self) -> None:
        """Keep the metering chip running; after any trouble with it start it anew."""
        metering = self._metering
        while True:
            try:
                await metering.start()
                try:
                    await self._serve_chip()
                except ChipError:
                    self.rescue()
                    raise
            except ChipError as trouble:
                self._report(str(trouble))
                self.at_work = True
                self._errors.set(error.MEASURING_SYSTEM)
                self._counters.add("metering_restarts")
                metering.invalidate()
                await asyncio.sleep_ms(_CHIP_RETRY_MS)

    def rescue(self) -> None:
        """Book what the chip has added up, before it is reset or the firmware is."""
        self._count(self._metering.rescue())

    @property
    def is_well(self) -> bool:
        """The chip measures."""
        return not self._trouble

    def leave_out(self) -> None:
        """Do not count before the chip has the corrections of a first calibration."""
        self._uncounted = _INTERVALS_UNTIL_CALIBRATED

    def _report(self, trouble: str) -> None:
        """Print what is wrong with the chip, once for each new trouble, and log it, once a minute at most."""
        if trouble != self._trouble:
            self._trouble = trouble
            print("metering:", trouble)
        if _is_due(self._noted):
            self._noted = time.ticks_ms()
            self._journal.note(log.MEASURING_ACCESS_ERROR)

    async def _serve_chip(self) -> None:
        metering = self._metering
        lost = metering.chip.lost_pages
        while True:
            await metering.wait()
            self.at_work = True
            metering.counting = self._may_count() and not self._uncounted
            increment = metering.take()
            if increment is not None:
                self._trouble = ""
                self._count(increment)
                self._uncounted = max(0, self._uncounted - 1)
                metering.tend()
                self._counters.add("lost_pages", metering.chip.lost_pages - lost)
                lost = metering.chip.lost_pages
                self._note_audit()
                self._note_rejected()

    def _count(self, increment) -> None:
        if increment is not None and self._metering.counting:
            self._book(increment)

    def _note_audit(self) -> None:
        """Log what the audit has found, and what it has mended."""
        metering = self._metering
        if metering.new_verdict:
            metering.new_verdict = False
            verdict = metering.audit.verdict
            event = log.PATHS_AGREE if verdict == audit.SOUND else log.PATHS_DISAGREE
            self._journal.note(event, metering.audit.detail)
            if verdict not in (audit.SOUND, audit.LOST):  # which accuse nobody
                self._errors.set(error.MEASUREMENT)
        if metering.repaired:
            self._journal.note(log.SETTINGS_REPAIRED, metering.repaired[0])
            metering.repaired = []

    def _note_rejected(self) -> None:
        """Log implausible readings of the energies, once a minute at most. One costs nothing, many in a row may."""
        billing = self._metering.billing
        if billing.new_beginnings:
            self._errors.set(error.MEASUREMENT)
        if billing.rejected != self._rejected and _is_due(self._rejected_noted):
            self._rejected, self._rejected_noted = billing.rejected, time.ticks_ms()
            self._journal.note(log.READING_REJECTED, billing.rejected)


def _is_due(noted: "int | None") -> bool:
    """Whether what was last logged at `noted` (ticks, None: never) may be logged again."""
    return noted is None or time.ticks_diff(time.ticks_ms(), noted) > _NOTE_AGAIN_MS
