"""The service as systemctl has it; a list of what it was asked stands for it."""

import pytest

from antiphon.setting_up.service import Service, systemctl


class Systemctl:
    def __init__(self, *failing):
        self.asked, self.failing = [], failing

    def __call__(self, arguments):
        self.asked.append(" ".join(arguments))
        return int(arguments[0] in self.failing)


def test_whether_it_is_installed():
    assert Service(Systemctl()).is_here()
    assert not Service(Systemctl("cat")).is_here()


def test_whether_it_is_what_runs():
    run = Systemctl()
    assert Service(run).runs()
    assert run.asked == ["is-active antiphon.service"]
    assert not Service(Systemctl("is-active")).runs()


def interrupted(service, run):
    with service.stopped():
        assert service.pauses
        assert run.asked == ["stop antiphon.service"]
        raise KeyboardInterrupt


def test_it_is_stopped_for_a_while_and_started_again_however_that_ends():
    run = Systemctl()
    service = Service(run)
    with pytest.raises(KeyboardInterrupt):
        interrupted(service, run)
    assert run.asked == ["stop antiphon.service", "start antiphon.service"]
    assert not service.pauses


@pytest.mark.parametrize("failing", [(), ("restart",)])
def test_it_starts_now_and_at_every_boot(failing):
    run = Systemctl(*failing)
    assert Service(run).start() is (not failing)
    assert run.asked == ["enable antiphon.service", "restart antiphon.service"]


def test_what_systemctl_does_not_know_is_a_failure():
    assert systemctl(["no-such-verb"]) != 0
