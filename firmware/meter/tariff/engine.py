"""What happens to the registers as time goes by: periods end, rates change, billing periods are reset.

The energy record only ever grows; everything else is a snapshot of it. The meter books an increment, saves the energy
record and calls `tick`. What has been booked before a tick belongs to the periods and rates that held before it. What a
tick does is, in this order: ring entries are appended, the tariff record is saved. The save is what makes all of it
true, so power lost anywhere leaves a period still open, which the next life closes late and alike.
"""

import errno
from struct import pack, unpack

from micropython import const

from meter.tariff import load_profile as status
from meter.tariff.billing import COMMUNICATION, SNAPSHOTS, TARIFF_CHANGE, TIME_SWITCH
from meter.tariff.periods import FAR, next_boundary
from meter.tariff.reset_plan import ResetPlan
from meter.tariff.tariff_record import TariffRecord

# Events to log, by the product family's numbers
_PROFILES_CLEARED = (3, 193)  # stored values or load profile 1; load profile 2
_BILLING_RESET = const(8)  # detail: source
_END_BY_CLOCK = const(42)  # irregular end of a demand period
_END_BY_TARIFF = const(43)

_LATE_S = const(3600)  # intervals that ended longer ago get no entries of their own
_SAVE_S = const(5)  # energy is saved more often than that
_DAY_S = const(86400)
_STATE = "<2B5I3B"

# Parts of the record
_POWER_FACTOR, _ENGINE, _DEMAND, _BILLING, _PROFILE, _RATES = 0, 1, 2, 3, 4, 16


class Engine:
    """`record`: a records.Record at layout.TARIFF. `clock`: tariff.clock.Clock. `rates`: what enables the registers:

        update(utc, inputs)   look what holds from now on
        demand, energy        masks of enabled rates, bit 0 for rate 1, after an update as the next two
        period_end            a signal has ended the demand period now
        reset_due             source of a billing reset that a signal demands now, or 0
        demand_inhibited      energy does not count to demand now
        next_change           when to look again, UTC
        pack(), unpack(data)  what of them is kept: a part of the tariff record

    `profiles`: none, one or two LoadProfile. To be set: `note(event, detail, utc)` logs events, `status()` gives what
    the profiles' status word says of now (fatal errors, disturbed values, alerts), and `reset_plan.date`.

    After `load` nothing happens until `power_up`. `is_saved`: the tariff record holds all that has happened, else every
    tick tries again; `rings_failed`: one did not take an entry, for the meter to see and set back. `closing`: to be set
    when a clearing is due, which could take a reset by command or button with it: none is made any more. `down`: when
    `power_down` was, in this life or the one before; 0 if the supply went without.
    """

    def __init__(self, record, clock, rates, demand, billing, profiles: tuple, parameters):
        self.demand, self.billing, self.profiles, self.rates = demand, billing, profiles, rates
        self.is_saved = True
        self.rings_failed = self.closing = False
        self.note = lambda _event, _detail, _utc: None
        self.status = lambda: 0
        self.reset_plan = ResetPlan(clock, parameters)
        parts = {_ENGINE: self, _DEMAND: demand, _BILLING: billing, _RATES: rates}
        if demand.power_factor:
            parts[_POWER_FACTOR] = demand.power_factor
        parts.update({_PROFILE + n: profiles[n] for n in range(len(profiles))})
        self._parts = parts
        self._rings = billing.rings + tuple([profile.ring for profile in profiles])
        self._record = TariffRecord(record, parts)
        self._clock, self._parameters = clock, parameters
        self._due = FAR  # until when a tick has nothing to do
        self._inputs = 0
        self._events: list = []  # to be noted once they are true
        self._running = False  # between power_up and power_down
        self._lives = False  # there was a power_up in this life
        self._is_new = True
        self.down = 0
        self._saved = 0  # time of what is on record
        self._set_from = 0  # the clock's time before it was set, until energy has been saved since
        self._mask = 0  # of demand, as it has held up to now
        self._energy_mask: "int | None" = None  # in this life
        self._inhibited_until = 0

    @property
    def damaged(self) -> bool:
        """The tariff record was lost, so maxima, stored values and profiles begin anew."""
        return self._record.damaged

    @property
    def foreign(self) -> bool:
        """The tariff record is a newer firmware's."""
        return self._record.foreign

    # --- life -------------------------------------------------------------------------------------------------------

    def load(self) -> None:
        """Take over what is stored. OSError if a memory does not answer, or if a newer firmware wrote it."""
        stored = self._record.load()
        self._is_new = _ENGINE not in stored
        for number in sorted(self._parts):
            part, data = self._parts[number], stored.get(number)
            if _PROFILE <= number < _RATES:
                if data is None or not part.unpack(data):
                    self._clear(number - _PROFILE)
                    if self._is_new and not self.damaged:  # it never had anything
                        part.marks = 0
                        self._events = []
            elif data is not None:
                part.unpack(data)
            elif number == _BILLING:
                for ring in part.rings:
                    ring.clear()

    def power_up(self, utc: int, last_alive_utc: int = 0, inputs: int = 0) -> None:
        """Begin, or go on after `power_down` if the supply has held. `last_alive_utc`: time of the energy record that
        was found, 0 if there is none."""
        if self._running:
            return
        held, self._lives = self._lives, True
        if not self.down and not self._is_new:  # the supply went without warning
            self._stop(self._last_alive(last_alive_utc))
        if utc < last_alive_utc:  # the clock has been put back since
            self._set_from = last_alive_utc
        down, self.down = self.down, 0
        self._running = True
        for n in range(len(self.profiles)):
            profile = self.profiles[n]
            if held and down <= utc < profile.next:
                profile.marks |= status.POWER_UP
            else:
                self._enter(n, utc, status.POWER_UP | status.START)
        self._resume_demand(utc, down)
        if self._is_new:
            self.billing.start(utc)
        if not held:
            self._inhibited_until = utc + self._parameters.demand_inhibition_s
        self._finish(utc, inputs, True)
        self._is_new = False
        self._due = 0  # what only the start itself has switched goes off again

    def power_down(self, utc: int) -> None:
        """Mains has been away too long: store all, then nothing happens until `power_up`."""
        if self._running:
            self._stop(utc)
            self._running = False
            self._due = FAR
            self._save(utc)

    def _stop(self, utc: int) -> None:
        self._end_intervals(utc)
        for n in range(len(self.profiles)):
            if self.profiles[n].next:
                self._enter(n, utc, status.POWER_DOWN | status.END_IRREGULAR)
        self.down = max(1, utc)

    def tick(self, utc: int, inputs: int = 0) -> None:
        """To be called whenever energy has been booked and saved. `inputs`: for the rates."""
        if utc < self._due and inputs == self._inputs:
            return
        if self._running:
            self._set_from = 0
            changed = self._end_intervals(utc)
            self._finish(utc, inputs, changed)

    def wake(self) -> None:
        """Let the next tick look at everything: the rates have been told something."""
        self._due = 0

    def keep(self) -> bool:
        """Save what communication has told the rates, which holds from the next tick on; False if that has failed."""
        self._save(self._saved)
        self.wake()
        return self.is_saved

    def clock_set(self, old: int, new: int) -> None:
        """The clock has been set from `old` to `new`. A small change inside a period leaves it as it is."""
        if not self._running:
            return
        self._end_intervals(old)
        for n in range(len(self.profiles)):
            if not self._stays(self.profiles[n], old, new):
                self._enter(n, old, status.CLOCK_SET | status.BEFORE_CLOCK_SET | status.END_IRREGULAR)
                self._enter(n, new, status.CLOCK_SET | status.START)
        if not self._stays(self.demand, old, new):
            self._close_demand(old, new)
            self._events.append((_END_BY_CLOCK, 0))
        self.billing.shift(new - old)
        if self._inhibited_until:
            self._inhibited_until += new - old
        self._set_from = old
        if new < old - _DAY_S:  # otherwise what has been done at its time is not done again
            self.reset_plan.due = 0
        self._finish(new, self._inputs, True)

    # --- commands ---------------------------------------------------------------------------------------------------

    def reset(self, source: int, utc: int) -> bool:
        """A billing reset, wanted by a `source` of billing.py; False if it is not allowed or locked out. OSError if its
        values cannot be stored: then it has not happened."""
        if not self._running:
            return False
        self._end_intervals(utc)
        try:
            return self._cause(source, utc)
        finally:
            self._finish(utc, self._inputs, True)

    def reset_by_command(self) -> None:
        """A billing reset now, wanted by communication. ValueError if that is no source of resets; OSError if it is
        locked out, something is about to be cleared, or its values cannot be stored."""
        parameters = self._parameters
        if not (parameters.reset_sources | parameters.snapshot_sources) >> COMMUNICATION - 1 & 1:
            raise ValueError("reset: not by communication")
        if self.closing or not self.reset(COMMUNICATION, self._clock.utc()):
            raise OSError(errno.EAGAIN, "reset: locked out")

    def snapshot(self, source: int, utc: int) -> None:
        """Store the values of now in the second scheme. OSError if they cannot be."""
        if self._running:
            self._end_intervals(utc)
            self.billing.store(SNAPSHOTS, source, utc, self.billing.count)
            self._finish(utc, self._inputs, True)

    def end_period(self, utc: int, forget: bool = False) -> None:
        """End the demand period now, as a signal from outside does; or `forget` it and the last one, maxima stay."""
        if self._running:
            self._end_intervals(utc)
            if forget:
                self.demand.restart(utc, self._boundary(self.demand, utc))
            else:
                self._end_externally(utc)
            self._finish(utc, self._inputs, True)

    def mark(self, bits: int) -> None:
        """Bits for the status word of the running intervals."""
        for profile in self.profiles:
            profile.marks |= bits

    def clear_profile(self, n: int, utc: int) -> None:
        """Throw the entries of a profile away. OSError from its ring."""
        if self._running:
            self._clear(n)
            self._save(utc)  # until then the entries are there, and a new one must not lie among them
            self._enter(n, utc, status.START)
            self._finish(utc, self._inputs, True)

    def clear_stored(self) -> None:
        """Throw all entries of profiles and all stored values away, between `load` and `power_up`. OSError as above."""
        for part in self.profiles + self.billing.rings:
            part.clear()
        self._save(self._saved)

    def _clear(self, n: int) -> None:
        self.profiles[n].clear()
        self._events.append((_PROFILES_CLEARED[n], n + 1))

    # --- periods ----------------------------------------------------------------------------------------------------

    def _end_intervals(self, utc: int) -> bool:
        """End all periods that should have ended by now; True if there were any."""
        changed = self._end_demand(utc)
        for n in range(len(self.profiles)):
            profile = self.profiles[n]
            while 0 < profile.next <= utc:
                end = profile.next
                self._enter(n, end, status.END_INTERNAL)
                if utc - end > _LATE_S:
                    profile.next = self._boundary(profile, utc)
                elif utc >= profile.next:  # a ring has room for few entries that are not true yet
                    self._save(utc)
                changed = True
        return changed

    def _end_demand(self, utc: int) -> bool:
        demand = self.demand
        if not 0 < demand.next <= utc:
            return False
        for _ in range(demand.subperiods + 1):  # then all that is missed is empty
            if utc >= demand.next:
                self._close_demand(demand.next, demand.next)
        if utc >= demand.next:
            demand.next = self._boundary(demand, utc)
            demand.begun = demand.next - demand.step_s
        return True

    def _close_demand(self, utc: int, begun: int) -> None:
        """End the demand period at `utc`, the next one begins at `begun`, which differs where the clock is set."""
        self.demand.close(utc, self._boundary(self.demand, begun), self._mask)
        self.demand.begun = begun

    def _resume_demand(self, utc: int, down: int) -> None:
        demand = self.demand
        if not demand.next:
            demand.begin(utc, self._boundary(demand, utc))
        elif demand.next != FAR and utc < demand.next - demand.step_s:  # the clock has lost its time
            self._close_demand(down, utc)
        elif not self._end_demand(utc) and demand.next == FAR:  # it may be the clock's from now on
            demand.next = self._boundary(demand, utc)

    def _end_externally(self, utc: int) -> None:
        self._close_demand(utc, utc)
        if self.profiles:
            self._enter(0, utc, status.END_EXTERNAL)

    def _enter(self, n: int, utc: int, bits: int) -> None:
        """Make an entry in a profile, from which its next interval runs."""
        profile = self.profiles[n]
        bits |= self.status()
        if self._clock.zone(utc)[1]:
            bits |= status.DAYLIGHT_SAVING
        if not self._clock.valid:
            bits |= status.CLOCK_INVALID
        try:
            profile.append(utc, bits)
        except OSError:
            self.rings_failed = True
        profile.next = self._boundary(profile, utc)

    def _boundary(self, part, utc: int) -> int:
        """When the running period of demand or a profile ends by the clock."""
        is_led = part is self.demand or part is self.profiles[0]
        if is_led and self._parameters.demand_control == "external":
            return FAR
        return next_boundary(self._clock.zone, utc, part.step_s)

    def _stays(self, part, old: int, new: int) -> bool:
        """Whether a period goes on although the clock is set."""
        in_it = part.next == FAR or part.next - part.step_s <= new < part.next
        return in_it and abs(new - old) <= self._parameters.shift_limit_s

    # --- rates and resets -------------------------------------------------------------------------------------------

    def _finish(self, utc: int, inputs: int, changed: bool) -> None:
        """What follows the end of periods: rates, resets, the save, and when to look again."""
        self._inputs = inputs
        if self._switch(utc, inputs):
            changed = True
        if self._reset_by_time(utc):
            changed = True
        due = min(self.demand.next, self.rates.next_change, self.reset_plan.due or FAR, self._inhibited_until or FAR)
        for profile in self.profiles:
            due = min(due, profile.next)
        self._due = due
        if changed or not self.is_saved:
            self._save(utc)

    def _switch(self, utc: int, inputs: int) -> bool:
        """Let new rates hold, and do what signals demand; True if something has changed."""
        rates, energy, changed = self.rates, self._energy_mask, False
        rates.update(utc, inputs)
        if rates.period_end:
            self._end_externally(utc)
            changed = True
        elif rates.demand != self._mask and self._parameters.demand_on_tariff_change and not self._is_new:
            self._close_demand(utc, utc)
            self._events.append((_END_BY_TARIFF, 0))
        if rates.demand != self._mask:
            self._mask = rates.demand
            changed = True
        if self._inhibited_until and utc >= self._inhibited_until:
            self._inhibited_until = 0
        if self.demand.inhibit(self._inhibited_until > 0 or bool(rates.demand_inhibited)):
            changed = True
        self._energy_mask = rates.energy
        source = rates.reset_due
        if not source and energy is not None and energy != rates.energy:
            source = TARIFF_CHANGE
        return bool(source and self._try_cause(source, utc)) or changed

    def _reset_by_time(self, utc: int) -> bool:
        """Make the reset that is due, also late, and plan the next one; True if either was done."""
        billing, plan = self.billing, self.reset_plan
        if not plan.is_due(utc, billing.utc if billing.source == TIME_SWITCH else 0):
            return False
        if plan.due and not self._try_cause(TIME_SWITCH, utc) and self.rings_failed:
            return False  # to be tried again
        plan.advance(utc)
        return True

    def _try_cause(self, source: int, utc: int) -> bool:
        """`_cause` where nobody waits for an answer."""
        try:
            return self._cause(source, utc)
        except OSError:
            self.rings_failed = True
            return False

    def _cause(self, source: int, utc: int) -> bool:
        """Do what a source of resets is there for: False if that is nothing, or it is locked out."""
        parameters, billing = self._parameters, self.billing
        bit = 1 << source - 1
        resets, stores = parameters.reset_sources & bit, parameters.snapshot_sources & bit
        if not (resets or stores) or parameters.reset_lockout_min and billing.lockout_s(source, utc):
            return False
        if stores:
            billing.store(SNAPSHOTS, source, utc, billing.count)
        if resets:
            if parameters.demand_on_reset:
                self._close_demand(utc, utc)
            billing.reset(source, utc)
            self.mark(status.BILLING_RESET)
            self._events.append((_BILLING_RESET, source))
        billing.lock_out(source, utc + parameters.reset_lockout_min * 60)
        return True

    # --- the record -------------------------------------------------------------------------------------------------

    def _save(self, utc: int) -> None:
        self._saved = utc
        try:
            self._record.save()
        except OSError:
            self.is_saved = False
            if self._running:
                self._due = 0
            return
        self.is_saved = True
        for ring in self._rings:
            ring.commit()
        events, self._events = self._events, []
        for event, detail in events:
            self.note(event, detail, utc)

    def _last_alive(self, utc: int) -> int:
        """When this meter was last alive: the time of its energy record, unless that was told by the clock before it
        was set and the supply went before energy was saved again."""
        is_old = 0 <= self._set_from - utc < _SAVE_S
        return self._saved if is_old else max(utc, self._saved)

    def pack(self) -> bytes:
        """Its own part of the record."""
        times = self.down, self._saved, self._set_from, self.reset_plan.due, self._inhibited_until
        return pack(_STATE, self._mask, 0, *times, *self.reset_plan.settings)

    def unpack(self, data) -> None:
        """Take over what `pack` has made."""
        state = unpack(_STATE, data)
        self._mask = state[0]
        self.down, self._saved, self._set_from, self.reset_plan.due, self._inhibited_until = state[2:7]
        if state[7:] != self.reset_plan.settings:
            self.reset_plan.due = 0
