"""Writing a file so that a half-written one never has the final name."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ..schemas.errors import CannotWrite, OutputExists

__all__ = ["new_file"]


@contextmanager
def new_file(target: Path, *, force: bool = False) -> Generator[Path]:
    """Give a temporary path beside ``target``; when the block ends well, it is synced and renamed to ``target``.

    Recordings are private: the file has mode 0600. After an error nothing is left behind, and a file that was there
    before is as it was.

    Raises:
        OutputExists: the target exists and ``force`` is false.
        CannotWrite: the folder is missing, not writable, or the disk is full.
    """
    if target.is_dir():
        raise CannotWrite(f"{target} is a folder.", hint="Name a file in it.", file=str(target))
    if target.exists() and not force:
        raise OutputExists(f"{target} exists.", hint="Give another name, or --force to replace it.", file=str(target))
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(target)
        temporary = None
    except OSError as error:
        raise CannotWrite(
            f"{target} cannot be written: {error.strerror or error}.",
            hint="Check that the folder exists, is writable and has space." if error.errno else "",
            file=str(target),
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
