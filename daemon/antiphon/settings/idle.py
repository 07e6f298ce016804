"""What is set and does nothing, because of something else that is set. It is no error: it may be wanted tomorrow."""

from collections.abc import Iterator, Mapping

from antiphon.settings.sections import Settings


def idle(settings: Settings) -> Iterator[tuple[str, str]]:
    """For each cause one sentence, and what to do about it."""
    links, tools = set(settings.links), settings.tools
    searches = {name: getattr(settings.realtime, name) for name in ("web_search", "retrieval_store")}
    if (named := _given("realtime", searches)) and "realtime" not in links:
        yield f"{named}, as realtime alone searches, and links leaves it out", "put realtime into links"
    owned = {name: getattr(tools, name) for name in ("switches", "commands", "plugins", "servers")}
    if (named := _given("tools", owned)) and links == {"generate"}:
        yield f"{named}, as links is generate alone, whose servers know no tools", "put another into links"


def _given(section: str, values: Mapping[str, object]) -> str:
    names = [f"{section}.{name}" for name, value in values.items() if value]
    return f"{' and '.join(names)} {'does' if len(names) == 1 else 'do'} nothing" if names else ""
