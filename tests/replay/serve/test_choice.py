from __future__ import annotations

import pytest
from earwitness.replay.serve.choice import Handout, NoSession, Offer

PATH = "/v1/realtime?model=gpt-realtime"


def test_sessions_are_handed_out_in_order_and_once():
    handout = Handout([Offer("a"), Offer("b")])
    assert [handout.choose("/any"), handout.choose("/path")] == [0, 1]
    with pytest.raises(NoSession, match="all 2 recorded sessions have been played"):
        handout.choose("/any")


def test_they_begin_again_when_asked_to_repeat():
    handout = Handout([Offer("a"), Offer("b")], repeat=True)
    assert [handout.choose("/") for _ in range(5)] == [0, 1, 0, 1, 0]


def test_the_continuation_of_the_last_one_comes_first():
    handout = Handout([Offer("a"), Offer("b"), Offer("c", previous="a")])
    assert [handout.choose("/") for _ in range(3)] == [0, 2, 1]


def test_path_and_model_choose():
    handout = Handout(
        [
            Offer("azure", "/openai/realtime?api-version=1&deployment=d"),
            Offer("mini", "/v1/realtime?model=gpt-realtime-mini"),
            Offer("full", PATH),
        ]
    )
    assert handout.choose(PATH) == 2
    assert handout.choose("/openai/realtime?api-version=2&deployment=d") == 0


def test_another_path_is_refused_and_the_recorded_ones_are_named():
    with pytest.raises(NoSession, match="/v2/realtime is not recorded; there is /v1/realtime"):
        Handout([Offer("a", PATH)]).choose("/v2/realtime")


def test_another_model_is_refused_and_the_recorded_one_is_named():
    with pytest.raises(NoSession, match="model=gpt-realtime"):
        Handout([Offer("a", PATH)]).choose("/v1/realtime?model=other")


def test_a_refused_handshake_uses_no_session_up():
    handout = Handout([Offer("a", PATH)])
    with pytest.raises(NoSession):
        handout.choose("/other")
    assert handout.choose(PATH) == 0


def test_path_and_model_do_not_matter_where_nothing_is_compared():
    assert Handout([Offer("a", PATH)], any_target=True).choose("/other?model=x") == 0


def test_a_client_may_name_the_session_by_id_or_label():
    offers = [Offer("a", PATH), Offer("b", PATH, {"case": "refund"})]
    assert Handout(offers).choose(f"{PATH}&earwitness-session=b") == 1
    assert Handout(offers).choose(PATH, "refund") == 1
    with pytest.raises(NoSession, match="'zzz'"):
        Handout(offers).choose(PATH, "zzz")


def test_a_session_whose_handshake_failed_can_be_had_again():
    handout = Handout([Offer("a")])
    handout.take_back(handout.choose("/"))
    assert handout.choose("/") == 0
