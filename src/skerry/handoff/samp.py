"""Sending to the tools that are connected to a running SAMP hub."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from skerry.errors import CannotAnswerError, ConfigError
from skerry.handoff.messages import Message

_NO_HUB = (
    "no SAMP hub runs on this machine ({reason}); start TOPCAT, Aladin or another tool that runs "
    "one (TOPCAT: Interop > SAMP status shows it), then send again"
)


@dataclass(frozen=True)
class Receipt:
    """What one tool made of a message: ``error`` is empty where it took it."""

    name: str
    error: str = ""


def send(message: Message, to: str = "", timeout: float = 60.0) -> list[Receipt]:
    """Send a message to every tool that takes its kind, or to those named, and wait for each.

    Nothing leaves the machine: the hub is the one that the environment (``SAMP_HUB``) or the
    user's lock file names, and no other address is looked up.

    Parameters
    ----------
    to : part of a tool's name, in any case, as ``topcat``, ``aladin``, ``ds9``; empty: all
    timeout : seconds to wait for the answer of each; a tool that does not answer in time may
        still load what it got

    Raises
    ------
    CannotAnswerError
        No hub runs, or no tool that is connected takes such a message (or has such a name).
    ConfigError
        ``timeout`` is not above 0.
    """
    if not timeout > 0:
        raise ConfigError(f"the timeout is {timeout} s; expected a number above 0")
    with _connected() as client:
        names = {id_: _name(client, id_) for id_ in client.get_subscribed_clients(message.mtype)}
        chosen = [id_ for id_ in sorted(names) if to.casefold() in names[id_].casefold()]
        if not chosen:
            raise CannotAnswerError(_nobody(message, to, sorted(names.values())))
        return [Receipt(names[id_], _told(client, id_, message, timeout)) for id_ in chosen]


def _nobody(message: Message, to: str, there: list[str]) -> str:
    if to and there:
        return f"no tool {to!r} is connected that takes {message.mtype}; there are: " + ", ".join(
            there
        )
    return (
        f"a SAMP hub runs, but no tool{f' {to!r}' * bool(to)} is connected to it that takes "
        f"{message.mtype}; start TOPCAT, Aladin or DS9, see that it is connected, then send again"
    )


def library() -> Any:
    """The module that speaks SAMP: pyvo's from 1.9 on, astropy's before."""
    import pyvo.samp

    if hasattr(pyvo.samp, "SAMPHubServer"):
        return pyvo.samp
    import astropy.samp

    return astropy.samp


@contextmanager
def _connected() -> Iterator[Any]:
    """A client that can send and is sent nothing, so that no port is opened."""
    samp = library()
    about = {"samp.description.text": "Sends classes of galaxy that skerry found"}
    # else a web site is asked whether there is a network
    with samp.conf.set_temp("use_internet", False):
        client = samp.SAMPIntegratedClient(name="skerry", metadata=about, callable=False)
        try:
            client.connect()
        except (samp.SAMPHubError, samp.SAMPProxyError, OSError) as error:
            raise CannotAnswerError(_NO_HUB.format(reason=f"{error}".strip('."'))) from error
        try:
            yield client
        finally:
            client.disconnect()


def _name(client: Any, id_: str) -> str:
    return str(client.get_metadata(id_).get("samp.name", id_))


def _told(client: Any, id_: str, message: Message, timeout: float) -> str:
    """Why a tool did not take a message; empty where it did."""
    body = {"samp.mtype": message.mtype, "samp.params": dict(message.parameters)}
    try:
        answer = client.call_and_wait(id_, body, str(max(1, round(timeout))))
    except library().SAMPProxyError as error:
        return f"no answer ({error})"
    if answer.get("samp.status") == "samp.error":
        told = answer.get("samp.error", {}).get("samp.errortxt", "an error without a word")
        return str(told)
    return ""
