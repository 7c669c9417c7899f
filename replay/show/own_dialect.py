"""The state in the session's own dialect, for comparing it with the vendor's documentation.

The fold uses GA names and shapes. For a preview session, this module makes the configuration and the responses flat
again (``voice``, ``input_audio_format``, …) and names an assistant's parts ``text`` and ``audio``.
"""

from __future__ import annotations

from dataclasses import replace

from ...schemas.dialects.denormalise import denormalise_item, denormalise_response, denormalise_session
from ...schemas.state import Conversation, Item, Response, Session

__all__ = ["in_own_dialect"]


def in_own_dialect(conversation: Conversation) -> Conversation:
    """Return a conversation in the names and shapes of its dialect: a new one for ``preview``, else the same one.

    Fields that preview lacks stay in their GA place.
    """
    if conversation.dialect != "preview":
        return conversation
    return replace(
        conversation,
        session=_session(conversation.session),
        items=[_item(item) for item in conversation.items],
        deleted=[_item(item) for item in conversation.deleted],
        out_of_band=[_item(item) for item in conversation.out_of_band],
        unacknowledged=[_item(item) for item in conversation.unacknowledged],
        responses=[_response(response) for response in conversation.responses],
    )


def _session(session: Session) -> Session:
    return replace(
        session,
        config=denormalise_session(session.config),
        requested=denormalise_session(session.requested),
        history=[replace(change, config=denormalise_session(change.config)) for change in session.history],
    )


def _response(response: Response) -> Response:
    return replace(response, config=denormalise_response(response.config))


def _item(item: Item) -> Item:
    # The names depend on who speaks, so the part types go through an item of that role.
    stated = {"role": item.role, "content": [{"type": part.type} for part in item.content]}
    types = [part["type"] for part in denormalise_item(stated)["content"]]
    return replace(
        item, content=[replace(part, type=own) for part, own in zip(item.content, types, strict=True)]
    )  # fmt: skip
