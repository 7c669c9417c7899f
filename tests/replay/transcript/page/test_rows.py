"""Entries of the page: tools folded in, cuts, waits, what is behind."""

from __future__ import annotations

from earwitness.replay.fold import fold
from earwitness.replay.transcript.lines import Reading, transcribe
from earwitness.replay.transcript.page.behind import EventLog
from earwitness.replay.transcript.page.rows import Turn, turns
from earwitness.replay.transcript.timing import spoken

from tests.events import tone
from tests.sessions import Call


def entries(call: Call, reading: Reading = "heard") -> list[Turn]:
    timeline = call.timeline()
    log = EventLog()
    log.note(call.recording().frames)
    transcript = transcribe(timeline.conversation, reading, timeline.plan)
    said = spoken(timeline, transcript)
    return turns(timeline.conversation, transcript, said, log, intervals=timeline.intervals())


def text(turn: Turn) -> str:
    return "".join(segment.text + segment.space for segment in turn.segments)


def test_sentences_of_an_utterance_follow_each_other_and_together_are_its_text() -> None:
    call = Call()
    call.user(1000, 5000, "One sentence.  Another one? A third!")
    (turn,) = entries(call)
    assert [segment.text for segment in turn.segments] == ["One sentence.", "Another one?", "A third!"]
    assert text(turn) == "One sentence.  Another one? A third!"
    assert (turn.start, turn.end) == (1100, 5100)
    times = [(segment.start, segment.end) for segment in turn.segments]
    assert times[0][0] == 1100
    assert times[-1][1] == 5100
    assert [end for _, end in times[:-1]] == [start for start, _ in times[1:]]


def test_a_call_and_its_output_are_one_entry_with_the_records_of_both() -> None:
    call = Call()
    call.at(1000).tool("look_up", '{"a": 1}', '{"b": 2}', took_ms=750)
    (turn,) = entries(call)
    assert turn.tool is not None
    assert (turn.tool.name, turn.tool.arguments, turn.tool.output, turn.tool.took) == (
        "look_up", '{"a": 1}', '{"b": 2}', "0.75 s",
    )  # fmt: skip
    conversation = fold(call.recording().frames)
    both = {seq for item in conversation.items for seq in item.seqs}
    assert turn.behind.count == len(both)
    assert {seq for group in turn.behind.groups for seq in group.seqs} == both
    assert [name for name, _ in turn.behind.ids] == ["item", "output item", "response", "call"]


def test_a_call_without_an_output_says_so() -> None:
    call = Call()
    call.at(1000).tool("look_up", "{}", None)
    (turn,) = entries(call)
    assert turn.tool is not None
    assert turn.tool.unanswered
    assert turn.tool.output is None


def test_an_output_without_a_call_stands_alone() -> None:
    call = Call()
    call.at(1000).added({"id": "item_9", "type": "function_call_output", "call_id": "call_9", "output": "42"})
    (turn,) = entries(call)
    assert turn.tool is None
    assert text(turn) == "42"
    assert turn.remark == "output of a call that is not on record"


def test_an_interrupted_entry_has_its_rest_and_the_one_that_cut_it_says_so() -> None:
    call = Call()
    item = call.at(1000).assistant(4000, "one two three four five six seven eight")
    call.user(1500, 2400, "Stop.")
    call.at(1600).truncate(item, 1000, ack_ms=1610)
    cut, cutting = entries(call)
    assert (text(cut), cut.rest) == ("one two", "three four five six seven eight")
    assert cut.cut == "cut off at 0:02.0, 1.00 s of 4.00 s heard"
    assert cutting.speaker == "user"
    assert cut.end == 2000


def test_a_reading_that_goes_on_behind_a_cut_marks_where_it_was() -> None:
    call = Call()
    item = call.at(1000).assistant(4000, "One two. Three four five. Six seven eight.")
    call.at(2500).truncate(item, 2000, ack_ms=2510)
    (turn,) = entries(call, "generated")
    assert [(segment.text, segment.cut) for segment in turn.segments] == [
        ("One two.", None),
        ("Three four", "the user cut in here"),
        ("five.", None),
        ("Six seven eight.", None),
    ]
    assert text(turn) == "One two. Three four five. Six seven eight."
    assert (turn.rest, turn.cut, turn.end) == ("", None, 5000)


def test_spaces_before_the_words_do_not_move_the_mark_of_a_cut() -> None:
    call = Call()
    item = call.at(1000).assistant(4000, "\n\n  One two three four five. Six seven eight nine ten.")
    call.at(2500).truncate(item, 2000, ack_ms=2510)
    (turn,) = entries(call, "generated")
    assert [(segment.text, segment.cut) for segment in turn.segments][:2] == [
        ("One two three four", "the user cut in here"),
        ("five.", None),
    ]


def test_a_cut_is_marked_in_the_part_that_was_cut() -> None:
    call = Call()
    response, item = call.at(1000).begin()
    words = [
        {"type": "output_text", "text": "Written."},
        {"type": "output_audio", "transcript": "One two. Three four."},
    ]
    call.at(1010).delta(response, item, tone(2000), index=1)
    stated = {"id": item, "type": "message", "role": "assistant", "status": "completed", "content": words}
    call.at(1020).server("response.output_item.done", response_id=response, output_index=0, item=stated)
    call.at(2500).truncate(item, 1000, index=1, ack_ms=2510)
    (turn,) = entries(call, "generated")
    assert [(segment.text, segment.cut) for segment in turn.segments] == [
        ("Written.", None),
        ("\n", None),
        ("One two.", "the user cut in here"),
        ("Three four.", None),
    ]


def test_a_cut_at_the_end_of_a_sentence_divides_nothing() -> None:
    call = Call()
    item = call.at(1000).assistant(2000, "One two. Six ten.")
    call.at(2500).truncate(item, 1000, ack_ms=2510)
    (turn,) = entries(call, "generated")
    assert [(segment.text, segment.cut) for segment in turn.segments] == [
        ("One two.", "the user cut in here"),
        ("Six ten.", None),
    ]


def test_a_cut_in_a_text_without_spaces_loses_no_letter() -> None:
    call = Call()
    item = call.at(1000).assistant(4000, "今天天气很好适合散步")
    call.at(2500).truncate(item, 2000, ack_ms=2510)
    (turn,) = entries(call, "generated")
    assert [segment.text for segment in turn.segments] == ["今天天气很", "好适合散步"]


def test_as_generated_what_never_began_is_marked_before_its_first_word() -> None:
    call = Call()
    first = call.at(1000).assistant(4000, "The first answer.")
    call.at(1500).assistant(2000, "The second one.")
    call.at(2500).truncate(first, 1000, ack_ms=2510)
    second = entries(call, "generated")[1]
    assert [(segment.text, segment.cut) for segment in second.segments] == [
        ("", "not heard"),
        ("The second one.", None),
    ]


def test_what_never_began_says_so() -> None:
    call = Call()
    first = call.at(1000).assistant(4000, "The first answer.")
    call.at(1500).assistant(2000, "The second one.")
    call.at(2500).truncate(first, 1000, ack_ms=2510)
    second = entries(call)[1]
    assert second.cut == "never heard: cut off before it began (2.00 s produced)"
    assert second.rest == "The second one."
    assert second.segments == []


def test_only_the_first_entry_of_a_response_tells_how_long_it_took() -> None:
    call = Call()
    call.user(1000, 2000, "Hello.")
    call.at(2500).assistant(1000, "Hi.")
    (_, reply) = entries(call)
    assert reply.waited == "0.50 s"


def test_a_call_by_the_server_has_its_output_in_its_own_item() -> None:
    call = Call()
    call.at(1000).added(
        {"id": "item_9", "type": "mcp_call", "status": "completed", "name": "search", "server_label": "shop",
         "arguments": '{"q": "tea"}', "output": "green, black"},
    )  # fmt: skip
    (turn,) = entries(call)
    assert turn.tool is not None
    assert (turn.tool.name, turn.tool.arguments, turn.tool.output) == ("search", '{"q": "tea"}', "green, black")
    assert text(turn) == ""


def test_a_call_by_the_server_that_failed_shows_the_error() -> None:
    call = Call()
    call.at(1000).added(
        {"id": "item_9", "type": "mcp_call", "name": "search", "arguments": "{}",
         "error": {"type": "http_error", "code": 502}},
    )  # fmt: skip
    (turn,) = entries(call)
    assert turn.tool is not None
    assert turn.tool.output == '{"error": {"type": "http_error", "code": 502}}'


def test_a_cancelled_reply_without_sound_is_interrupted_without_figures() -> None:
    call = Call()
    response, item = call.at(1000).begin()
    stated = {"id": item, "type": "message", "role": "assistant", "status": "incomplete",
              "content": [{"type": "output_text", "text": "I was about"}]}  # fmt: skip
    details = {"type": "cancelled", "reason": "turn_detected"}
    done = {"id": response, "status": "cancelled", "status_details": details, "output": [stated]}
    call.at(2000).server("response.done", response=done)
    (turn,) = entries(call)
    assert (text(turn), turn.cut) == ("I was about", "interrupted")


def test_several_parts_of_a_message_stand_below_each_other() -> None:
    call = Call()
    parts = [{"type": "input_text", "text": "one"}, {"type": "input_text", "text": "two"}]
    call.at(1000).added({"id": "item_9", "type": "message", "role": "user", "status": "completed", "content": parts})
    (turn,) = entries(call)
    assert text(turn) == "one\ntwo"


def test_typed_entries_are_marked_and_have_the_time_at_which_they_came() -> None:
    call = Call()
    call.at(3250).typed("By keyboard.")
    (turn,) = entries(call)
    assert (turn.typed, turn.came, turn.start, text(turn)) == (True, "0:03.2", None, "By keyboard.")


def test_speech_that_was_not_transcribed_can_still_be_found_in_the_sound() -> None:
    call = Call()
    call.user(1000, 2000, None)
    (turn,) = entries(call)
    assert (turn.start, turn.end, turn.segments, turn.remark) == (1100, 2100, [], "no transcription")


def test_speech_in_which_no_words_were_found_says_so() -> None:
    call = Call()
    call.user(1000, 2000, "")
    (turn,) = entries(call)
    assert turn.remark == "no words"


def test_records_behind_an_entry_are_grouped_by_type_and_all_there() -> None:
    call = Call()
    call.at(1000).assistant(1000, "a b c")
    (turn,) = entries(call)
    item = fold(call.recording().frames).items[0]
    assert sorted(seq for group in turn.behind.groups for seq in group.seqs) == list(item.seqs)
    deltas = next(each for each in turn.behind.groups if each.type == "response.output_audio_transcript.delta")
    assert (len(deltas.seqs), deltas.sender) == (3, "server")
    firsts = [group.seqs.first for group in turn.behind.groups]
    assert firsts == sorted(firsts, key=lambda seq: seq or 0)
