"""Folders on a disk or an object store, written so that what exists is whole.

A part is written under a draft name and renamed (disks) or put in one request (object stores). After a job's parts comes
its receipt, after all receipts the manifest: a manifest that exists means that the stage is whole.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from curation.runtime.errors import ConfigError, InputError
from curation.runtime.whole_files import DRAFT, draft_in, draft_name, to_disk

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Folder:
    """A folder by its URL. Cheap to make and to send to a worker."""

    url: str

    def __truediv__(self, name: str) -> Folder:
        return Folder(f"{self.url.rstrip('/')}/{name}")

    def relative(self, folder: Folder) -> str:
        """Path of a folder below this one."""
        return folder.url[len(self.url) :].lstrip("/")

    @property
    def name(self) -> str:
        """Its last path component."""
        return self.url.rstrip("/").rsplit("/", 1)[-1]

    @property
    def is_local(self) -> bool:
        return "://" not in self.url

    @property
    def is_link(self) -> bool:
        """Whether it only points at a folder that lies elsewhere."""
        return self.is_local and os.path.islink(self.url.rstrip("/"))

    def read(self, name: str) -> bytes:
        if self.is_local:
            with open(f"{self.url}/{name}", "rb") as file:
                return file.read()
        fs, root = self._fs()
        return bytes(fs.cat_file(f"{root}/{name}"))

    def write(self, name: str, data: bytes) -> None:
        """All of `data` or nothing, under its final name."""
        if not self.is_local:
            fs, root = self._fs()
            fs.pipe_file(f"{root}/{name}", data)
            return
        with self.draft(name) as path, open(path, "wb") as file:
            file.write(data)

    @contextmanager
    def draft(self, name: str) -> Iterator[str]:
        """A local path to write to; it becomes `name` when the block ends without an error, and vanishes otherwise."""
        import tempfile

        target = f"{self.url}/{name}"
        folder = os.path.dirname(target) if self.is_local else tempfile.gettempdir()
        os.makedirs(folder, exist_ok=True)
        with draft_in(folder) as path:
            yield path
            to_disk(path)
            self._is_written(name, path)
            if self.is_local:
                os.replace(path, target)
            else:
                fs, root = self._fs()
                fs.put_file(path, f"{root}/{name}")

    def _is_written(self, name: str, path: str) -> None:
        """Called with the draft of each file, right before it gets its name."""

    @contextmanager
    def local(self, name: str) -> Iterator[str]:
        """A path on this machine with the content of `name`; a copy when the folder is on an object store."""
        import tempfile

        if self.is_local:
            yield f"{self.url}/{name}"
            return
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, os.path.basename(name))
            fs, root = self._fs()
            fs.get_file(f"{root}/{name}", path)
            yield path

    def exists(self, name: str = "") -> bool:
        if self.is_local:
            return os.path.exists(f"{self.url}/{name}")
        fs, root = self._fs()
        fs.invalidate_cache()  # other processes write here too
        return bool(fs.exists(f"{root}/{name}"))

    def names(self) -> list[str]:
        """Names in this folder, sorted; drafts are not shown."""
        if self.is_local:
            names = os.listdir(self.url) if os.path.isdir(self.url) else []
        else:
            fs, root = self._fs()
            fs.invalidate_cache()
            names = [p.rstrip("/").rsplit("/", 1)[-1] for p in fs.ls(root, detail=False)] if fs.exists(root) else []
        return sorted(name for name in names if not name.startswith(DRAFT))

    def sizes(self) -> dict[str, int]:
        """Path below this folder -> bytes, of all files; drafts and what links lead to are left out."""
        if self.is_local:
            size_of = _files_below(self.url)
        else:
            fs, root = self._fs()
            fs.invalidate_cache()
            listed = fs.find(root, detail=True) if fs.exists(root) else {}
            size_of = {path[len(root) :].lstrip("/"): int(info["size"]) for path, info in listed.items()}
        return {name: size for name, size in sorted(size_of.items()) if not name.rpartition("/")[2].startswith(DRAFT)}

    def remove_file(self, name: str) -> None:
        """Take a file away, if it is there."""
        if self.is_local:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{self.url}/{name}")
        elif self.exists(name):
            fs, root = self._fs()
            fs.rm_file(f"{root}/{name}")

    def remove(self) -> None:
        """Manifest and receipts first: whatever interrupts this, what is left can never be taken for whole.

        Raises:
            InputError: it is a link, whose target may belong to somebody else; or it may not be removed.
        """
        if self.is_link:
            raise InputError(self.url, "is a link to another folder", "Remove the link by hand if it is not needed.")
        if self.is_local:
            import shutil

            try:
                if self.exists(MANIFEST):
                    os.unlink(f"{self.url}/{MANIFEST}")
                shutil.rmtree(f"{self.url}/receipts", ignore_errors=True)
                shutil.rmtree(self.url)
            except OSError as error:
                raise InputError(
                    self.url, f"cannot be removed: {error.strerror}", "Correct its permissions."
                ) from error
        elif self.exists():
            fs, root = self._fs()
            if fs.exists(f"{root}/{MANIFEST}"):
                fs.rm(f"{root}/{MANIFEST}")
            fs.rm(root, recursive=True)

    def bytes_used(self) -> int:
        """Bytes of all files below; a file that has several names (cells link to token files) counts once.

        What a symbolic link points at is not below.
        """
        if self.is_local:
            files = (os.path.join(at, name) for at, _, names in os.walk(self.url) for name in names)
            stats = {(stat.st_dev, stat.st_ino): stat.st_size for stat in map(_stat, files) if stat}
            return sum(stats.values())
        fs, root = self._fs()
        return int(fs.du(root)) if fs.exists(root) else 0

    def read_json(self, name: str) -> dict[str, Any]:
        try:
            value = json.loads(self.read(name))
        except FileNotFoundError as error:
            raise InputError(f"{self.url}/{name}", "no such file", "Check the path, or run the stage first.") from error
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise InputError(f"{self.url}/{name}", f"not JSON ({error})", "Remove it and run again.") from error
        except OSError as error:
            raise InputError(f"{self.url}/{name}", f"cannot be read ({error})", "Check the path.") from error
        if not isinstance(value, dict):
            raise InputError(f"{self.url}/{name}", "not a JSON object", "Remove it and run again.")
        return value

    def write_json(self, name: str, value: Any) -> None:
        """Keys stay in their order: that of sources and of rules means something."""
        self.write(name, (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode())

    def _fs(self) -> tuple[Any, str]:
        import fsspec

        fs, root = fsspec.core.url_to_fs(self.url)
        return fs, root.rstrip("/")


def _files_below(folder: str, below: str = "") -> dict[str, int]:
    sizes: dict[str, int] = {}
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return sizes
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            sizes |= _files_below(entry.path, f"{below}{entry.name}/")
        elif entry.is_file(follow_symlinks=False):
            with contextlib.suppress(FileNotFoundError):  # a draft that has just become a part
                sizes[f"{below}{entry.name}"] = entry.stat(follow_symlinks=False).st_size
    return sizes


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except FileNotFoundError:  # a draft that has just become a part
        return None


def _checked(out: Folder) -> Folder:
    """Write and remove an empty object, so that a wrong address or key shows before anything runs.

    Raises:
        ConfigError: it cannot be written.
    """
    name = draft_name()
    try:
        fs, root = out._fs()
        fs.pipe_file(f"{root}/{name}", b"-")
        fs.rm_file(f"{root}/{name}")
    except ImportError as error:
        raise ConfigError(f"--out {out.url}: {error}. For S3: pip install 'loam-corpora[s3]'.") from error
    except Exception as error:  # every store's library has errors of its own
        found = f"{type(error).__name__}: {error}"
        raise ConfigError(f"--out {out.url}: may not be written ({found}). Check address, bucket and keys.") from error
    return out


def open_out(url: str) -> Folder:
    """The folder where a run keeps everything, made if need be.

    Raises:
        ConfigError: it cannot be made or written.
    """
    if "://" in url:
        return _checked(Folder(url.rstrip("/")))
    path = os.path.abspath(os.path.expanduser(url))
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--out {url}: {error.strerror}. Name a folder that can be written.") from error
    if not os.access(path, os.W_OK):
        raise ConfigError(f"--out {url}: may not be written. Name a folder that can be written.")
    return Folder(path)
