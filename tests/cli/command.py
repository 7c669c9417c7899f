"""Run the command inside the test's process, as a shell would: arguments in; code, output and errors out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from earwitness.cli import main


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


class Command:
    """Runs ``earwitness`` on one journal."""

    def __init__(self, capsys: pytest.CaptureFixture[str], db: str) -> None:
        self._capsys = capsys
        self.db = db

    def __call__(self, *arguments: object) -> Done:
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        captured = self._capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return Done(code, captured.out, captured.err)

    def ok(self, *arguments: object) -> Done:
        """The same, where it must succeed."""
        done = self(*arguments)
        assert done.code == 0, f"exit code {done.code}\n{done.out}\n{done.err}"
        return done

    def refused(self, code: int, *arguments: object) -> str:
        """Run what must fail with this code, in one paragraph and without a traceback; return the paragraph."""
        done = self(*arguments)
        assert done.code == code, f"exit code {done.code}\n{done.out}\n{done.err}"
        assert done.out == ""
        assert done.err.startswith("earwitness: ")
        assert done.err.count("\n") == 1
        assert "Traceback" not in done.err
        return done.err
