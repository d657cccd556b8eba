"""SIGINT and SIGTERM, once or more often: one line, the right exit code, no process left behind, all finished work kept."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM)
GRACE_SECONDS = 5.0  # for what the work itself has to close; Slurm and Kubernetes kill after 30
CHILD_SECONDS = 5.0
LOOK_SECONDS = 0.01
PR_SET_CHILD_SUBREAPER = 36

_came: list[int] = []  # signals, in their order; the first one decides how the command ends


@contextmanager
def handled() -> Iterator[None]:
    """Run a command so that a signal ends it cleanly. Ray is left as it was: up, or down.

    Only the main thread of a process receives signals; elsewhere this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {each: signal.getsignal(each) for each in SIGNALS}
    found_ray = _ray() is not None
    _install()
    _adopt_orphans()
    try:
        try:
            with _watched():
                yield
        finally:
            if not found_ray and not _came:
                _shut_down_ray()  # here, where a signal is still handled, and not when Python ends
    finally:
        if _came:
            _end()
        for each, handler in before.items():
            if handler is not None:  # it was none of Python's
                signal.signal(each, handler)


@contextmanager
def _watched() -> Iterator[None]:
    """A second thread receives signals too: the main one may hang in a call to a Ray that the same signal ended."""
    hears, wakes = os.pipe()
    os.set_blocking(wakes, False)
    before = signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(hears,), daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(wakes)


def _watch(hears: int) -> None:
    """End what has not ended by itself in time."""
    while number := os.read(hears, 1):
        if number[0] in SIGNALS:
            time.sleep(GRACE_SECONDS)
            _came.append(number[0])
            _end()
    os.close(hears)


@contextmanager
def kept_from_ray() -> Iterator[None]:
    """Ray puts handlers of its own in place of ours when it starts: one exits with code 15, one prints a stack trace."""
    ours = signal.getsignal(signal.SIGTERM) is _on_signal
    try:
        yield
    except SystemExit as error:
        if not ours or error.code != signal.SIGTERM:
            raise
        _on_signal(signal.SIGTERM, None)
    finally:
        if ours:
            _install()


def _install() -> None:
    for each in SIGNALS:
        if signal.getsignal(each) is not signal.SIG_IGN:  # as `nohup` and a shell's `&` have it
            signal.signal(each, _on_signal)


def _on_signal(number: int, _: FrameType | None) -> None:
    """The first signal stops the work; ending takes a moment, in which further ones change nothing.

    KeyboardInterrupt, also for SIGTERM: it is the only one that Ray's calls let through.
    """
    _came.append(number)
    if len(_came) == 1:
        raise KeyboardInterrupt


def _end() -> NoReturn:
    """Print the last line, end every process that was started, and exit: a clean end of Ray takes seconds itself."""
    _say()
    _end_children()
    os._exit(128 + _came[0])


def _say() -> None:
    """Print our last line, once; nothing that still runs can print after it."""
    if sys.stderr is None or _silent:
        return
    name = signal.Signals(_came[0]).name
    with suppress(OSError, ValueError):  # the reader may be gone
        sys.stdout.flush()
        what = f"interrupted by {name}. What was finished is kept; run the same command again to go on."
        print(f"loam: {what}", file=sys.stderr, flush=True)
    _silent.append(True)
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(null, stream)


_silent: list[bool] = []


def _ray() -> Any:
    """Ray, if it is up in this process."""
    ray = sys.modules.get("ray")
    is_up = getattr(ray, "is_initialized", None)  # the signal may have come while it was imported
    return ray if is_up is not None and is_up() else None


def _shut_down_ray() -> None:
    """In a thread, since Ray takes our handler of SIGTERM away before it ends its processes; the main thread puts it back."""
    if ray := _ray():
        ending = threading.Thread(target=ray.shutdown, daemon=True)
        ending.start()
        while ending.is_alive():
            _install()
            ending.join(LOOK_SECONDS)


def _adopt_orphans() -> None:
    """Ray's agents outlive a Ray that is killed; as children of ours they can still be found. Linux alone can do it."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _end_children() -> None:
    import psutil

    for _ in range(3):  # an end makes orphans, which are ours then
        children = psutil.Process().children(recursive=True)
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        if not psutil.wait_procs(children, timeout=CHILD_SECONDS)[0]:
            return
