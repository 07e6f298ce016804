"""The agenda: acts in order of time, events in order of saying."""

from antiphon.simulator.stepfun.agenda import Agenda, End


def test_acts_run_in_order_of_time_and_then_of_asking():
    agenda, done = Agenda(), []
    for at_s, name in ((2.0, "late"), (1.0, "first"), (1.0, "second")):
        agenda.at(at_s, lambda _now, name=name: done.append(name))
    assert agenda.deadline == 1.0
    agenda.run(1.5)
    assert (done, agenda.deadline) == (["first", "second"], 2.0)
    agenda.run(2.0)
    assert (done, agenda.deadline) == (["first", "second", "late"], None)


def test_an_act_may_ask_for_another_that_is_due_at_once():
    agenda, done = Agenda(), []
    agenda.at(1.0, lambda now: agenda.at(now, done.append))
    agenda.run(1.0)
    assert done == [1.0]


def test_withdrawn_acts_are_given_back_in_order_and_others_stay():
    agenda, done = Agenda(), []
    agenda.at(3.0, done.append, tag="a", what="x")
    agenda.at(1.0, done.append, tag="a", what="y")
    agenda.at(2.0, done.append, tag="b")
    assert [due.what for due in agenda.withdraw("a")] == ["y", "x"]
    agenda.run(9.0)
    assert len(done) == 1


def test_what_is_said_is_taken_once():
    agenda = Agenda()
    agenda.say({"type": "one"})
    agenda.say(End(1000))
    assert agenda.take() == [{"type": "one"}, End(1000)]
    assert agenda.take() == []
