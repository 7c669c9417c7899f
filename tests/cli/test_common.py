"""What all commands share."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Generator

import pytest
from earwitness.cli.common import coroutine


@pytest.fixture
def listens_to_ctrl_c() -> Generator[None]:
    """A shell that starts something in the background lets it ignore SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("listens_to_ctrl_c")
def test_ctrl_c_ends_a_command_as_an_interruption_whatever_breaks_on_the_way_out():
    @coroutine
    async def command() -> None:
        signal.raise_signal(signal.SIGINT)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ValueError("no active connection") from None

    with pytest.raises(KeyboardInterrupt):
        command()


def test_an_error_of_its_own_is_not_an_interruption():
    @coroutine
    async def command() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        command()
