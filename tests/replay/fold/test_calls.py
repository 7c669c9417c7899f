"""Function calls, and the tools of MCP servers."""

from __future__ import annotations

from tests.sessions import Session, response


def called(script: Session, call_id: str = "call_1", item_id: str = "item_c1") -> Session:
    script.output(item_id, type="function_call", role=None, name="look_up", call_id=call_id, arguments="")
    place = {"response_id": "resp_1", "item_id": item_id, "call_id": call_id, "output_index": 0}
    for delta in ('{"city"', ': "Lis', 'bon"}'):
        script.server("response.function_call_arguments.delta", delta=delta, **place)
    return script.server(
        "response.function_call_arguments.done", arguments='{"city": "Lisbon"}', name="look_up", **place
    )  # fmt: skip


def output(script: Session, call_id: str = "call_1", text: str = "fog") -> Session:
    item = {"type": "function_call_output", "call_id": call_id, "output": text}
    return script.client("conversation.item.create", item=item, event_id=f"out_{call_id}")


def test_a_call_has_its_arguments_its_output_and_the_time_between() -> None:
    script = called(Session().at(100).created().at(200))
    done = script.seq
    output(script.at(950))
    (call,) = script.fold().calls
    assert (call.name, call.arguments, call.output) == ("look_up", '{"city": "Lisbon"}', "fog")
    assert (call.done_seq, call.output_seq) == (done, done + 1)
    assert call.done_ns is not None
    assert call.output_ns is not None
    assert (call.output_ns - call.done_ns) // 1_000_000 == 750


def test_a_call_without_an_output_has_none() -> None:
    (call,) = called(Session().created()).done().fold().calls
    assert (call.output, call.output_seq, call.output_item_id) == (None, None, None)


def test_the_outputs_item_is_the_one_that_the_server_put_on_record() -> None:
    script = output(called(Session().created()))
    item = {"id": "item_o1", "type": "function_call_output", "call_id": "call_1", "output": "fog"}
    conversation = script.server("conversation.item.added", previous_item_id="item_c1", item=item).fold()
    assert conversation.calls[0].output_item_id == "item_o1"
    assert [i.id for i in conversation.items] == ["item_c1", "item_o1"]
    assert conversation.items[1].created_by == "client"


def test_parallel_outputs_are_paired_by_call_id_in_any_order() -> None:
    script = called(called(Session().created()), "call_2", "item_c2")
    output(output(script, "call_2", "two"), "call_1", "one")
    assert {call.call_id: call.output for call in script.fold().calls} == {"call_1": "one", "call_2": "two"}


def test_an_output_that_the_server_refuses_was_not_given() -> None:
    script = output(called(Session().created())).error(event_id="out_call_1")
    (call,) = script.fold().calls
    assert (call.output, call.output_seq) == (None, None)


def test_a_second_output_that_the_server_refuses_leaves_the_first() -> None:
    script = output(called(Session().created()), text="fog")
    first = script.seq
    script.client(
        "conversation.item.create",
        item={"type": "function_call_output", "call_id": "call_1", "output": "rain"},
        event_id="twice",
    )
    item = {"id": "item_o1", "type": "function_call_output", "call_id": "call_1", "output": "fog"}
    script.server("conversation.item.added", previous_item_id="item_c1", item=item).error(event_id="twice")
    (call,) = script.fold().calls
    assert (call.output, call.output_seq, call.output_item_id) == ("fog", first, "item_o1")


def test_a_call_is_known_from_its_final_item_alone() -> None:
    item = {
        "id": "c",
        "type": "function_call",
        "name": "f",
        "call_id": "call_1",
        "arguments": "{}",
        "status": "completed",
    }
    (call,) = Session().done(output=[item]).fold().calls
    assert (call.name, call.arguments, call.done_seq) == ("f", "{}", None)


def test_an_output_without_a_client_side_comes_from_the_servers_item() -> None:
    script = called(Session().created())
    item = {"id": "o", "type": "function_call_output", "call_id": "call_1", "output": "fog"}
    (call,) = script.server("conversation.item.created", item=item).fold().calls
    assert (call.output, call.output_item_id, call.output_seq) == ("fog", "o", None)


def test_the_lifecycle_of_an_mcp_listing() -> None:
    script = Session()
    item = {"id": "tools_1", "type": "mcp_list_tools", "server_label": "docs", "tools": []}
    script.server("conversation.item.added", item=item)
    script.server("mcp_list_tools.in_progress", item_id="tools_1")
    assert script.fold().mcp[0].status == "in_progress"
    tools = [{"name": "search", "input_schema": {"type": "object"}}]
    script.server("conversation.item.done", item={**item, "tools": tools})
    script.server("mcp_list_tools.completed", item_id="tools_1")
    (listing,) = script.fold().mcp
    assert (listing.status, listing.server_label, listing.tools) == ("completed", "docs", tools)
    assert list(listing.seqs) == [0, 1, 2, 3]


def test_a_listing_that_fails_has_no_tools() -> None:
    script = Session().server("mcp_list_tools.in_progress", item_id="tools_1")
    (listing,) = script.server("mcp_list_tools.failed", item_id="tools_1").fold().mcp
    assert (listing.status, listing.tools) == ("failed", [])


def test_the_lifecycle_of_an_mcp_call() -> None:
    script = (
        Session().created().output("m", type="mcp_call", role=None, name="search", server_label="docs", status=None)
    )
    place = {"response_id": "resp_1", "item_id": "m", "output_index": 0}
    script.server("response.mcp_call_arguments.delta", delta='{"q":', **place)
    script.server("response.mcp_call_arguments.delta", delta="1}", **place)
    script.server("response.mcp_call_arguments.done", arguments='{"q":1}', **place)
    script.server("response.mcp_call.in_progress", item_id="m", output_index=0)
    assert script.fold().items[0].status == "in_progress"
    script.server("response.mcp_call.completed", item_id="m", output_index=0)
    item = {"id": "m", "type": "mcp_call", "name": "search", "server_label": "docs", "output": "found"}
    script.server("response.output_item.done", response_id="resp_1", output_index=0, item=item)
    conversation = script.fold()
    (call,) = conversation.items
    assert (call.status, call.arguments, call.output) == ("completed", '{"q":1}', "found")
    assert call.fields == {"server_label": "docs"}
    assert conversation.calls == []  # nobody at the client has to answer it


def test_an_mcp_call_that_fails_keeps_its_error() -> None:
    script = Session().created().output("m", type="mcp_call", role=None, name="search", server_label="docs")
    script.server("response.mcp_call.failed", item_id="m", output_index=0)
    error = {"type": "tool_execution_error", "message": "no"}
    item = {"id": "m", "type": "mcp_call", "name": "search", "error": error}
    conversation = script.server("conversation.item.done", item=item).fold()
    assert (conversation.items[0].status, conversation.items[0].fields["error"]) == ("failed", error)


def test_an_approval_is_asked_and_given() -> None:
    script = Session().created().output("a", type="mcp_approval_request", role=None, name="search", server_label="docs")
    answer = {"type": "mcp_approval_response", "approval_request_id": "a", "approve": True}
    script.client("conversation.item.create", item=answer)
    asked = script.seq
    script.server("conversation.item.added", item={"id": "b", **answer})
    conversation = script.fold()
    assert [(item.type, item.created_by) for item in conversation.items] == [
        ("mcp_approval_request", "model"),
        ("mcp_approval_response", "client"),
    ]
    assert conversation.items[1].request_seq == asked
    assert conversation.items[1].fields == {"approval_request_id": "a", "approve": True}
    assert response(conversation).output == ["a"]
