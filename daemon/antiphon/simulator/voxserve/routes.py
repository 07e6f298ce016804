"""Which request goes where, and the answers that need no model: health, refusals, redirects, CORS. Pure.

Bodies and headers are those of vox-serve 0.1.0 on FastAPI 0.116 and uvicorn 0.35, seen on the wire.
"""

import re
from dataclasses import dataclass
from enum import Enum

from antiphon.simulator.voxserve.http1 import Request, Response, detail, json_response, plain

_METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"


class Place(Enum):
    """What a path leads to."""

    HEALTH = "health"
    GENERATE = "generate"
    START = "start"
    TEXT = "text"
    AUDIO = "audio"
    END = "end"
    PAGE = "page"


_ROUTES = (
    (re.compile(r"/health"), ("GET",), Place.HEALTH),
    (re.compile(r"/generate"), ("POST",), Place.GENERATE),
    (re.compile(r"/generate/stream/start"), ("POST",), Place.START),
    (re.compile(r"/generate/stream/([^/]+)/text"), ("POST",), Place.TEXT),
    (re.compile(r"/generate/stream/([^/]+)/audio"), ("GET",), Place.AUDIO),
    (re.compile(r"/generate/stream/([^/]+)/end"), ("POST",), Place.END),
    (re.compile(r"/(?:docs|redoc|openapi\.json)"), ("GET", "HEAD"), Place.PAGE),
)

HEALTHY = json_response(200, {"status": "healthy"})
SAME_PAGE = "Vox-Serve API: text-to-speech using Orpheus model (simulated)"


@dataclass(frozen=True, slots=True)
class Route:
    """A request that is served; `stream` is the id in its path, or ""."""

    place: Place
    stream: str = ""


def route(request: Request, here: str) -> Route | Response:
    """Where `request` leads, or the answer to it. `here` is host:port, for a client that names none."""
    for pattern, methods, place in _ROUTES:
        if match := pattern.fullmatch(request.path):
            if request.method in methods:
                return Route(place, match[1] if pattern.groups else "")
            return detail(405, "Method Not Allowed", ("allow", ", ".join(methods)))
    return _redirect(request, here) or detail(404, "Not Found")


def page(path: str) -> Response:
    """What stands in for the pages of documentation."""
    if path == "/openapi.json":
        info = {"title": "Vox-Serve API", "description": "Text-to-Speech API using Orpheus model", "version": "0.1.0"}
        return json_response(200, {"openapi": "3.1.0", "info": info, "paths": {}})
    return plain(200, f"<!DOCTYPE html><title>Vox-Serve API</title><p>{SAME_PAGE}</p>", kind="text/html")


def with_cors(request: Request, response: Response) -> Response:
    """`response` as it goes out to a page of another origin."""
    origin = request.headers.get("origin")
    if origin is None:
        return response
    credentials = ("access-control-allow-credentials", "true")
    if "cookie" in request.headers:
        return response.with_headers(("access-control-allow-origin", origin), credentials, ("vary", "Origin"))
    return response.with_headers(("access-control-allow-origin", "*"), credentials)


def preflight(request: Request) -> Response | None:
    """The answer to a browser that asks whether it may ask; None for all else."""
    origin, method = (request.headers.get(name) for name in ("origin", "access-control-request-method"))
    if request.method != "OPTIONS" or origin is None or method is None:
        return None
    headers = [
        ("vary", "Origin"),
        ("access-control-allow-methods", _METHODS),
        ("access-control-max-age", "600"),
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-origin", origin),
    ]
    if wanted := request.headers.get("access-control-request-headers"):
        headers.append(("access-control-allow-headers", wanted))
    known = method in _METHODS.split(", ")
    return plain(200 if known else 400, "OK" if known else "Disallowed CORS method", *headers)


def _redirect(request: Request, here: str) -> Response | None:
    """A path that is known but for its last slash is told where to go, with the whole address."""
    path = request.path
    other = path.rstrip("/") if path.endswith("/") else path + "/"
    if not any(pattern.fullmatch(other) for pattern, _, _ in _ROUTES):
        return None
    where = f"http://{request.headers.get('host', here)}{request.raw_path.rstrip('/')}"
    query = f"?{request.query}" if request.query else ""
    return Response(307, (("content-length", "0"), ("location", where + query)))
