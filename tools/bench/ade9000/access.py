"""Reading and writing registers: which are computed, which act, which are locked or read-only."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tools.bench.ade9000 import registers as r
from tools.bench.ade9000 import status as st
from tools.bench.ade9000.core import Core

LOCK, UNLOCK = 0x3C64, 0x4AD1


class RegisterAccess:
    """What the SPI front reaches: `read` and `write` by 12-bit address, unsigned values; the waveform buffer's bursts.

    `soft_reset` is called for CONFIG1.SWRST. `stuck`: address -> value an injected fault makes it read as.
    """

    def __init__(self, core: Core, soft_reset: Callable[[], None]) -> None:
        self.core, self._soft_reset = core, soft_reset
        self.stuck: dict[int, int] = {}
        self._locked = False
        self.readers: dict[int, Callable[[], int]] = dict(core.results.readers)
        self.readers |= {
            r.STATUS0: self._status0,
            r.STATUS1: lambda: core.status.bits[1],
            r.MASK0: lambda: core.status.masks[0],
            r.MASK1: lambda: core.status.masks[1],
            r.EVENT_STATUS: self._event_status,
            r.IPEAK: lambda: self._peak(0),
            r.VPEAK: lambda: self._peak(1),
            r.WFB_TRG_STAT: lambda: core.buffer.status(core.samples),
            r.WR_LOCK: lambda: int(self._locked),
        }
        self._writers: dict[int, Callable[[int], None]] = {
            r.STATUS0: partial(self._acknowledge, 0),
            r.STATUS1: partial(self._acknowledge, 1),
            r.MASK0: partial(self._mask, 0),
            r.MASK1: partial(self._mask, 1),
            r.RUN: lambda value: core.run(bool(value & 1)),
            r.CONFIG1: self._config1,
            r.EP_CFG: self._ep_cfg,
            r.WFB_CFG: self._wfb_cfg,
            r.WFB_PG_IRQEN: self._wfb_pages,
            r.WFB_TRG_CFG: self._wfb_trigger,
            r.TEMP_CFG: lambda value: core.thermometer.configure(value, core.now),
            r.CRC_FORCE: lambda value: core.crc.force(value, core.now),
        }

    def reset(self) -> None:
        """Chip reset."""
        self._locked = False

    def read(self, address: int) -> int:
        """Value of a register; reserved addresses read 0. Reading may clear (xPEAK, energies with RD_RST_EN)."""
        self.core.look()
        reader = self.readers.get(address)
        if reader is not None:
            value = reader() & 0xFFFFFFFF
        elif address >= r.BUFFER:
            self.core.buffer.sync(self.core.samples)
            value = self.core.buffer.word(address)
        else:
            value = self.core.registers.get(address, 0)
        return self.stuck.get(address, value) if self.stuck else value

    def write(self, address: int, value: int) -> None:
        """Write a register; read-only, reserved and locked ones stay as they are."""
        core = self.core
        core.look()
        if address == r.WR_LOCK:
            self._locked = (value == LOCK) or (self._locked and value != UNLOCK)
            return
        if address not in r.WRITABLE or (self._locked and any(low <= address <= high for low, high in r.LOCKED)):
            return
        signal = address in r.SIGNAL_REGISTERS and core.dsp.running
        if signal:
            core.cut()
        writer = self._writers.get(address)
        if writer:
            writer(value)
        else:
            core.registers[address] = value
        core.crc.written(address, core.now)
        if signal:
            core.dsp.changed()
        core.schedule()

    def buffer_bytes(self, address: int, position: int, count: int) -> bytes:
        """Bytes of a waveform burst."""
        core = self.core
        core.look()
        core.buffer.sync(core.samples)
        return core.buffer.burst(address, position, count)

    def burst_enabled(self) -> bool:
        """CONFIG1.BURST_EN."""
        return bool(self.core.registers.get(r.CONFIG1, 0) & 1 << 11)

    def burst_channel(self) -> int:
        """WFB_CFG.BURST_CHAN."""
        return self.core.buffer.config & 0xF

    def _status0(self) -> int:
        self.core.status.refresh(self.core.samples)
        return self.core.status.bits[0]

    def _acknowledge(self, register: int, value: int) -> None:
        self.core.status.acknowledge(register, value, self.core.samples)
        self.core.status.drive(self.core.now)

    def _mask(self, register: int, value: int) -> None:
        self.core.status.refresh(self.core.samples)
        self.core.status.masks[register] = value
        self.core.registers[(r.MASK0, r.MASK1)[register]] = value
        self.core.status.drive(self.core.now)

    def _event_status(self) -> int:
        """Live: 10.. all phases out of no-load by kind, 6..9 sign of the CF sums (0 = negative), 16 DREADY."""
        noload, signs = self.core.registers.get(r.PHNOLOAD, 0), self.core.registers.get(r.PHSIGN, 0)
        some = (noload | noload >> 6 | noload >> 12) & 0x3F
        return int(self.core.dsp.running) << 16 | (~some & 0x3F) << 10 | (~signs & 0x3C0)

    def _peak(self, kind: int) -> int:
        """IPEAK (0) or VPEAK (1): largest magnitude / 32 of the phases in PEAKSEL, and which had it. Clears."""
        peaks = self.core.dsp.peaks_at(self.core.samples)
        select = self.core.registers.get(r.CONFIG3, 0) >> 2 & 7
        values = [int(peaks[2 * phase + kind] / 32) if select >> phase & 1 else 0 for phase in range(3)]
        peaks[kind::2] = 0
        highest = max(values)
        flags = sum(1 << phase for phase in range(3) if highest and values[phase] == highest)
        return flags << 24 | min(highest, 0xFFFFFF)

    def _config1(self, value: int) -> None:
        if value & 1:
            self._soft_reset()
            return
        self.core.registers[r.CONFIG1] = value & ~0x21
        self.core.status.irq0_on_irq1 = bool(value & 1 << 12)
        self.core.status.drive(self.core.now)
        if value & 1 << 5:
            self.core.dsp.clear_pulses()

    def _ep_cfg(self, value: int) -> None:
        was = self.core.registers.get(r.EP_CFG, 0)
        self.core.registers[r.EP_CFG] = value
        if (was ^ value) & 1:
            self.core.enable_energy(bool(value & 1))

    def _wfb_cfg(self, value: int) -> None:
        self.core.registers[r.WFB_CFG] = value
        self.core.buffer.configure(value, self.core.samples, self.core.dsp.running)

    def _wfb_pages(self, value: int) -> None:
        self.core.registers[r.WFB_PG_IRQEN] = value
        self.core.buffer.set_pages(value)

    def _wfb_trigger(self, value: int) -> None:
        self.core.registers[r.WFB_TRG_CFG] = value & ~(1 << 10)
        if value & 1 << 10 and self.core.buffer.trigger(self.core.samples):
            stopped = self.core.buffer.irq_at == self.core.samples
            self.core.buffer.irq_at = None if stopped else self.core.buffer.irq_at
            self.core.status.raise_bits(0, st.WFB_TRIG | (st.WFB_TRIG_IRQ if stopped else 0))
            self.core.status.drive(self.core.now)
