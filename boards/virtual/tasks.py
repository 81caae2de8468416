"""Task and TaskQueue for `asyncio` in place of the built-in C ones (`_asyncio`), whose "now" is the computer's clock.

Same names and behaviour as MicroPython's: a queue orders tasks by due tick, first in first out among equals, and a
task can be awaited, cancelled and asked whether it is done. A meter has about ten tasks, so a sorted list does.
"""

from time import ticks_diff, ticks_ms

import micropython

core = None  # asyncio.core, which imports this module and so cannot be imported by it; set by boot.py


class TaskQueue:
    """Tasks ordered by due time (`ph_key`, ticks in ms)."""

    def __init__(self):
        self._tasks = []

    def peek(self):
        return self._tasks[0] if self._tasks else None

    @micropython.native
    def push(self, task, key=None):
        task.data = None
        task.ph_key = key = ticks_ms() if key is None else key
        tasks = self._tasks
        place = 0  # from the front: most tasks that come here are due at once
        while place < len(tasks) and ticks_diff(tasks[place].ph_key, key) <= 0:
            place += 1
        tasks.insert(place, task)

    def pop(self):
        return self._tasks.pop(0)

    def remove(self, task):
        self._tasks.remove(task)


class Task:
    """A coroutine on the loop. `state`: True running, a TaskQueue of waiters, None done unseen, False done and seen."""

    def __init__(self, coro, _globals=None):
        self.coro = coro
        self.data = None  # what it waits on, or the exception to throw into it or that ended it
        self.state = True
        self.ph_key = 0

    def __iter__(self):
        if not self.state:
            self.state = False
        elif self.state is True:
            self.state = TaskQueue()
        elif type(self.state) is not TaskQueue:
            raise RuntimeError("can't wait")
        return self

    def __next__(self):
        if not self.state:
            raise self.data
        self.state.push(core.cur_task)
        core.cur_task.data = self

    def done(self):
        return not self.state

    def cancel(self):
        if not self.state:
            return False
        if self is core.cur_task:
            raise RuntimeError("can't cancel self")
        task = self
        while isinstance(task.data, Task):
            task = task.data
        if hasattr(task.data, "remove"):
            task.data.remove(task)
            core._task_queue.push(task)
        elif ticks_diff(task.ph_key, ticks_ms()) > 0:
            core._task_queue.remove(task)
            core._task_queue.push(task)
        task.data = core.CancelledError
        return True
