"""The tables of words against the official package's own unions."""

from __future__ import annotations

import pytest
from earwitness.schemas.dialects import vocabulary
from earwitness.schemas.dialects.vocabulary import CANONICAL, EVENT_TYPES, PREVIEW_NAMES, canonical_type, is_known
from openai.types import live, realtime
from openai.types.live import connect_client_event, connect_server_event

from tests import sdk

OURS = {
    ("preview", "client"): vocabulary.PREVIEW_CLIENT,
    ("preview", "server"): vocabulary.PREVIEW_SERVER,
    ("ga", "client"): vocabulary.GA_CLIENT,
    ("ga", "server"): vocabulary.GA_SERVER,
}


@pytest.mark.parametrize("side", OURS, ids=" ".join)
def test_no_event_type_of_the_installed_package_is_missing(side: tuple[str, str]) -> None:
    """The drift alarm: a newer package names what is to be added to `schemas/vocabulary.py`."""
    assert sorted(set(sdk.type_names(sdk.UNIONS[side])) - OURS[side]) == []


@pytest.mark.parametrize("side", OURS, ids=" ".join)
def test_the_tables_hold_nothing_that_the_package_does_not_have(side: tuple[str, str]) -> None:
    assert sorted(OURS[side] - set(sdk.type_names(sdk.UNIONS[side]))) == []


def test_the_vocabularies_have_the_documented_sizes() -> None:
    assert [len(words) for words in OURS.values()] == [12, 34, 11, 46]


def test_translation_and_live_are_the_packages_too() -> None:
    translation = (realtime.RealtimeTranslationClientEvent, realtime.RealtimeTranslationServerEvent)
    assert {name for union in translation for name in sdk.type_names(union)} == vocabulary.TRANSLATION
    lives = (
        live.ClientEvent,
        live.ServerEvent,
        connect_client_event.ConnectClientEvent,
        connect_server_event.ConnectServerEvent,
    )
    assert {name for union in lives for name in sdk.type_names(union)} == vocabulary.LIVE


def test_no_event_type_has_two_senders() -> None:
    clients = vocabulary.PREVIEW_CLIENT | vocabulary.GA_CLIENT | set(vocabulary.VENDOR_CLIENT)
    servers = vocabulary.PREVIEW_SERVER | vocabulary.GA_SERVER | set(vocabulary.VENDOR_SERVER)
    assert clients & servers == set()
    assert set(EVENT_TYPES) == clients | servers


def test_a_canonical_name_is_its_own_canonical_name_and_is_known() -> None:
    assert all(canonical_type(name) == name for name in CANONICAL.values())
    assert set(CANONICAL.values()) <= vocabulary.GA_CLIENT | vocabulary.GA_SERVER


def test_the_way_back_leads_to_preview_names() -> None:
    assert set(PREVIEW_NAMES.values()) <= vocabulary.PREVIEW_SERVER


def test_what_is_in_no_table_is_not_known() -> None:
    assert not is_known("response.dream.delta")
    assert canonical_type("response.dream.delta") == "response.dream.delta"
    assert is_known("ping")
    assert EVENT_TYPES["ping"].vendor == "xAI"
