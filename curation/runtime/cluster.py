"""The only place that starts or joins Ray."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import Any

from curation.runtime.errors import ConfigError

ANSWER_SECONDS = 10.0


@dataclass(frozen=True)
class Compute:
    """Where and how work runs; nothing here may change a byte of any result.

    Args:
        address: of a running Ray cluster (`auto`, `ray://host:10001`), or None to start Ray on this machine.
        workers: tasks at a time; None takes every core that Ray has.
    """

    address: str | None = None
    workers: int | None = None

    def connect(self) -> Any:
        """Ray, started or joined once a process; called only when there is work, so that a finished run needs no Ray."""
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        # Ray's word on its own tokens is no news to our users
        logging.getLogger("ray._private.authentication").setLevel(logging.ERROR)
        import ray

        if ray.is_initialized():
            return ray
        if self.address:
            _check_reachable(self.address)
        try:
            if self.address:
                ray.init(address=self.address, log_to_driver=False, configure_logging=False)
            else:
                ray.init(
                    address="local",  # else it joins whatever cluster was started last on this machine
                    num_cpus=self.workers or os.cpu_count(),
                    include_dashboard=False,
                    log_to_driver=False,
                    configure_logging=False,
                    object_store_memory=200 * 2**20,  # text goes through files, never through the object store
                )
        except (ConnectionError, ValueError, RuntimeError) as error:
            first = str(error).strip().split("\n")[0]
            raise ConfigError(
                f"--ray-address {self.address}: {first}. Start it with `ray start --head`, or leave the option out."
                if self.address
                else f"Ray does not start on this machine: {first}"
            ) from error
        return ray

    @property
    def in_flight(self) -> int:
        """Tasks submitted at once: enough to keep the workers busy, few enough to bound what is under way."""
        if self.workers:
            return self.workers
        import ray

        return 2 * max(1, int(ray.cluster_resources().get("CPU", 1)))


def _check_reachable(address: str) -> None:
    """Ray itself would try an address that nobody answers for minutes.

    Raises:
        ConfigError: nobody answers, or the address is none.
    """
    import socket

    host, colon, port = address.rpartition("://")[2].rpartition(":")
    if not colon:
        return  # such as "auto": Ray knows at once
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:
        raise ConfigError(
            f"--ray-address {address}: nobody answers there ({error}). Start it with `ray start --head`, or leave the option out."
        ) from error


@dataclass(frozen=True)
class Idle(Compute):
    """Stands where nothing may run: stages that are not finished raise `ConfigError(message)`."""

    message: str = "there is work to do, and nothing may run"

    def connect(self) -> Any:
        raise ConfigError(self.message)
