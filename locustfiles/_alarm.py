"""Waiting until a moment of `time.perf_counter()`, to some 0.1 ms where gevent.sleep is some 0.7 ms late."""

import ctypes
import os
import sys
import time

import gevent

NANOSECONDS = 1_000_000_000
TFD_TIMER_ABSTIME = 1
READ = 1


class Timespec(ctypes.Structure):
    """C's `struct timespec`."""

    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class Itimerspec(ctypes.Structure):
    """C's `struct itimerspec`: an interval of zero makes the timer ring once."""

    _fields_ = (("interval", Timespec), ("value", Timespec))


class SleepAlarm:
    """What every platform has."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def wait_until(self, moment):
        """Return at once when the moment has passed."""
        seconds = moment - time.perf_counter()
        if seconds > 0:
            gevent.sleep(seconds)


class TimerfdAlarm:
    """A timerfd watched by gevent's loop. Python has it from 3.13 on only, so it is asked of the C library.

    The kernel wakes the loop to the microsecond, whereas a timeout of the loop itself is rounded up to milliseconds.
    Linux's perf_counter is CLOCK_MONOTONIC, so that moments need no conversion.
    """

    def __enter__(self):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = self.libc.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self.descriptor < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self.watcher = gevent.get_hub().loop.io(self.descriptor, READ)
        return self

    def __exit__(self, *_):
        self.watcher.close()
        os.close(self.descriptor)

    def wait_until(self, moment):
        """Return at once when the moment has passed."""
        if moment <= time.perf_counter():
            return
        # Setting the timer also takes back that it rang: nothing has to be read from the descriptor.
        value = Itimerspec(Timespec(0, 0), Timespec(*divmod(int(moment * NANOSECONDS), NANOSECONDS)))
        if self.libc.timerfd_settime(self.descriptor, TFD_TIMER_ABSTIME, ctypes.byref(value), None) < 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime")
        gevent.get_hub().wait(self.watcher)


Alarm = TimerfdAlarm if sys.platform == "linux" else SleepAlarm
