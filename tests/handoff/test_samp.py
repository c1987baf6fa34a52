"""A real hub in the test, a tool that is connected to it, and what arrives there."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import votable
from astropy.table import Table

from skerry.errors import CannotAnswerError, ConfigError, InputError
from skerry.handoff import Message, pointing, send, table_of
from skerry.handoff.samp import library
from skerry.using import Finished
from tests.test_cli import call


@dataclass
class Tool:
    """What a connected tool was sent, and how it answers."""

    client: Any
    got: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    error: str = ""
    silent: bool = False

    def receive(self, key: str, sender: str, id_: str, mtype: str, params: Any, extra: Any) -> None:
        self.got.append((mtype, dict(params)))
        if self.silent:
            return
        if self.error:
            answer = {"samp.status": "samp.error", "samp.error": {"samp.errortxt": self.error}}
        else:
            answer = {"samp.status": "samp.ok", "samp.result": {}}
        # astropy's hub forgets an answer that comes before it has noted the question
        time.sleep(0.1)
        self.client.reply(id_, answer)


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of one class are left where they are written."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    samp = library()
    lockfile = tmp_path / "samp.lock"
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{lockfile.as_uri()}")
    with samp.conf.set_temp("use_internet", False):
        started = samp.SAMPHubServer(
            addr="127.0.0.1", lockfile=str(lockfile), web_profile=False, mode="multiple"
        )
        started.start()
        yield started
        started.stop()


@pytest.fixture
def connect(hub: Any) -> Iterator[Any]:
    """Connects tools that take some messages."""
    clients = []

    def connected(name: str, *mtypes: str) -> Tool:
        samp = library()
        client = samp.SAMPIntegratedClient(name=name, addr="127.0.0.1")
        client.connect()
        clients.append(client)
        tool = Tool(client)
        for mtype in mtypes:
            client.bind_receive_call(mtype, tool.receive)
        return tool

    yield connected
    for client in clients:
        client.disconnect()


TABLE, POINT = "table.load.votable", "coord.pointAt.sky"


def read(url: str) -> Table:
    assert url.startswith("file:///")
    path = Path(unquote(urlparse(url).path))
    assert votable.validate(path, output=None, xmllint=False)
    return Table.read(path, format="votable")


def test_members_arrive_at_every_tool_that_takes_tables(judged: Path, connect: Any) -> None:
    topcat, aladin = connect("topcat", TABLE, POINT), connect("Aladin", TABLE)
    other = connect("viewer", POINT)
    code, out, _ = call("send", judged, "--json")
    found = json.loads(out)
    assert code == 0 and sorted(r["name"] for r in found["sent"]) == ["Aladin", "topcat"]
    assert [r["error"] for r in found["sent"]] == ["", ""] and other.got == []
    ((mtype, params),) = topcat.got
    assert aladin.got == [(mtype, params)]
    assert (mtype, params["name"]) == (TABLE, "run members")
    assert params["url"] == (judged / "products" / "members.vot").resolve().as_uri()
    members = pq.read_table(judged / "products" / "members.parquet")
    assert list(read(params["url"])["id_str"]) == members["id_str"].to_pylist()


def test_one_class_goes_to_one_tool(judged: Path, connect: Any) -> None:
    topcat, aladin = connect("topcat", TABLE), connect("Aladin", TABLE)
    rare = Finished(judged).classes[1]
    code, out, _ = call("send", judged, "--class", rare.class_id, "--to", "TOPCAT")
    assert (code, aladin.got) == (0, []) and "topcat: taken" in out
    ((_, params),) = topcat.got
    rows = read(params["url"])
    assert set(rows["class_id"]) == {rare.class_id}
    assert tuple(rows["id_str"]) == rare.members
    assert judged not in Path(unquote(urlparse(params["url"]).path)).parents
    # the same table of one run and class has one name in the tool, so that it replaces itself
    again, all_of_them = table_of(Finished(judged), rare.class_id), table_of(Finished(judged))
    assert again.parameters["table-id"] == params["table-id"] != all_of_them.parameters["table-id"]


def test_a_tool_is_pointed_at_a_source(finished: Path, connect: Any) -> None:
    viewer = connect("Aladin", POINT, TABLE)
    row = pq.read_table(finished / "sources" / "sources.parquet").to_pylist()[7]
    code, _, _ = call("send", finished, "--point", row["id_str"])
    assert code == 0
    ((mtype, params),) = viewer.got
    assert (mtype, float(params["ra"]), float(params["dec"])) == (POINT, row["ra"], row["dec"])


def test_what_goes_wrong_in_a_tool_is_told(judged: Path, connect: Any) -> None:
    connect("topcat", TABLE).error = "out of memory"
    connect("slow", TABLE).silent = True
    message = table_of(Finished(judged))
    told = {r.name: r.error for r in send(message, timeout=1)}
    assert told["topcat"] == "out of memory" and "no answer" in told["slow"]


def test_what_no_tool_took_is_a_failure(judged: Path, connect: Any) -> None:
    connect("topcat", TABLE).error = "out of memory"
    code, out, _ = call("send", judged)
    assert code == 1 and "topcat: out of memory" in out and "Not taken: file:" in out
    code, out, _ = call("send", judged, "--json")
    assert code == 1 and json.loads(out)["sent"][0]["error"] == "out of memory"
    connect("Aladin", TABLE)
    assert call("send", judged)[0] == 0


def test_a_hub_without_tools_and_a_tool_by_a_wrong_name(judged: Path, connect: Any) -> None:
    message = table_of(Finished(judged))
    with pytest.raises(
        CannotAnswerError, match=r"hub runs, but no tool is connected.*start TOPCAT"
    ):
        send(message)
    connect("topcat", TABLE)
    with pytest.raises(CannotAnswerError, match=r"no tool 'ds9'.*there are: topcat"):
        send(message, to="ds9")


def test_without_a_hub_it_says_what_to_start(
    judged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{(tmp_path / 'none').as_uri()}")
    code, out, _ = call("send", judged, "--json")
    assert code == 1
    assert "no SAMP hub runs" in json.loads(out)["message"] and "start TOPCAT" in out


def test_what_cannot_be_sent(judged: Path, finished: Path) -> None:
    run = Finished(judged)
    with pytest.raises(InputError, match="has no class 'X'"):
        table_of(run, "X")
    with pytest.raises(InputError, match="has no source 'X'"):
        pointing(run, "X")
    with pytest.raises(InputError, match="position of s000 is not known"):
        pointing(run, "s000")
    with pytest.raises(ConfigError, match="timeout is 0"):
        send(Message(TABLE, {}), timeout=0)
    code, _, error = call("send", judged, "--class", "a", "--point", "b")
    assert code == 1 and "--point and --class" in error


def test_a_position_that_is_not_a_number_is_not_known(judged: Path, tmp_path: Path) -> None:
    @dataclass
    class Bare:
        path: Path

    table = {"id_str": ["a"], "ra": [np.nan], "dec": [1.0]}
    (tmp_path / "sources").mkdir()
    pq.write_table(pa.table(table), tmp_path / "sources" / "sources.parquet")
    with pytest.raises(InputError, match="not known"):
        pointing(Bare(tmp_path), "a")
