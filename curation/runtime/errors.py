"""Errors for users. Every error says where, what was found, and what to do; the command line prints it as one line."""

from __future__ import annotations


class LoamError(Exception):
    """Base of all errors that a user can fix. `exit_code` is that of the command line."""

    exit_code = 1


class ConfigError(LoamError):
    """A recipe, study or option holds something that cannot be used."""

    exit_code = 2


class UnfinishedError(ConfigError):
    """Work is missing that a command would have to do first, and it may run nothing."""


class InputError(LoamError):
    """A file does not hold what the config says it holds. Keeps its parts, for the report and for tests."""

    exit_code = 2

    def __init__(self, where: str, found: str, fix: str) -> None:
        super().__init__(f"{where}: {found}. {fix}")
        self.where, self.found, self.fix = where, found, fix

    def __reduce__(self) -> tuple[type[InputError], tuple[str, str, str]]:
        return type(self), (self.where, self.found, self.fix)  # Ray sends errors between processes


class DamagedError(InputError):
    """A file of a finished stage is not what its manifest lists.

    Attributes:
        folder: URL of the stage's folder.
        file: path of the file below it.
    """

    def __init__(self, folder: str, file: str, found: str) -> None:
        fix = "Run again: it is made anew, if what it was made of is whole."
        super().__init__(f"{folder}/{file}", found, fix)
        self.folder, self.file = folder, file

    def __reduce__(self) -> tuple[type[DamagedError], tuple[str, str, str]]:
        return type(self), (self.folder, self.file, self.found)


class OtherCodeError(ConfigError):
    """A node of the cluster runs other code, or other versions of libraries, than the program that plans the work."""


class StageError(LoamError):
    """A stage did not finish. What it had finished is kept, and the next run goes on from there.

    Attributes:
        damaged: files of earlier stages that jobs found damaged, if all failed jobs failed for that.
    """

    exit_code = 1

    def __init__(self, message: str, damaged: tuple[DamagedError, ...] = ()) -> None:
        super().__init__(message)
        self.damaged = damaged


class BusyError(LoamError):
    """Another run works in the same output folder."""

    exit_code = 3


def one_of(known: object, name: str, what: str) -> str:
    """A sentence for an unknown name: the nearest known one first, then all of them."""
    import difflib

    names = sorted(str(each) for each in known)  # type: ignore[attr-defined]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"unknown {what} {name!r}.{hint} Known: {', '.join(names) or 'none'}."
