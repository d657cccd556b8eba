"""The only place that starts or joins Ray."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from curation.runtime.cluster.interruption import kept_from_ray
from curation.runtime.cluster.joining import HERE, NamedCluster, cause
from curation.runtime.errors import ConfigError, UnfinishedError

ROOM_BYTES = 8 * 2**20  # what Ray writes before the first task runs, and a little more


@dataclass(frozen=True)
class Compute:
    """Where and how work runs; nothing here may change a byte of any result.

    Args:
        address: of a running Ray cluster (`HOST:PORT`, `auto`, `ray://HOST:PORT`), or `local`; None takes RAY_ADDRESS where it is
            set, else Ray starts on this machine.
        workers: tasks at a time; None takes every core that Ray has.
    """

    address: str | None = None
    workers: int | None = None

    @property
    def may_run(self) -> bool:
        """Whether jobs may run, and damaged files may be made again."""
        return True

    def connect(self) -> Any:
        """Ray, started or joined once a process; called only when there is work, so that a finished run needs no Ray."""
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        # a signal to all of a job ends Ray's daemons too, and within a second Ray would end this process before it obeys
        os.environ.setdefault("RAY_get_check_signal_interval_milliseconds", "50")
        # Ray's message about its own tokens is of no use to our users
        logging.getLogger("ray._private.authentication").setLevel(logging.ERROR)
        import ray

        if not ray.is_initialized():
            with kept_from_ray():
                if named := NamedCluster.find(self.address):
                    named.join()
                else:
                    self._start(ray)
        return ray

    def _start(self, ray: Any) -> None:
        place = _temporary_folder()
        _check_room(*place)
        try:
            with _loopback_alone():
                ray.init(
                    address=HERE,  # else it joins whatever cluster was started last on this machine
                    num_cpus=self.workers or os.cpu_count(),
                    include_dashboard=False,
                    log_to_driver=False,
                    configure_logging=False,
                    object_store_memory=200 * 2**20,  # text goes through files, never through the object store
                )
        except Exception as error:  # Ray has no type of its own for this
            raise ConfigError(
                f"Ray does not start on this machine: {cause(error)}. Its logs are in {place[1]}/ray/session_latest/logs; "
                "RAY_TMPDIR names another folder for its files."
            ) from error

    @property
    def in_flight(self) -> int:
        """Tasks submitted at once: enough to keep the workers busy, few enough to bound what is under way."""
        if self.workers:
            return self.workers
        import ray

        return 2 * max(1, int(ray.cluster_resources().get("CPU", 1)))


@contextmanager
def _loopback_alone() -> Iterator[None]:
    """A Ray of our own listens to this machine alone. The switch is Ray's, made for systems whose firewalls ask the user."""
    from ray._private import ray_constants as constants

    variable, before = constants.ENABLE_RAY_CLUSTERS_ENV_VAR, constants.ENABLE_RAY_CLUSTER
    outside = os.environ.get(variable)
    os.environ[variable], constants.ENABLE_RAY_CLUSTER = "0", False  # for its daemons, and for this process
    try:
        yield
    finally:
        constants.ENABLE_RAY_CLUSTER = before
        del os.environ[variable]  # a `ray start` below us makes clusters as ever
        if outside is not None:
            os.environ[variable] = outside


def _temporary_folder() -> tuple[str, str]:
    """The setting that says where Ray keeps logs and sockets, and the folder."""
    for variable in ("RAY_TMPDIR", "TMPDIR"):
        if variable in os.environ:
            return f"{variable}={os.environ[variable]}", os.environ[variable]
    return "/tmp", "/tmp"


def _check_room(named: str, folder: str) -> None:
    """Ray itself would wait half a minute and then say that a node timed out.

    Raises:
        ConfigError: Ray cannot write its files there.
    """
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            file.write(bytes(ROOM_BYTES))
            file.flush()
    except OSError as error:
        raise ConfigError(
            f"{named}: {error.strerror}. Ray keeps its logs and sockets there, and {ROOM_BYTES // 2**20} MiB could not be written. "
            "Make room, or set RAY_TMPDIR to a folder with a short path that can be written."
        ) from error


@dataclass(frozen=True)
class Idle(Compute):
    """Takes the place of `Compute` where nothing may run: stages that are not finished raise `UnfinishedError(message)`."""

    message: str = "there is work to do, and nothing may run"

    @property
    def may_run(self) -> bool:
        return False

    def connect(self) -> Any:
        raise UnfinishedError(self.message)
