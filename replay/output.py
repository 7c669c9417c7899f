"""Writing a file so that a half-written one never has the final name."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ..schemas.errors import CannotWrite, OutputExists

__all__ = ["new_file"]

_NAME_KEPT: Final = 40
"""Characters of the final name in the temporary one, which must not be too long where the final one is not."""


@contextmanager
def new_file(target: Path, *, force: bool = False) -> Generator[Path]:
    """Yield a temporary path beside ``target``; when the block ends well, it is synced and renamed to ``target``.

    Recordings are private: the file has mode 0600. After an error nothing is left behind, and a file that was there
    before is as it was.

    Raises:
        OutputExists: the target exists and ``force`` is false.
        CannotWrite: the folder is missing, not writable, or the disk is full; the target is a folder or a device.
    """
    temporary: Path | None = None
    try:
        _refuse(target, force=force)
        handle, name = tempfile.mkstemp(prefix=f".{target.name[:_NAME_KEPT]}.", suffix=".part", dir=target.parent)
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


def _refuse(target: Path, *, force: bool) -> None:
    if target.is_dir():
        raise CannotWrite(f"{target} is a folder.", hint="Name a file in it.", file=str(target))
    if not target.exists():
        return
    if not target.is_file():
        # Renaming would put a file in the place of /dev/null or /dev/stdout, for whoever may do that.
        raise CannotWrite(
            f"{target} is a device or a pipe, which a file cannot replace.", hint="Name a file.", file=str(target)
        )
    if not force:
        raise OutputExists(f"{target} exists.", hint="Give another name, or --force to replace it.", file=str(target))
