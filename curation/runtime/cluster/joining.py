"""Which Ray cluster to join, and whether it lets us in. Checked first, since Ray itself tries for a minute and hides the cause."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curation.runtime.cluster import knock
from curation.runtime.errors import ConfigError

ANSWER_SECONDS = 10.0
KNOCK_SECONDS = 30.0  # Ray is imported meanwhile, on a machine that may be busy
VARIABLE = "RAY_ADDRESS"
HERE = "local"  # the address that means no cluster, for Ray as for us
A_HEAD = "Give it HOST:PORT of `ray start --head`, whose port is 6379 unless --port says otherwise"


@dataclass(frozen=True)
class NamedCluster:
    """A cluster that somebody named.

    Attributes:
        address: `HOST:PORT`, `ray://HOST:PORT` or `auto`.
        by: the option or the variable that named it, for errors.
    """

    address: str
    by: str

    @classmethod
    def find(cls, option: str | None) -> NamedCluster | None:
        """The option's cluster, else that of RAY_ADDRESS, which `ray job submit` sets for its jobs; None is this machine."""
        variable = os.environ.get(VARIABLE, "").strip()
        if option and option != "auto":
            return None if option == HERE else cls(option, "--ray-address")
        if variable not in ("", HERE, "auto"):
            return cls(variable, VARIABLE)
        if option or variable == "auto":
            return cls("auto", "--ray-address" if option else VARIABLE)
        return None

    def join(self) -> None:
        """Make Ray this cluster's; after an error it still belongs to none.

        Raises:
            ConfigError: nobody answers, it does not let us in, or Ray cannot work with it.
        """
        import ray

        address = self._located(ray)
        self._check_reachable(address)
        if "://" not in address:
            self._check_lets_in(ray, address)
        try:
            ray.init(address=address, log_to_driver=False, configure_logging=False)
        except Exception as error:  # of many types, each with the reason why this cluster cannot be used
            raise self.refused(cause(error), A_HEAD) from error

    def refused(self, problem: str, fix: str) -> ConfigError:
        """An error that names the option or variable behind the cluster, and how to work without one."""
        name = f"{self.by}{' ' if self.by.startswith('-') else '='}{self.address}"
        without = f"take {self.by} {'away' if self.by.startswith('-') else 'out of the environment'}"
        return ConfigError(f"{name}: {problem}. {fix}, or {without} to work on this machine alone.")

    def _located(self, ray: Any) -> str:
        if self.address != "auto":
            return self.address
        try:
            return str(ray._private.services.canonicalize_bootstrap_address_or_die("auto"))
        except ConnectionError as error:
            raise self.refused("no Ray runs on this machine", "Start it with `ray start --head`") from error

    def _check_reachable(self, address: str) -> None:
        scheme, _, rest = address.rpartition("://")
        if scheme not in ("", "ray"):
            raise self.refused("this is the address of a dashboard, which takes jobs but is no cluster to join", A_HEAD)
        host, _, port = rest.rpartition(":")
        if not (host and port.isdecimal() and int(port) < 2**16):
            raise self.refused("this is no HOST:PORT", A_HEAD)
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_SECONDS).close()
        except OSError as error:
            raise self.refused(f"nobody answers there ({error})", "Start it with `ray start --head`") from error

    def _check_lets_in(self, ray: Any, address: str) -> None:
        """Ray makes a token when it first starts on a machine, and every cluster started there later asks for it."""
        answer = _knock(address)
        if answer is None:
            raise self.refused(f"something answers there, but within {KNOCK_SECONDS:.0f} s not as Ray does", A_HEAD)
        if answer["let_in"] == knock.TOKEN:
            _use_token(ray)
        elif answer["let_in"] is None:
            raise self.refused(*_why(answer))


def _knock(address: str) -> dict[str, Any] | None:
    """See `knock`; None: no answer."""
    command = [sys.executable, "-P", str(Path(knock.__file__)), address]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=KNOCK_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None
    try:
        return dict(json.loads(ended.stdout.strip().split("\n")[-1]))
    except ValueError:
        return {"let_in": None, "token": True, "said": ended.stderr.strip().split("\n")[0]}


def _why(answer: dict[str, Any]) -> tuple[str, str]:
    """The problem with a cluster that does not let us in, and its fix."""
    mode = os.environ.get("RAY_AUTH_MODE", "")
    if "AuthenticationError" not in answer["said"] and answer["token"]:
        return f"Ray says {' '.join(answer['said'].split())}", A_HEAD
    if mode and mode.lower() != knock.TOKEN:
        return f"the cluster asks for a token, and RAY_AUTH_MODE={mode} sends none", "Unset RAY_AUTH_MODE"
    if not answer["token"]:
        asks = "RAY_AUTH_MODE=token asks" if mode else "the cluster asks"
        fix = "Set RAY_AUTH_TOKEN to what `ray get-auth-token` prints on the cluster's head"
        return f"{asks} for a token, and there is none in {_token_place()}", fix
    fix = "Take what `ray get-auth-token` prints on the cluster's head, as RAY_AUTH_TOKEN or in that file"
    return f"the cluster asks for a token, and the one in {_token_place()} is not its own", fix


def _token_place() -> str:
    """Where Ray looks for the token first."""
    for variable in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        if os.environ.get(variable):
            return variable
    return "~/.ray/auth_token"


def _use_token(ray: Any) -> None:
    """Ray takes a token along by itself only to a cluster that it starts, or finds on this machine."""
    os.environ["RAY_AUTH_MODE"] = knock.TOKEN
    ray._raylet.Config.initialize("")  # Ray has read its environment when it was imported


def cause(error: BaseException) -> str:
    """The innermost reason that Ray gives, on one line; its outer errors say no more than that something failed."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    reason = lines[-1] if any(line.startswith("Traceback") for line in lines) else " ".join(lines)
    return reason.rstrip(". ")
