"""The server over HTTP, without a browser: what it answers, and whom."""

from __future__ import annotations

import http.client
import json
import re
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest

from skerry.atlas import AtlasServer, Chart, chart_of, serve
from skerry.atlas.guard import LARGEST, Guard, Refused, is_open
from skerry.atlas.selection import MOST
from skerry.errors import RunError

from .conftest import EVIL, N

Answer = tuple[int, dict[str, str], bytes]


def call(
    server: AtlasServer,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def get(server: AtlasServer, path: str, **query: Any) -> Any:
    status, _, body = call(server, "GET", f"{path}?{urlencode(query)}")
    assert status == 200, body
    return json.loads(body)


def headers(server: AtlasServer, **more: str) -> dict[str, str]:
    own = {"Content-Type": "application/json", "X-Skerry-Token": server.guard.token}
    return {k.replace("_", "-"): v for k, v in {**own, **more}.items()}


def post(server: AtlasServer, path: str, value: Any, **more: str) -> Answer:
    return call(server, "POST", path, json.dumps(value).encode(), headers(server, **more))


def test_the_page_loads_nothing_from_elsewhere(served: AtlasServer) -> None:
    status, sent, body = call(served, "GET", "/")
    assert status == 200 and served.guard.token.encode() in body
    policy = sent["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "http" not in policy and "*" not in policy
    loaded = re.findall(rb'(?:src|href)="([^"]+)"', body)
    assert len(loaded) > 6
    for address in loaded:
        assert b"//" not in address
        if not address.startswith(b"data:"):
            status, sent, _ = call(served, "GET", f"/{address.decode()}")
            assert status == 200 and sent["X-Content-Type-Options"] == "nosniff"


def test_facts_and_members(served: AtlasServer, chart: Chart) -> None:
    run = get(served, "/api/run")
    assert run["n"] == N and run["placed"] == N - 1
    assert run["said"].startswith("300 sources, 20 in 1 class, 12 in 1 rejected candidate")
    assert [k["id"] for k in run["classes"]] == ["SKR-A", "SKR-B"]
    members = get(served, "/api/members")
    assert members["c"] == [0] * 20 + [1] * 12
    assert np.allclose(members["x"][0], served.api.sea.unit[N - 20, 0], atol=1e-6)


def test_a_class_a_source_and_its_column(served: AtlasServer, chart: Chart) -> None:
    found = get(served, "/api/class", id="SKR-A")
    assert [m["exemplar"] for m in found["gallery"]][:4] == [True, True, True, False]
    x0, _, x1, _ = found["box"]
    assert 0.8 < x0 < x1 < 1
    source = get(served, "/api/source", id=EVIL, color="catalog:side")
    assert (source["id"], source["class_id"], source["value"]["text"]) == (EVIL, "SKR-A", "right")
    assert get(served, "/api/source", id="s005")["map"] == [None, None]


def test_the_nearest_source(served: AtlasServer, chart: Chart) -> None:
    unit = served.api.sea.unit
    for row in (0, 50, N - 1):
        x, y = unit[row]
        found = get(served, "/api/nearest", x=x, y=y)
        assert found["id"] == chart.ids[row] and found["distance"] < 1e-9
    at = np.array([0.5, 0.4])
    expected = np.nanargmin(np.hypot(*(unit - at).T))
    assert get(served, "/api/nearest", x=0.5, y=0.4)["id"] == chart.ids[expected]


def test_tiles_and_legends(served: AtlasServer) -> None:
    plain = call(served, "GET", "/api/tile/1/0/0.png")
    assert plain[0] == 200 and plain[1]["Content-Type"] == "image/png"
    assert plain[2].startswith(b"\x89PNG")
    for color in ("catalog:x", "catalog:side"):
        status, _, body = call(served, "GET", f"/api/tile/1/0/0.png?color={color}")
        assert status == 200 and body != plain[2]
    assert get(served, "/api/columns") == {"catalog": ["x", "side"]}
    assert get(served, "/api/gone") == {"reason": ""}
    assert "scale" in get(served, "/api/legend", color="catalog:x")
    assert len(get(served, "/api/legend", color="catalog:side")["words"]) == 2
    for bad in ("/api/tile/0/1/0.png", "/api/tile/99/0/0.png", "/api/tile/1/0/0.png?color=no"):
        status, _, body = call(served, "GET", bad)
        assert status == 400 and json.loads(body)["error"]


def test_a_lasso_selects_what_it_holds(served: AtlasServer, chart: Chart) -> None:
    right = [[0.7, 0], [1, 0], [1, 1], [0.7, 1]]
    status, _, body = post(served, "/api/select", {"polygon": right})
    found = json.loads(body)
    inside = np.flatnonzero(served.api.sea.unit[:, 0] > 0.7)
    assert status == 200 and found["n"] == len(inside) >= 20
    assert found["classes"][0] == ["SKR-A", 20]
    assert sum(n for _, n in found["classes"]) == found["n"]
    assert {name for name, _ in found["rows"]} == {chart.ids[i] for i in inside}
    whole = [[0, 0], [1, 0], [1, 1], [0, 1]]
    found = json.loads(post(served, "/api/select", {"polygon": whole})[2])
    assert found["n"] == N - 1 and len(found["rows"]) == 200
    found = json.loads(post(served, "/api/select", {"polygon": whole, "all": True})[2])
    assert len(found["rows"]) == N - 1
    for bad in (None, "x", [], [[0, 0]], [[0, 0], [1, 1], ["a", 2]], [[1, 2], [3]], {"a": 1},
                [[0, 0]] * (MOST + 1)):  # fmt: skip
        status, _, body = post(served, "/api/select", {"polygon": bad})
        assert status == 400 and "polygon" in json.loads(body)["error"]


def test_reviews_are_kept(reviewed: AtlasServer) -> None:
    class_id = get(reviewed, "/api/run")["classes"][0]["id"]
    member = get(reviewed, "/api/class", id=class_id)["gallery"][0]["id"]
    for action in (
        {"kind": "name", "text": "<b>green</b> peas"},
        {"kind": "endorse"},
        {"kind": "note", "text": "<img src=x onerror=alert(1)>"},
        {"kind": "dismiss", "id_str": member},
    ):
        status, _, body = post(reviewed, "/api/review", {"class_id": class_id, **action})
        assert status == 200, body
    found = get(reviewed, "/api/reviews")
    held = found["classes"][class_id]
    assert (held["name"], held["review"]) == ("<b>green</b> peas", "endorsed")
    assert held["notes"][0]["text"] == "<img src=x onerror=alert(1)>"
    assert found["sources"][class_id] == {member: "dismissed"}
    status, _, body = post(reviewed, "/api/review", {"kind": "undo"})
    assert json.loads(body)["sources"] == {}
    # on the disk: a new server has them
    again = serve(chart_of(reviewed.api.chart.reviews.run))  # type: ignore[union-attr]
    try:
        assert get(again, "/api/reviews")["classes"][class_id]["review"] == "endorsed"
    finally:
        again.shutdown()
        again.server_close()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"kind": "merge", "class_id": "SKR-A"}, "expected one of name"),
        ({"kind": "endorse", "class_id": "no such"}, "has no class"),
        ({"kind": "endorse", "class_id": 3}, "no text"),
        ({"kind": "endorse", "who": "somebody else"}, "not known"),
        ({}, "kind is None"),
    ],
)
def test_a_review_that_cannot_be_made_says_why(
    reviewed: AtlasServer, body: dict[str, Any], says: str
) -> None:
    status, _, answer = post(reviewed, "/api/review", body)
    assert status == 400 and says in json.loads(answer)["error"]


def test_similar_sources_of_a_run(reviewed: AtlasServer) -> None:
    members = {m["id"] for m in get(reviewed, "/api/class", id=first(reviewed))["gallery"]}
    one = sorted(members)[0]
    found = get(reviewed, "/api/similar", id=one, n=5)
    assert len(found) == 5 and one not in {s["id"] for s in found}
    assert {s["id"] for s in found} & members
    assert [s["distance"] for s in found] == sorted(s["distance"] for s in found)
    assert call(reviewed, "GET", f"/api/similar?id={one}&n=0")[0] == 400
    status, _, body = call(reviewed, "GET", f"/api/similar?id={one}&n=abc")
    assert status == 400 and json.loads(body)["error"] == "n is 'abc'; expected a whole number"


def first(server: AtlasServer) -> str:
    return str(get(server, "/api/run")["classes"][0]["id"])


def test_a_run_of_representations_says_that_it_has_no_images(reviewed: AtlasServer) -> None:
    run = get(reviewed, "/api/run")
    assert not run["images"] and "began with representations" in run["no_images"]
    status, _, body = call(reviewed, "GET", f"/api/cutout?id={reviewed.api.chart.ids[0]}")
    assert status == 400 and "representations" in json.loads(body)["error"]


@pytest.mark.parametrize(
    "path",
    ["/../pyproject.toml", "/..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd",
     "/bokeh/../atlas.css", "/bokeh/..%2fbokeh.min.js", "/atlas.css%00.png", "/index.html",
     "/api/cutout/../../config.toml", "/config.toml", "/api", "/bokeh/", "/api/tile/1/0/..",
     "/api/tile/%31/0/0.png", "/..\\..\\config.toml", "/file:///etc/passwd"],
)  # fmt: skip
def test_no_path_leads_to_a_file(reviewed: AtlasServer, path: str) -> None:
    status, _, body = call(reviewed, "GET", path)
    assert status == 404
    assert json.loads(body) == {"error": "there is nothing at this address"}


@pytest.mark.parametrize("value", ["../config.toml", "..%2fconfig.toml", "/etc/passwd", "\x00"])
def test_an_id_is_no_path(reviewed: AtlasServer, value: str) -> None:
    for path in ("cutout", "class", "source", "similar"):
        status, _, body = call(reviewed, "GET", f"/api/{path}?{urlencode({'id': value})}")
        assert status == 400 and json.loads(body)["error"]


WRITE = {"kind": "undo"}


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"X_Skerry_Token": "guess"}, 403),
        ({"X_Skerry_Token": "é"}, 403),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 415),
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example:80"}, 421),
        ({"Host": ""}, 421),
    ],
)
def test_writes_from_elsewhere_are_refused(
    reviewed: AtlasServer, more: dict[str, str], status: int
) -> None:
    class_id = first(reviewed)
    action = {"kind": "endorse", "class_id": class_id}
    found, _, body = post(reviewed, "/api/review", action, **more)
    assert found == status and json.loads(body)["error"]
    assert get(reviewed, "/api/reviews")["classes"] == {}


def test_without_a_token_nothing_is_written(reviewed: AtlasServer) -> None:
    body = json.dumps({"kind": "endorse", "class_id": first(reviewed)}).encode()
    status, _, _ = call(reviewed, "POST", "/api/review", body, {"Content-Type": "application/json"})
    assert status == 403


def test_the_own_origin_may_write(reviewed: AtlasServer) -> None:
    for host in ("127.0.0.1", "localhost"):
        at = f"{host}:{reviewed.server_address[1]}"
        more = {"Host": at, "Origin": f"http://{at}", "Sec_Fetch_Site": "same-origin"}
        action = {"kind": "endorse", "class_id": first(reviewed)}
        assert post(reviewed, "/api/review", action, **more)[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1"]
)
def test_another_host_reads_nothing(served: AtlasServer, host: str) -> None:
    host = host.format(port=served.server_address[1])
    for path in ("/", "/api/run", "/atlas.css"):
        status, _, body = call(served, "GET", path, headers={"Host": host})
        assert status == 421 and b"SKR-A" not in body and served.guard.token.encode() not in body


def test_another_site_reads_nothing(served: AtlasServer) -> None:
    status, _, _ = call(served, "GET", "/api/run", headers={"Sec-Fetch-Site": "cross-site"})
    assert status == 403
    _, sent, _ = call(served, "GET", "/api/run")
    assert not [name for name in sent if name.lower().startswith("access-control")]
    assert sent["Cross-Origin-Resource-Policy"] == "same-origin"


def test_bodies_have_a_limit_and_are_json(served: AtlasServer) -> None:
    big = {"Content_Length": str(LARGEST + 1)}
    assert call(served, "POST", "/api/select", b"{}", headers(served, **big))[0] == 413
    endless = {"Content_Length": "9" * 400}
    assert call(served, "POST", "/api/select", b"", headers(served, **endless))[0] == 413
    for length in ("-1", "x", "²"):
        try:
            status = call(
                served, "POST", "/api/select", b"{}", headers(served, Content_Length=length)
            )[0]
        except UnicodeEncodeError:
            continue
        assert status == 411
    for body in (b"{", b"\xff", b"", b"[" * 100_000):
        assert call(served, "POST", "/api/select", body, headers(served))[0] == 400
    assert call(served, "POST", "/api/select", b"[]", headers(served))[0] == 400


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE"])
def test_other_methods_are_refused(served: AtlasServer, method: str) -> None:
    assert call(served, method, "/api/review")[0] == 501


def test_reading_changes_nothing(reviewed: AtlasServer) -> None:
    run = reviewed.api.chart.reviews.run  # type: ignore[union-attr]
    before = {p: p.stat().st_mtime_ns for p in Path(run).rglob("*")}
    for path in ("/", "/api/run", "/api/members", "/api/columns", "/api/gone", "/api/reviews",
                 "/api/tile/0/0/0.png", "/api/review", "/api/select"):  # fmt: skip
        call(reviewed, "GET", path)
    assert {p: p.stat().st_mtime_ns for p in Path(run).rglob("*")} == before
    assert call(reviewed, "GET", "/api/review")[0] == 404


def test_what_is_no_http_gets_an_answer_too(served: AtlasServer) -> None:
    with socket.create_connection(("127.0.0.1", served.server_address[1]), timeout=5) as link:
        link.sendall(b"nonsense\r\n\r\n")
        assert b"error" in link.recv(4096)
    assert get(served, "/api/run")["n"] == N


@pytest.mark.parametrize(
    "path",
    ["/api/nearest?x=a&y=1", "/api/nearest?x=nan&y=1", "/api/nearest?x=1",
     "/api/nearest?x=1e308&y=1", "/api/class", "/api/legend?color=no:no"],
)  # fmt: skip
def test_questions_that_make_no_sense_are_told_so(served: AtlasServer, path: str) -> None:
    status, _, body = call(served, "GET", path)
    assert status == 400 and len(json.loads(body)["error"]) > 10


def test_it_listens_on_this_machine_alone_unless_told(served: AtlasServer) -> None:
    assert served.server_address[0] == "127.0.0.1"
    assert not is_open("127.0.0.1") and not is_open("localhost") and not is_open("::1")
    assert is_open("0.0.0.0") and is_open("192.168.1.5") and is_open("myhost")


def test_bound_to_all_it_answers_to_numbers_but_to_no_names() -> None:
    guard = Guard("0.0.0.0", 8000)
    guard.check("GET", {"Host": "192.168.1.5:8000"})
    with pytest.raises(Refused):
        guard.check("GET", {"Host": "evil.example:8000"})
    Guard("::1", 8000).check("GET", {"Host": "[::1]:8000"})
    Guard("127.0.0.1", 80).check("GET", {"Host": "127.0.0.1"})


def test_a_port_that_is_taken_is_told(served: AtlasServer, chart: Chart) -> None:
    with pytest.raises(RunError, match="choose another"):
        AtlasServer(chart, port=served.server_address[1])
    with pytest.raises(RunError, match="choose another"):
        AtlasServer(chart, host="no.such.host.invalid")
