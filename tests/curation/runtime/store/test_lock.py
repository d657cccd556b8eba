"""One run at a time in an output folder; the lock outlives nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from curation.runtime.errors import BusyError
from curation.runtime.store.folder import Folder
from curation.runtime.store.lock import sole_run

HOLD = """
import sys, time
from curation.runtime.store.lock import sole_run
from curation.runtime.store.folder import Folder
with sole_run(Folder(sys.argv[1])):
    print("held", flush=True)
    time.sleep(120)
"""


@pytest.mark.parametrize("url", ["disk", "s3://a-bucket-of-nobody/out"])
def test_a_second_run_is_refused_until_the_first_dies_however_it_dies(url: str, tmp_path: Path) -> None:
    """Two runs in one folder mix their receipts; and after a crash nobody wants to remove lock files by hand."""
    out = Folder(str(tmp_path) if url == "disk" else f"{url}-{os.getpid()}")
    with subprocess.Popen([sys.executable, "-c", HOLD, out.url], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BusyError, match=f"process {holder.pid}") as caught, sole_run(out):
            pass
        assert caught.value.exit_code == 3
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with sole_run(out):
            pass


def test_the_lock_is_given_back_after_an_error(tmp_path: Path) -> None:
    out = Folder(str(tmp_path))
    with pytest.raises(RuntimeError), sole_run(out):
        raise RuntimeError
    with sole_run(out), pytest.raises(BusyError), sole_run(out):
        pass
