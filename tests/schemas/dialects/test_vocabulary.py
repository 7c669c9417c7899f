"""The tables of words against the official package's own unions."""

from __future__ import annotations

import pytest
from earwitness.schemas.dialects import vocabulary
from earwitness.schemas.dialects.vocabulary import CANONICAL, EVENT_TYPES, PREVIEW_NAMES, canonical_type, is_known

from tests import sdk

VOCABULARIES = sdk.vocabularies()


@pytest.mark.parametrize("name", VOCABULARIES)
def test_a_table_holds_every_event_type_of_the_locked_package_and_no_other(name: str) -> None:
    """`make drift` asks the same of the newest package."""
    ours, theirs = VOCABULARIES[name]
    assert sorted(theirs - ours) == []
    assert sorted(ours - theirs) == []


def test_no_union_of_events_in_the_package_is_overlooked() -> None:
    assert sdk.unions_of_events() == set(sdk.OF_EVENTS)


def test_no_event_type_has_two_senders() -> None:
    clients = vocabulary.PREVIEW_CLIENT | vocabulary.GA_CLIENT | set(vocabulary.VENDOR_CLIENT)
    servers = vocabulary.PREVIEW_SERVER | vocabulary.GA_SERVER | set(vocabulary.VENDOR_SERVER)
    assert clients & servers == set()
    assert set(EVENT_TYPES) == clients | servers


def test_a_canonical_name_is_its_own_canonical_name_and_is_known() -> None:
    assert all(canonical_type(name) == name for name in CANONICAL.values())
    others = {"conversation.item.input_audio_transcription.updated"}  # xAI's; GA has nothing like it
    assert set(CANONICAL.values()) - others <= vocabulary.GA_CLIENT | vocabulary.GA_SERVER
    assert all(name in vocabulary.EVENT_TYPES for name in others)


def test_the_way_back_leads_to_preview_names() -> None:
    assert set(PREVIEW_NAMES.values()) <= vocabulary.PREVIEW_SERVER


def test_what_is_in_no_table_is_not_known() -> None:
    assert not is_known("response.dream.delta")
    assert canonical_type("response.dream.delta") == "response.dream.delta"
    assert is_known("ping")
    assert EVENT_TYPES["ping"].vendor == "xAI"
