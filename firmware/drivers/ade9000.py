"""Analog Devices ADE9000 three-phase metering front end on SPI (mode 0 or 3, up to 20 MHz).

What a meter needs of it: a checked start, energy accumulators, gap-free waveform pages, and certainty that the chip
still is what it was when it was started. Every register read carries the chip's CRC; every setting is read back.
"""

import asyncio
import time

from micropython import const

from drivers import ade9000_registers as r
from drivers.ade9000_crc import crc16, make_table

_TRIES = const(3)
_BUFFER_PAGES = const(4)

_RESET_MS = const(250)  # the chip needs about 50 from power-on; at least 100 is waited for RSTDONE
_RESET_POLL_MS = const(2)
# The chip adds up energy every 500 ms. With the caller waiting 250 ms at most, a silent chip is noticed within 1 s.
_SILENCE_MS = const(700)
_ENERGY_DUE_MS = const(490)  # from one energy interval to the time when the next is looked for
_PAGE_MS = const(2)
_IN_TIME_MS = const((3, 6))  # an interrupt so long after the last one stands for two more pages, not none, not four
_LOOK_EVERY = const(7)  # interrupts; then LAST_PAGE is read however regularly they come
_PAGE_GAP_MS = const(20)  # longer than this without a page: ask the chip why instead of trusting the interrupt line
_READABLE_PAGES = const(14)  # of the ring's 16: one is being filled, one is next
_KEPT_PAGES = const(8)  # how many are still read after an overrun
_UNFOUNDED = const(10)  # times in a row that IRQ0 may be low without a reason
_TICK_MS = const(250)

_ENERGIES = r.WATTHR_HI + r.FVARHR_HI + r.VAHR_HI
_POWERS = r.WATT + r.FVAR
_STARTED_LAST = (r.RUN, r.WFB_CFG, r.EP_CFG)
_SETTLE_MS = const((64, 128, 256, 0))  # CONFIG1.PWR_SETTLE: how long after the start no energy is counted


class ChipError(Exception):
    """The metering chip does not do its work; the text says what is wrong. The remedy is `start`."""


class NoPages(ChipError):
    """The chip counts energy but hands out no waveform pages."""


class ADE9000:
    """One chip on `spi` (machine.SPI) with select `cs` and interrupt pins; `reset` is optional (else by software).
    `crc16`: as in ade9000_crc, or its like for one processor.

    `lost_pages`, `crc_errors`: counters. `page_buffer`: room for 4 pages. `energy_elapsed_ms`: time between the last
    two energy intervals that were noticed. `needs_pages`: without waveform pages the chip is in trouble (NoPages).
    """

    def __init__(self, spi, cs, irq0, irq1, reset=None, crc16=crc16):
        self.lost_pages = 0
        self.crc_errors = 0
        self.energy_elapsed_ms = 0
        self.needs_pages = True
        self.page_buffer = bytearray(_BUFFER_PAGES * r.PAGE_BYTES)
        self._spi = spi
        self._cs = cs
        self._irq0 = irq0
        self._irq1 = irq1
        self._reset_pin = reset
        self._crc16 = crc16
        self._table = make_table()
        # header, 2 or 4 bytes of data, 2 of CRC
        self._out16, self._in16 = bytearray(6), bytearray(6)
        self._out32, self._in32 = bytearray(8), bytearray(8)
        self._burst = bytearray(2)
        self._ack_page = _frame(r.STATUS0, r.PAGE_FULL, 4)
        self._ack_energy = _frame(r.STATUS0, r.EGYRDY, 4)
        self._views: list = []
        self._viewed = None
        self._ep_cfg = r.EGY_PWR_EN
        self._cfmode = r.CF_ALL_DISABLED
        self._trim: "int | None" = None  # TEMP_TRIM, read when the first temperature is measured
        self._forget()
        self._flag = asyncio.ThreadSafeFlag()
        self._ticker = None
        self._tick_ms = _TICK_MS
        self._expired = False
        irq0.irq(handler=self._on_irq, trigger=irq0.IRQ_FALLING)
        irq1.irq(handler=self._on_irq, trigger=irq1.IRQ_FALLING)

    def _forget(self) -> None:
        """A new life of the chip begins: no pages, no energy yet."""
        self._last_page = -1  # LAST_PAGE when it was read last; -1: capture has just begun
        self._behind = 0  # full pages not yet handed out
        self._unfounded = 0
        self._armed = False  # all pages were read, and IRQ0 was high
        self._unlooked = 0  # interrupts since LAST_PAGE was read
        self._energy_ms = self._page_ms = time.ticks_ms()

    # --- registers --------------------------------------------------------------------------------------------------

    def read16(self, register: int) -> int:
        """A 16-bit register (0x480..0x4FE). ChipError if the CRC is wrong three times."""
        data = self._in16
        self._read(register, self._out16, data, 2)
        return data[2] << 8 | data[3]

    def read32(self, register: int) -> int:
        """A 32-bit register, unsigned. ChipError if the CRC is wrong three times."""
        data = self._in32
        self._read(register, self._out32, data, 4)
        return data[2] << 24 | data[3] << 16 | data[4] << 8 | data[5]

    def write16(self, register: int, value: int) -> None:
        """Set a 16-bit register and read it back. ChipError if it does not keep the value."""
        self._set(register, value, 2)

    def write32(self, register: int, value: int) -> None:
        """Set a 32-bit register and read it back. ChipError if it does not keep the value."""
        self._set(register, value, 4)

    def _read(self, register: int, out: bytearray, data: bytearray, size: int) -> None:
        out[0] = register >> 4
        out[1] = (register << 4 & 0xF0) | 8
        for _ in range(_TRIES):
            self._cs(0)
            self._spi.write_readinto(out, data)
            self._cs(1)
            if self._crc16(data, self._table, 2, size) == data[2 + size] << 8 | data[3 + size]:
                return
            self.crc_errors += 1
        raise ChipError("register 0x%03X: bad CRC, last answer %s" % (register, _hex(data)))

    def _set(self, register: int, value: int, size: int) -> None:
        for _ in range(_TRIES):
            self._send(_frame(register, value, size))
            found = self.read16(register) if size == 2 else self.read32(register)
            if found == value:
                return
        raise ChipError("register 0x%03X: 0x%X written, 0x%X read back" % (register, value, found))

    def _send(self, frame: bytes) -> None:
        self._cs(0)
        self._spi.write(frame)
        self._cs(1)

    # --- start ------------------------------------------------------------------------------------------------------

    async def start(self, setup: dict) -> None:
        """Reset the chip, see that it is an ADE9000, write and check all settings, start measuring. ChipError if not.

        `setup`: register -> value. RUN, the waveform capture and the accumulators are switched on last, in this order,
        with the values of `setup` or those this driver is made for.
        """
        await self._reset()
        self._identify()
        for register in sorted(setup):
            if register not in _STARTED_LAST:
                self._set(register, setup[register], _size(register))
        self._ep_cfg = setup.get(r.EP_CFG, r.EGY_PWR_EN)
        self._cfmode = setup.get(r.CFMODE, 0)
        self._trim = None
        self.write16(r.RUN, setup.get(r.RUN, 1))
        self.write16(r.WFB_CFG, setup.get(r.WFB_CFG, r.WFB_STREAM))
        self.write16(r.EP_CFG, self._ep_cfg)
        self._forget()
        settle_ms = _SETTLE_MS[setup.get(r.CONFIG1, 0) >> 8 & 3]
        self._energy_ms = time.ticks_add(self._energy_ms, settle_ms)

    def update(self, registers: dict) -> None:
        """Write and check settings of a running chip: register -> value. ChipError if one does not stick.

        Of CFMODE, what `enable_pulses` has made of it is kept.
        """
        for register in sorted(registers):
            value = self._cfmode if register == r.CFMODE else registers[register]
            self._set(register, value, _size(register))

    def verify(self, setup: dict) -> list:
        """Registers that do not hold what `setup` says, or what `enable_pulses` has made of it."""
        wrong = []
        for register in sorted(setup):
            wanted = self._cfmode if register == r.CFMODE else setup[register]
            found = self.read16(register) if _size(register) == 2 else self.read32(register)
            if found != wanted:
                wrong.append(register)
        return wrong

    async def _reset(self) -> None:
        self._cs(1)
        pin = self._reset_pin
        if pin is None:
            self._send(_frame(r.CONFIG1, r.SWRST, 2))
        else:
            pin(0)
            await asyncio.sleep_ms(1)  # at least 1 us
            pin(1)
        for _ in range(_RESET_MS // _RESET_POLL_MS):
            await asyncio.sleep_ms(_RESET_POLL_MS)
            if self._reset_done():
                return
        raise ChipError("no RSTDONE within %d ms of the reset" % _RESET_MS)

    def _reset_done(self) -> bool:
        """RSTDONE seen and acknowledged. A chip in reset does not answer, so a bad CRC is no error here."""
        errors = self.crc_errors
        try:
            if not self.read32(r.STATUS1) & r.RSTDONE:
                return False
            self._send(_frame(r.STATUS1, r.RSTDONE, 4))
            return not self.read32(r.STATUS1) & r.RSTDONE
        except ChipError:
            self.crc_errors = errors
            return False

    def _identify(self) -> None:
        part, version = self.read32(r.PART_ID), self.read16(r.VERSION)
        if not part & r.PART_ID_ADE9000 or version & r.VERSION_MASK != r.VERSION_ADE9000:
            raise ChipError("not an ADE9000: PART_ID 0x%08X, VERSION 0x%04X" % (part, version))

    # --- interrupts -------------------------------------------------------------------------------------------------

    async def wait(self, timeout_ms: int) -> bool:
        """Until an interrupt line is low or pages are left to read: True. After `timeout_ms` at the latest: False."""
        if self._pending():
            await asyncio.sleep_ms(0)  # a line that is stuck must not stop the other tasks
            return True
        self._tick_ms = timeout_ms
        if self._ticker is None:
            self._ticker = asyncio.create_task(self._tick())
        self._expired = False
        while not self._expired:
            await self._flag.wait()
            if self._pending():
                return True
        return False

    async def _tick(self) -> None:
        """End waits that last too long. One task for all of them: wait_for would make one for every page."""
        while True:
            await asyncio.sleep_ms(self._tick_ms)
            self._expired = True
            self._flag.set()

    def _pending(self) -> bool:
        return not self._irq0.value() or not self._irq1.value() or self._behind > 0

    def _on_irq(self, _pin) -> None:
        self._flag.set()

    # --- waveform pages ---------------------------------------------------------------------------------------------

    def read_pages(self, buf) -> int:
        """Read pages that have filled into the beginning of `buf`; how many. ChipError if none come any more.

        They follow the ones read before without a gap, or `lost_pages` has grown. A page: 16 sets of IA VA IB VB IC VC
        IN, signed 32-bit codes, big-endian. If more are waiting than fit, or the ring's end lies between, `wait`
        returns at once and the next call gets them.
        """
        now = time.ticks_ms()
        elapsed = time.ticks_diff(now, self._page_ms)
        if elapsed < _PAGE_GAP_MS:
            if not self._behind and self._irq0.value():
                return 0
        elif not self._behind and not self.read32(r.STATUS0) & r.PAGE_FULL:
            if elapsed >= _SILENCE_MS and self.needs_pages:
                raise NoPages("no waveform page for %d ms" % elapsed)
            return 0
        self._send(self._ack_page)
        if self._regular(elapsed):
            self._last_page = (self._last_page + 2) & (r.PAGES - 1)
            self._behind = 2
            self._page_ms = now
        else:
            self._count_pages(self.read16(r.WFB_TRG_STAT) >> 12, elapsed, now)
        if not self._behind:
            self._unfounded += 1
            if self._unfounded > _UNFOUNDED:
                raise ChipError("IRQ0 low without a cause, STATUS0 0x%08X" % self.read32(r.STATUS0))
            return 0
        self._unfounded = 0
        first = (self._last_page - self._behind + 1) & (r.PAGES - 1)
        pages = min(self._behind, len(buf) // r.PAGE_BYTES, r.PAGES - first)
        self._read_burst(buf, first, pages)
        self._behind -= pages
        self._armed = not self._behind and bool(self._irq0.value())
        return pages

    def _regular(self, elapsed: int) -> bool:
        """Whether an interrupt `elapsed` ms after the last one needs no look at LAST_PAGE; saves a transaction.

        If all pages up to an odd one had been read and the line was high then, its fall says that the next odd page is
        full: the count is never ahead of the truth. Should it be behind, the next look makes up for it.
        """
        sure = self._armed and not self._behind and self._last_page & 1
        if not sure or not _IN_TIME_MS[0] <= elapsed <= _IN_TIME_MS[1]:
            self._unlooked = 0
            return False
        self._unlooked = (self._unlooked + 1) % _LOOK_EVERY
        return self._unlooked != 0

    def _count_pages(self, last: int, elapsed: int, now: int) -> None:
        """Take note that page `last` of the ring is full, `elapsed` ms after the last news."""
        if self._last_page < 0:
            fresh = 2  # the interrupt comes with every second page
        else:
            fresh = (last - self._last_page) & (r.PAGES - 1)
            # LAST_PAGE does not tell how often the ring has gone round; the clock does.
            rounds = (elapsed // _PAGE_MS - fresh + r.PAGES // 2) // r.PAGES
            if rounds > 0:
                fresh += r.PAGES * rounds
        if fresh:
            self._last_page = last
            self._page_ms = now
            self._behind += fresh
        if self._behind > _READABLE_PAGES:
            self.lost_pages += self._behind - _KEPT_PAGES
            self._behind = _KEPT_PAGES

    def _read_burst(self, buf, first: int, pages: int) -> None:
        if buf is not self._viewed:
            self._make_views(buf)
        size = pages * r.PAGE_BYTES
        view = self._views[pages - 1]
        address = r.BUFFER + first * r.PAGE_WORDS
        header = self._burst
        header[0] = address >> 4
        header[1] = (address << 4 & 0xF0) | 8
        for _ in range(_TRIES):
            self._cs(0)
            self._spi.write(header)
            self._spi.readinto(view)
            self._cs(1)
            if self._crc16(buf, self._table, 0, size) == self.read16(r.CRC_SPI):
                return
            self.crc_errors += 1
        raise ChipError("waveform page %d: bad CRC" % first)

    def _make_views(self, buf) -> None:
        """A view of each number of pages, so that reading allocates nothing."""
        view = memoryview(buf)
        pages = len(buf) // r.PAGE_BYTES
        self._views = [view[: n * r.PAGE_BYTES] for n in range(1, pages + 1)]
        self._viewed = buf

    # --- energy -----------------------------------------------------------------------------------------------------

    def energy_ready(self) -> bool:
        """True once after each energy interval (EGYRDY). ChipError if the chip was reset, has an error or is silent."""
        self._check_irq1()
        now = time.ticks_ms()
        elapsed = time.ticks_diff(now, self._energy_ms)
        if elapsed < _ENERGY_DUE_MS:
            return False
        if self.read32(r.STATUS0) & r.EGYRDY:
            self._send(self._ack_energy)
            self._energy_ms = now
            self.energy_elapsed_ms = elapsed
            return True
        if elapsed >= _SILENCE_MS:
            raise ChipError("no energy interval for %d ms" % elapsed)
        return False

    def energy_age_ms(self) -> int:
        """Time since the last energy interval that was noticed, ms."""
        return time.ticks_diff(time.ticks_ms(), self._energy_ms)

    def read_energies(self, out) -> int:
        """Accumulators into `out`: signed codes of active energy L1, L2, L3, then fundamental reactive L1, L2, L3, and
        apparent L1, L2, L3 if `out` has nine places. Returns which powers were negative in the last interval: bits 0..2
        active, 3..5 reactive L1..L3.

        They run on from the start and are never cleared: energy is their difference modulo 2**32. ChipError if the chip
        is not the one that was started: `out` is then worthless.
        """
        self._check_irq1()
        for n in range(len(out)):
            out[n] = _signed(self.read32(_ENERGIES[n]))
        signs = self.read16(r.PHSIGN)
        # A reset stops the chip and switches the accumulators off until the next start: if both still run now, they
        # ran all the time.
        run, ep_cfg = self.read16(r.RUN), self.read16(r.EP_CFG)
        if run != 1 or ep_cfg != self._ep_cfg:
            raise ChipError("chip stopped: RUN %d, EP_CFG 0x%04X" % (run, ep_cfg))
        self._check_irq1()
        negative = 0
        for n in range(3):
            negative |= (signs >> 2 * n & 1) << n | (signs >> 2 * n + 1 & 1) << 3 + n
        return negative

    def enable_pulses(self, first: bool, second: bool, choices: "int | None" = None) -> None:
        """Let CF1 and CF2 flash, or keep them dark. `choices`: what they show, as in CFMODE; None: what they did."""
        dark = (0 if first else r.CF1_DISABLED) | (0 if second else r.CF2_DISABLED)
        cfmode = self._cfmode & ~(r.CF1_DISABLED | r.CF2_DISABLED) | dark
        if choices is not None:
            cfmode = cfmode & ~r.CF_CHOICES | choices
        if cfmode != self._cfmode:
            self.write16(r.CFMODE, cfmode)
            self._cfmode = cfmode

    # --- other measurements -----------------------------------------------------------------------------------------

    def read_powers(self, out) -> None:
        """Powers of this moment into `out`, signed codes: active L1, L2, L3, fundamental reactive L1, L2, L3."""
        for n in range(len(_POWERS)):
            out[n] = _signed(self.read32(_POWERS[n]))

    def read_temperature(self) -> "int | None":
        """The chip's temperature in m degC, +-3 degC; measured since the last call, and the next measurement starts.

        None if none has been finished yet: one takes 256 ms.
        """
        if self.read16(r.TEMP_CFG) & r.TEMP_RUNNING:
            return None
        celsius_m = None
        if self._trim is None:
            self._trim = self.read32(r.TEMP_TRIM)
        else:
            offset, gain = self._trim >> 16, self._trim & 0xFFFF
            # degC = offset / 32 - code * gain / 65536
            celsius_m = (offset * 2048 - self.read16(r.TEMP_RSLT) * gain) * 1000 >> 16
        self._send(_frame(r.TEMP_CFG, r.TEMP_START, 2))
        return celsius_m

    def _check_irq1(self) -> None:
        """ChipError if IRQ1 tells of a reset or of an error that the chip cannot mend."""
        if self._irq1.value():
            return
        status = self.read32(r.STATUS1)
        if status & r.RSTDONE:
            raise ChipError("chip has been reset")
        if status & (r.ERROR0 | r.ERROR1 | r.ERROR3):
            raise ChipError("chip reports an error, STATUS1 0x%08X" % status)
        if status & r.ERROR2:
            self._send(_frame(r.STATUS1, r.ERROR2, 4))
        elif not self._irq1.value():
            raise ChipError("IRQ1 low without a cause, STATUS1 0x%08X" % status)


def _size(register: int) -> int:
    """Width of a register in bytes."""
    return 2 if r.FIRST_16_BIT <= register <= r.LAST_16_BIT else 4


def _frame(register: int, value: int, size: int) -> bytes:
    """What is sent to write a register."""
    return (register << 4).to_bytes(2, "big") + value.to_bytes(size, "big")


def _signed(value: int) -> int:
    return value - (1 << 32) if value >> 31 else value


def _hex(data: bytearray) -> str:
    return "".join("%02X" % b for b in data)
