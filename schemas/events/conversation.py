"""The conversation and its items: created, placed, finished, truncated, deleted, retrieved."""

from __future__ import annotations

from typing import Annotated, Literal

from .base import ClientEvent, Model, Number, ServerEvent, known
from .items import Item

__all__ = [
    "Conversation",
    "ConversationCreated",
    "ConversationItemAdded",
    "ConversationItemCreate",
    "ConversationItemCreated",
    "ConversationItemDelete",
    "ConversationItemDeleted",
    "ConversationItemDone",
    "ConversationItemRetrieve",
    "ConversationItemRetrieved",
    "ConversationItemTruncate",
    "ConversationItemTruncated",
]


class Conversation(Model):
    """The conversation that a session starts with."""

    id: str | None = None
    object: Annotated[str, known("realtime.conversation")] | None = None


class ConversationCreated(ServerEvent):
    """The session's conversation exists."""

    type: Literal["conversation.created"]
    conversation: Conversation | None = None


class _Placed(ServerEvent):
    previous_item_id: str | None = None
    """The item before it. Null for the first item; in ``.done`` also null if it is merely not repeated."""
    item: Item | None = None


class ConversationItemCreated(_Placed):
    """An item is in the conversation. Preview; GA says ``.added`` and ``.done``."""

    type: Literal["conversation.item.created"]


class ConversationItemAdded(_Placed):
    """An item is in the conversation, finished or not. GA."""

    type: Literal["conversation.item.added"]


class ConversationItemDone(_Placed):
    """An item of the conversation is finished. GA."""

    type: Literal["conversation.item.done"]


class ConversationItemRetrieved(ServerEvent):
    """The answer to ``conversation.item.retrieve``: an item as the server has it, with its audio."""

    type: Literal["conversation.item.retrieved"]
    item: Item | None = None


class ConversationItemDeleted(ServerEvent):
    """An item was removed from the conversation."""

    type: Literal["conversation.item.deleted"]
    item_id: str | None = None


class ConversationItemTruncated(ServerEvent):
    """The audio of an assistant's item was cut short, and its transcript removed."""

    type: Literal["conversation.item.truncated"]
    item_id: str | None = None
    content_index: int | None = None
    audio_end_ms: Number | None = None
    """How much of the audio remains, from its start."""


class ConversationItemCreate(ClientEvent):
    """Add an item to the conversation."""

    type: Literal["conversation.item.create"]
    previous_item_id: str | None = None
    """The item to insert it after; ``root`` for the beginning; absent for the end."""
    item: Item | None = None


class ConversationItemDelete(ClientEvent):
    """Remove an item from the conversation."""

    type: Literal["conversation.item.delete"]
    item_id: str | None = None


class ConversationItemRetrieve(ClientEvent):
    """Request an item as the server has it."""

    type: Literal["conversation.item.retrieve"]
    item_id: str | None = None


class ConversationItemTruncate(ClientEvent):
    """Cut the audio of an assistant's item where the user stopped hearing it."""

    type: Literal["conversation.item.truncate"]
    item_id: str | None = None
    content_index: int | None = None
    audio_end_ms: Number | None = None
    """How much of the audio was played."""
