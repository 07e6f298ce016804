"""What is set in vain is found, and nothing else is."""

import pytest

from antiphon.settings import Command, Realtime, Settings, Tools, idle

SEARCHING = Realtime(web_search=True)
LIGHTS = Tools(commands=(Command(name="lights", description="Lights.", argv=("lights",)),))


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(links=("chat",)),
        Settings(realtime=SEARCHING),
        Settings(realtime=SEARCHING, links=("chat", "realtime"), tools=LIGHTS),
        Settings(links=("cascade",), tools=LIGHTS),
        Settings(links=("generate", "chat"), tools=LIGHTS, generate={"urls": ("http://nas:8000",)}),
    ],
)
def test_what_is_of_use_is_not_complained_of(settings):
    assert list(idle(settings)) == []


def test_searches_that_nobody_makes():
    ((says, remedy),) = idle(Settings(realtime=SEARCHING, links=("chat", "cascade")))
    assert says == "realtime.web_search does nothing, as realtime alone searches, and links leaves it out"
    assert remedy == "put realtime into links"
    both = Realtime(web_search=True, retrieval_store="12")
    ((says, _),) = idle(Settings(realtime=both, links=("cascade",)))
    assert says.startswith("realtime.web_search and realtime.retrieval_store do nothing")


def test_tools_that_nobody_can_call():
    settings = Settings(links=("generate",), tools=LIGHTS, generate={"urls": ("http://nas:8000",)})
    ((says, remedy),) = idle(settings)
    assert says == "tools.commands does nothing, as links is generate alone, whose servers know no tools"
    assert remedy == "put another into links"
