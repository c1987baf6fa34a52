"""Tasks on a Ray cluster: plain tasks, tried again where a worker or a node is lost."""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from skerry.errors import ConfigError, RunError
from skerry.executors.ahead import sent_ahead

Item = TypeVar("Item")
Result = TypeVar("Result")

RETRIES = 3
"""How many times a task is tried again after it was lost with its worker."""


@dataclass(frozen=True)
class Ray:
    """Tasks of the cluster that this process is connected to, of so many cores each."""

    cores: int = 1
    here: bool = False

    def map(
        self, task: Callable[[Item], Result], items: Iterable[Item], *, gpus: int = 0
    ) -> Iterator[Result]:
        """Results of ``task`` for each item, in order; see
        :class:`skerry.executors.executor.Executor`.

        The task is put into the cluster's object store, once: a node that runs it has one copy,
        whose arrays all its workers read. Every machine must be able to import what the task is
        made of.

        Raises
        ------
        RunError
            No node is large enough for a task, or one was lost more than ``RETRIES`` times.
        """
        return self._mapped(task, items, gpus, _oldest)

    def map_as_ended(
        self, task: Callable[[Item], Result], items: Iterable[Item], *, gpus: int = 0
    ) -> Generator[Result]:
        """The same in the order in which tasks end."""
        return self._mapped(task, items, gpus, _first_to_end)

    def _mapped(
        self,
        task: Callable[[Item], Result],
        items: Iterable[Item],
        gpus: int,
        take: Callable[[deque[Any]], Result],
    ) -> Generator[Result]:
        import ray

        self._require_room(gpus)
        remote = ray.remote(_call).options(
            num_cpus=self.cores,
            num_gpus=gpus,
            max_retries=RETRIES,
            retry_exceptions=False,  # a task's own error would be the same again
        )
        send = partial(remote.remote, ray.put(task))
        # counted anew each time: nodes come and go
        yield from sent_ahead(send, items, lambda: 2 * max(1, self._at_once(gpus)), take, _cancel)

    def _at_once(self, gpus: int) -> int:
        """How many tasks the cluster runs at a time."""
        import ray

        has = ray.cluster_resources()
        by_gpus = [int(has.get("GPU", 0)) // gpus] if gpus else []
        return min([int(has.get("CPU", 0)) // self.cores, *by_gpus])

    def _require_room(self, gpus: int) -> None:
        import ray

        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        sizes = [(int(n.get("CPU", 0)), int(n.get("GPU", 0))) for n in nodes]
        if any(has >= self.cores and cards >= gpus for has, cards in sizes):
            return
        raise RunError(
            f"a task asks for {self.cores} cores and {gpus} GPUs; the nodes of the Ray "
            f"cluster have {', '.join(f'{c} and {g}' for c, g in sizes) or 'none'}: give fewer "
            "threads, another device or a larger node"
        )


def _call(task: Callable[[Item], Result], item: Item) -> Result:
    return task(item)


def _cancel(reference: Any) -> None:
    import ray

    if ray.is_initialized():  # else it has ended with the connection
        ray.cancel(reference)


def _oldest(waiting: deque[Any]) -> Any:
    return _result(waiting.popleft())


def _first_to_end(waiting: deque[Any]) -> Any:
    import ray

    [one], _ = ray.wait(list(waiting), num_returns=1)
    waiting.remove(one)
    return _result(one)


def _result(reference: Any) -> Any:
    import ray
    from ray.exceptions import RayError, RayTaskError

    try:
        return ray.get(reference)
    except RayTaskError as error:
        if isinstance(error.cause, Exception):
            raise error.cause from None  # as it would be raised here
        raise RunError(f"a task failed on the Ray cluster: {error}") from error
    except RayError as error:
        raise RunError(
            f"a task was lost on the Ray cluster and tried {RETRIES} times again "
            f"({type(error).__name__}: {' '.join(str(error).split())}); see that its machines have "
            "memory and skerry, then start again: it goes on where it stopped"
        ) from error


@contextmanager
def connected(address: str, *, cores: int = 1) -> Iterator[Ray]:
    """The executor of a cluster; see :func:`skerry.executors.executor.opened`.

    A process that is connected already stays so, whatever the address.
    """
    try:
        import ray
    except ImportError as error:
        raise ConfigError(
            "executor 'ray' needs Ray, which is not installed here: pip install 'skerry[ray]', or "
            "take 'local'"
        ) from error
    if ray.is_initialized():
        yield Ray(cores)
        return
    _begin(address)
    try:
        yield Ray(cores)
    finally:
        ray.shutdown()


def _begin(address: str) -> None:
    import ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anyone
    alone = {"include_dashboard": False} if address == "local" else {}
    try:
        _require_answer(address)
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", **alone)
    except (OSError, RuntimeError, ValueError) as error:
        raise RunError(
            f"no Ray cluster at {address!r} ({' '.join(str(error).split())}); start one by 'ray "
            "start --head', or give HOST:PORT of one, or 'local' for this machine alone; one that "
            "asks for a token wants RAY_AUTH_MODE=token set and the token in ~/.ray/auth_token"
        ) from error


def _require_answer(address: str) -> None:
    """See that someone listens where the cluster should be: Ray itself tries for minutes."""
    if address == "auto":
        # where Ray looks, as documented at ray.init
        noted = Path(os.environ.get("RAY_TMPDIR", "/tmp"), "ray", "ray_current_cluster")
        address = os.environ.get("RAY_ADDRESS") or (noted.read_text() if noted.is_file() else "")
    host, colon, port = address.strip().rpartition(":")
    if colon and port.isdigit() and "/" not in host:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=10):
            pass
