"""What ``import earwitness`` and its three parts offer, and what it costs."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import subprocess
import sys
from pathlib import Path

import earwitness.aio
import earwitness.testing
import pytest
from earwitness.schemas import errors

PARTS = ("schemas", "recorder", "recorder.journal", "replay")
PACKAGES = ("earwitness", *(f"earwitness.{part}" for part in PARTS))
HEAVY = "aiosqlite alembic numpy orjson pydantic sqlalchemy websockets zstandard"


def run(*arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", [*PACKAGES, "earwitness.cli"])
def test_an_import_loads_no_heavy_module(name: str) -> None:
    assert run("-c", f"import sys, {name}; print(*sorted({set(HEAVY.split())!r} & set(sys.modules)))") == ""


def test_the_front_door_loads_only_itself_and_the_errors() -> None:
    ours = run("-c", "import sys, earwitness; print(*sorted(n for n in sys.modules if n.startswith('earwitness')))")
    assert ours == "earwitness earwitness.schemas earwitness.schemas.errors earwitness.schemas.lazy"


def test_a_state_needs_neither_a_database_nor_a_network() -> None:
    code = "import sys, earwitness; earwitness.fold([('client', {'type': 'response.create'})]); print(*sys.modules)"
    assert {"sqlalchemy", "websockets"} & set(run("-c", code).split()) == set()


def typed_imports(name: str) -> dict[str, tuple[str, str]]:
    """Module and name of what a type checker finds in a package, by its name there."""
    module = importlib.import_module(name)
    found: dict[str, tuple[str, str]] = {}
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.ImportFrom) and node.module not in ("__future__", "typing"):
            place = importlib.util.resolve_name("." * node.level + (node.module or ""), name)
            names = {alias.asname or alias.name: alias.name for alias in node.names}
            if "*" in names:
                names = {each: each for each in importlib.import_module(place).__all__}
            found |= {public: (place, own) for public, own in names.items()}
    return {public: where for public, where in found.items() if public not in ("errors", "lazy_names")}


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_gives_what_it_names_and_what_type_checkers_see(name: str) -> None:
    package = importlib.import_module(name)
    seen = typed_imports(name)
    assert set(package.__all__) == set(seen)
    assert set(package.__all__) <= set(dir(package))
    for public, (place, own) in seen.items():
        assert getattr(package, public) is getattr(importlib.import_module(place), own), public


@pytest.mark.parametrize("name", PACKAGES)
def test_no_public_name_is_that_of_a_module_beside_it(name: str) -> None:
    """Importing the module would take the name's place."""
    package = importlib.import_module(name)
    folder = Path(inspect.getfile(package)).parent
    modules = {path.stem for path in folder.glob("*.py")} | {path.name for path in folder.iterdir() if path.is_dir()}
    if name == "earwitness":
        modules |= {"cli", "migrations", "recorder", "replay", "schemas"}
    assert set(package.__all__) & modules == set()


@pytest.mark.parametrize("name", PACKAGES)
def test_an_unknown_name_is_refused_as_of_any_module(name: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{name}' has no attribute 'nothing'"):
        _ = importlib.import_module(name).nothing


@pytest.mark.parametrize("module", [earwitness.aio, earwitness.testing], ids=lambda module: module.__name__)
def test_a_module_of_the_front_door_gives_what_it_names(module: object) -> None:
    names: list[str] = module.__all__  # type: ignore[attr-defined]
    assert names == sorted(names, key=lambda name: (name.islower(), name))
    assert all(getattr(module, name).__module__.startswith("earwitness.replay.") for name in names)


def test_every_error_can_be_caught_by_its_name() -> None:
    assert {name: getattr(earwitness, name) for name in errors.__all__} == {
        name: getattr(errors, name) for name in errors.__all__
    }


def test_the_module_is_the_command() -> None:
    assert run("-m", "earwitness", "--version").startswith("earwitness, version ")
    assert run("-m", "earwitness", "--help") == run("-c", "from earwitness.cli import main; main(['--help'])")
