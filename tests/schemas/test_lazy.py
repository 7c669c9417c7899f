"""Public names are imported when they are used, and are what they are called."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pkgutil import iter_modules

import pytest

PACKAGES = ("earwitness.schemas", "earwitness.recorder", "earwitness.recorder.journal")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_found(package: str) -> None:
    module = import_module(package)
    assert sorted(module.__all__) == sorted(set(module.__all__))
    for name in module.__all__:
        assert getattr(module, name).__name__.endswith(name)
    assert set(module.__all__) <= set(dir(module))
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nonsense'"):
        _ = module.nonsense


@pytest.mark.parametrize("package", PACKAGES)
def test_no_public_name_is_that_of_a_module(package: str) -> None:
    """Or else importing the module would put it in the name's place."""
    module = import_module(package)
    assert set(module.__all__).isdisjoint(found.name for found in iter_modules(module.__path__))


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_a_package_loads_nothing_large(package: str) -> None:
    large = {"numpy", "sqlalchemy", "alembic", "pydantic", "zstandard", "aiosqlite"}
    program = f"import sys, {package}; print(*(set(sys.modules) & {large}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == []
