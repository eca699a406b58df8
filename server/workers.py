"""Which hosted client process serves which member: events in, commands out. No sockets, no clock."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from server.commands import AssignClient, ReportClientLost, ReportNoneFree, UnassignClient, WorkerPoolCommand


@dataclass
class _Worker:
    capacity: int
    members: set[str] = field(default_factory=lambda: set[str]())
    failures: int = 0
    """Assignments in a row that were not followed by an attached client."""

    @property
    def free(self) -> int:
        return self.capacity - len(self.members)


@dataclass
class _Assignment:
    worker_id: int
    attach_deadline: float | None
    """None once the client has attached."""


class WorkerPool:
    """The workers that are connected and what they do. A member goes to the one that works and has most places free.

    Args:
        attach_timeout_s: how long an assigned client may take to attach before another worker is tried.
        is_first: whether a member is served before others that have waited for longer.
    """

    def __init__(self, attach_timeout_s: float, is_first: Callable[[str], bool] = lambda _: False) -> None:
        self._attach_timeout_s = attach_timeout_s
        self._is_first = is_first
        self._workers: dict[int, _Worker] = {}
        self._assignments: dict[str, _Assignment] = {}
        self._waiting: dict[str, None] = {}

    @property
    def worker_count(self) -> int:
        """Workers connected."""
        return len(self._workers)

    @property
    def capacity(self) -> int:
        """Members that all workers together can serve."""
        return sum(worker.capacity for worker in self._workers.values())

    @property
    def assigned_count(self) -> int:
        """Members that have a worker."""
        return len(self._assignments)

    @property
    def waiting_count(self) -> int:
        """Members that wait for a worker."""
        return len(self._waiting)

    def add(
        self, worker_id: int, capacity: int, serving: Collection[str], attached: Collection[str], now: float
    ) -> list[WorkerPoolCommand]:
        """A worker has connected.

        Args:
            worker_id: a new id.
            capacity: members that it serves at once.
            serving: members that it says it serves already, after a lost socket.
            attached: those of them whose client is attached; the others have the usual time to do so.
            now: monotonic seconds.
        """
        self._workers[worker_id] = _Worker(capacity)
        commands: list[WorkerPoolCommand] = []
        for member_id in serving:
            if member_id in self._assignments:
                commands.append(UnassignClient(worker_id, member_id))
                continue
            self._waiting.pop(member_id, None)
            self._bind(member_id, worker_id, None if member_id in attached else now + self._attach_timeout_s)
        return [*commands, *self._assign_waiting(now)]

    def remove(self, worker_id: int, now: float) -> list[WorkerPoolCommand]:
        """A worker is gone, with all that it served."""
        worker = self._workers.pop(worker_id, None)
        if worker is None:
            return []
        for member_id in worker.members:
            del self._assignments[member_id]
        lost: list[WorkerPoolCommand] = [ReportClientLost(member_id) for member_id in sorted(worker.members)]
        return [*lost, *self._assign_waiting(now)]

    def request(self, member_id: str, now: float) -> list[WorkerPoolCommand]:
        """A member needs a client, another one if it has one."""
        commands: list[WorkerPoolCommand] = []
        avoid = None
        if member_id in self._assignments:
            avoid = self._unbind(member_id)
            commands.append(UnassignClient(avoid, member_id))
        worker_id = self._choose(avoid)
        if worker_id is None:
            self._waiting[member_id] = None
            return [*commands, ReportNoneFree(member_id)]
        self._waiting.pop(member_id, None)
        self._bind(member_id, worker_id, now + self._attach_timeout_s)
        return [*commands, AssignClient(worker_id, member_id)]

    def confirm(self, member_id: str) -> None:
        """The member's client has attached."""
        assignment = self._assignments.get(member_id)
        if assignment is not None:
            assignment.attach_deadline = None
            self._workers[assignment.worker_id].failures = 0
        self._waiting.pop(member_id, None)

    def release(self, member_id: str, now: float) -> list[WorkerPoolCommand]:
        """A member is gone."""
        self._waiting.pop(member_id, None)
        if member_id not in self._assignments:
            return []
        return [UnassignClient(self._unbind(member_id), member_id), *self._assign_waiting(now)]

    def tick(self, now: float) -> list[WorkerPoolCommand]:
        """Takes members away from workers whose clients did not attach in time."""
        commands: list[WorkerPoolCommand] = []
        for member_id, assignment in list(self._assignments.items()):
            if assignment.attach_deadline is not None and assignment.attach_deadline <= now:
                commands += [UnassignClient(assignment.worker_id, member_id), ReportClientLost(member_id)]
                self._workers[self._unbind(member_id)].failures += 1
        return [*commands, *self._assign_waiting(now)] if commands else []

    def _assign_waiting(self, now: float) -> list[WorkerPoolCommand]:
        commands: list[WorkerPoolCommand] = []
        for member_id in sorted(self._waiting, key=self._is_first, reverse=True):  # stable: else by time of arrival
            worker_id = self._choose()
            if worker_id is None:
                break
            del self._waiting[member_id]
            self._bind(member_id, worker_id, now + self._attach_timeout_s)
            commands.append(AssignClient(worker_id, member_id))
        return commands

    def _choose(self, avoid: int | None = None) -> int | None:
        def rank(worker_id: int) -> tuple[bool, int, int]:
            worker = self._workers[worker_id]
            return worker_id != avoid, -worker.failures, worker.free

        return max((key for key, worker in self._workers.items() if worker.free > 0), key=rank, default=None)

    def _bind(self, member_id: str, worker_id: int, attach_deadline: float | None) -> None:
        self._workers[worker_id].members.add(member_id)
        self._assignments[member_id] = _Assignment(worker_id, attach_deadline)

    def _unbind(self, member_id: str) -> int:
        worker_id = self._assignments.pop(member_id).worker_id
        self._workers[worker_id].members.discard(member_id)
        return worker_id
