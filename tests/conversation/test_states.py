"""The table of moves is whole, and the diagram is the table."""

from antiphon.conversation.states import AT_REST, MOVES, State, mermaid


def test_every_state_has_its_moves_and_none_moves_to_itself():
    assert set(MOVES) == set(State)
    for start, ends in MOVES.items():
        assert start not in ends
        assert all(why.strip() for why in ends.values())


def test_every_state_can_be_reached_and_every_state_can_rest():
    assert reach(State.ASLEEP) == set(State)
    for start in State:
        assert reach(start) >= AT_REST


def reach(start):
    seen, fresh = {start}, [start]
    while fresh:
        for end in MOVES[fresh.pop()]:
            if end not in seen:
                seen.add(end)
                fresh.append(end)
    return seen


def test_the_owner_can_mute_anywhere_and_deafness_ends_asleep_only():
    assert all(State.DEAF in ends for start, ends in MOVES.items() if start is not State.DEAF)
    assert set(MOVES[State.DEAF]) == {State.ASLEEP}


def test_nothing_is_heard_before_somebody_thought_but_an_announcement_while_nobody_speaks():
    assert {start for start, ends in MOVES.items() if State.SPEAKING in ends} == {
        State.THINKING,
        State.DOUBTING,
        State.ASLEEP,
        State.LINGERING,
    }


def test_only_what_can_be_heard_is_doubted():
    assert {start for start, ends in MOVES.items() if State.DOUBTING in ends} == {State.SPEAKING}


def test_the_diagram_has_a_line_for_every_move():
    lines = mermaid().splitlines()
    assert lines[:2] == ["stateDiagram-v2", "    [*] --> ASLEEP"]
    assert len(lines) == 2 + sum(map(len, MOVES.values()))
    assert "    THINKING --> SPEAKING: first sample audible" in lines
    assert all(";" not in line and line.count(":") == 1 for line in lines[2:]), "Mermaid would end a label there"
