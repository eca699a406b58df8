from itertools import pairwise

from client.negotiation import (
    GONE_AFTER_S,
    AddCandidate,
    ApplyAnswer,
    AskForSession,
    LinkState,
    MakeAnswer,
    MakeOffer,
    Negotiator,
)
from codec.signaling import IceCandidate, SessionDescription, SignalData

T0 = 1000.0


def offer(session: int) -> SignalData:
    return SignalData("face", session, description=SessionDescription("offer", "offer sdp"))


def answer(session: int) -> SignalData:
    return SignalData("face", session, description=SessionDescription("answer", "answer sdp"))


def request(session: int) -> SignalData:
    return SignalData("face", session, request=True)


def offering() -> Negotiator:
    negotiator = Negotiator(offers=True, first_session=50, now=T0)
    assert negotiator.start(T0) == [MakeOffer(50)]
    negotiator.progress(T0)
    return negotiator


def answering() -> Negotiator:
    negotiator = Negotiator(offers=False, first_session=50, now=T0)
    assert negotiator.start(T0) == []
    return negotiator


def test_offer_answer_and_candidates_of_the_current_session_are_used_once() -> None:
    negotiator = offering()
    candidate = IceCandidate("candidate:1", "0", 0)
    assert negotiator.receive(answer(50), T0) == [ApplyAnswer(50, "answer sdp")]
    assert negotiator.receive(answer(50), T0) == []
    assert negotiator.receive(SignalData("face", 50, candidate=candidate), T0) == [AddCandidate(50, candidate)]
    assert negotiator.receive(SignalData("face", 50, candidate=None), T0) == [AddCandidate(50, None)]


def test_messages_of_another_session_are_dropped() -> None:
    negotiator = offering()
    for session in (49, 51):
        assert negotiator.receive(answer(session), T0) == []
        assert negotiator.receive(SignalData("face", session, candidate=None), T0) == []


def test_each_side_ignores_what_only_the_other_side_may_say() -> None:
    assert offering().receive(offer(60), T0) == []
    assert answering().receive(answer(60), T0) == []
    assert answering().receive(request(60), T0 + 10) == []


def test_a_newer_offer_replaces_the_connection_and_an_older_one_is_told_the_number_to_exceed() -> None:
    negotiator = answering()
    assert negotiator.receive(offer(50), T0) == [MakeAnswer(50, "offer sdp")]
    assert negotiator.receive(offer(51), T0) == [MakeAnswer(51, "offer sdp")]
    assert negotiator.receive(offer(7), T0) == [AskForSession(51)]
    restarted = Negotiator(offers=True, first_session=7, now=T0)
    restarted.start(T0)
    restarted.progress(T0)
    assert restarted.receive(request(51), T0 + 3) == [MakeOffer(52)]


def test_unfinished_set_up_is_begun_anew_after_five_seconds() -> None:
    negotiator = offering()
    assert negotiator.tick(T0 + 4.9) == []
    assert negotiator.tick(T0 + 5.0) == [MakeOffer(51)]
    negotiator.progress(T0 + 5.0)
    assert negotiator.tick(T0 + 9.9) == []
    assert negotiator.tick(T0 + 10.0) == [MakeOffer(52)]


def test_the_set_up_time_runs_from_when_our_description_went_out() -> None:
    negotiator = Negotiator(offers=True, first_session=50, now=T0)
    negotiator.start(T0)
    assert negotiator.tick(T0 + 12) == []
    assert negotiator.receive(request(50), T0 + 12) == []
    negotiator.progress(T0 + 12)
    assert negotiator.tick(T0 + 16.9) == []
    assert negotiator.tick(T0 + 17) == [MakeOffer(51)]


def test_an_answer_that_takes_long_is_not_superseded() -> None:
    negotiator = answering()
    negotiator.receive(offer(50), T0)
    assert negotiator.tick(T0 + 12) == []
    negotiator.progress(T0 + 12)
    negotiator.failed()
    assert negotiator.tick(T0 + 13.9) == []
    assert negotiator.tick(T0 + 14) == [AskForSession(50)]


def test_the_answering_side_asks_for_a_new_session() -> None:
    negotiator = answering()
    assert negotiator.tick(T0 + 5) == [AskForSession(0)]
    negotiator.receive(offer(50), T0 + 6)
    negotiator.progress(T0 + 6)
    negotiator.heard(T0 + 7)
    assert negotiator.tick(T0 + 12.9) == []
    assert negotiator.tick(T0 + 13) == [AskForSession(50)]


def test_a_live_link_restarts_after_six_silent_seconds_only() -> None:
    negotiator = offering()
    for second in range(1, 30):
        negotiator.heard(T0 + second)
        assert negotiator.tick(T0 + second + 0.9) == []
    assert negotiator.tick(T0 + 34.9) == []
    assert negotiator.tick(T0 + 35) == [MakeOffer(51)]


def test_requests_cannot_make_us_offer_in_a_loop() -> None:
    negotiator = offering()
    offers = []
    for tick in range(100):
        now = T0 + tick * 0.1
        if commands := negotiator.receive(request(0), now):
            offers += commands
            negotiator.progress(now)
    assert offers == [MakeOffer(51), MakeOffer(52), MakeOffer(53), MakeOffer(54)]


def test_a_broken_connection_is_replaced_without_waiting_for_silence() -> None:
    negotiator = offering()
    negotiator.heard(T0 + 10)
    negotiator.failed()
    assert negotiator.state(T0 + 10) is LinkState.RECONNECTING
    assert negotiator.tick(T0 + 10.1) == [MakeOffer(51)]


def test_states_in_words() -> None:
    negotiator = offering()
    assert negotiator.state(T0 + 1) is LinkState.CONNECTING
    negotiator.heard(T0 + 2)
    assert negotiator.state(T0 + 3.9) is LinkState.LIVE
    assert negotiator.state(T0 + 4.0) is LinkState.RECONNECTING
    negotiator.tick(T0 + 10)  # a new attempt does not make it new
    assert negotiator.state(T0 + 10) is LinkState.RECONNECTING
    assert negotiator.state(T0 + 2 + GONE_AFTER_S) is LinkState.GONE
    negotiator.heard(T0 + 90)
    assert negotiator.state(T0 + 90) is LinkState.LIVE
    assert offering().state(T0 + GONE_AFTER_S) is LinkState.GONE


def test_somebody_who_is_gone_is_tried_less_often() -> None:
    negotiator = offering()
    attempts = []
    for now in range(0, 300):
        if negotiator.tick(T0 + now):
            attempts.append(now)
            negotiator.progress(T0 + now)
    early = [now for now in attempts if now < 60]
    late = [now for now in attempts if now >= 90]
    assert len(early) == 11
    assert all(after - before == 15 for before, after in pairwise(late))
