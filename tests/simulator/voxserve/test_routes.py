"""Which request goes where. What it looks like on the wire is compared with the real server in test_desk."""

import pytest

from antiphon.simulator.voxserve.http1 import Request, Response
from antiphon.simulator.voxserve.routes import HEALTHY, Place, Route, page, preflight, route, with_cors


def request(line, **headers):
    method, target = line.split()
    return Request(method, target, 1, {name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ("GET /health", Route(Place.HEALTH)),
        ("GET /health?x=1", Route(Place.HEALTH)),
        ("POST /generate", Route(Place.GENERATE)),
        ("POST /generate/stream/start", Route(Place.START)),
        ("POST /generate/stream/a%20b/text", Route(Place.TEXT, "a b")),
        ("GET /generate/stream/x/audio", Route(Place.AUDIO, "x")),
        ("POST /generate/stream/x/end", Route(Place.END, "x")),
        ("HEAD /docs", Route(Place.PAGE)),
    ],
)
def test_what_is_served(line, where):
    assert route(request(line), "here:1") == where


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("HEAD /health", 405),
        ("GET /generate", 405),
        ("OPTIONS /generate", 405),
        ("GET /v1/models", 404),
        ("GET /", 404),
        ("POST /generate/", 307),
        ("GET /health/", 307),
    ],
)
def test_what_is_not(line, status):
    response = route(request(line), "here:1")
    assert isinstance(response, Response)
    assert response.status == status


def test_a_redirect_names_the_whole_address():
    def location(**headers):
        return dict(route(request("POST /generate/?a=b", **headers), "here:1").headers)["location"]

    assert location(host="h:9") == "http://h:9/generate?a=b"
    assert location() == "http://here:1/generate?a=b"


def test_pages_of_another_origin():
    names = "access-control-allow-origin"
    assert with_cors(request("GET /health"), HEALTHY) == HEALTHY
    assert dict(with_cors(request("GET /health", origin="http://a"), HEALTHY).headers)[names] == "*"
    assert dict(with_cors(request("GET /health", origin="http://a", cookie="b"), HEALTHY).headers)[names] == "http://a"
    asked = preflight(request("OPTIONS /generate", origin="http://a", access_control_request_method="POST"))
    assert (asked.status, asked.body) == (200, b"OK")
    refused = preflight(request("OPTIONS /generate", origin="http://a", access_control_request_method="BREW"))
    assert refused.status == 400
    assert preflight(request("OPTIONS /generate", origin="http://a")) is None


def test_pages_of_documentation_have_the_title_of_the_real_ones():
    assert b"Vox-Serve API" in page("/docs").body
    assert b'"title":"Vox-Serve API"' in page("/openapi.json").body
