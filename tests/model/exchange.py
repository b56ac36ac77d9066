"""Requests of a worker: the faults of the network, and the consequences of an answer or of none."""

from collections.abc import Iterator
from functools import partial

from tests.model.broker import EVENTS, Add, Answer, Broker, End, Init, Marker, Produce, Request, receive
from tests.model.worker import Transaction, Worker, failed
from tests.model.world import NAMES, Steps, World


class Exchange:
    """Transactional requests of a task, and their outcomes."""

    def request(self, world: World, number: int, worker: Worker, request: Request) -> Steps:
        """Yield the request's possible courses: it is answered; it arrives and its answer is lost; or it is late, perhaps for ever."""
        words = f"{NAMES[number]} {_words(worker, request)}"
        yield words, partial(self.answered, world, number, worker, request)
        if world.budget.faults:
            faulty = world._replace(budget=world.budget._replace(faults=world.budget.faults - 1))
            for reaction, after in self.silent(worker, request):
                arrived, late = faulty._replace(broker=receive(world.broker, request)[0]), faulty._replace(late=(*world.late, request))
                yield f"{words}; the answer is lost, {reaction}", partial(arrived.with_worker, number, after)
                yield f"{words}; the request is late, {reaction}", partial(late.with_worker, number, after)

    def silent(self, worker: Worker, request: Request) -> Iterator[tuple[str, Worker]]:
        """Yield a worker's reactions to a missing answer.

        InitProducerId may be repeated, and for a while a Produce with its sequence number. Any other outcome is unknown.
        """
        if isinstance(request, Init | Produce):
            yield "it is sent again", worker
        if not isinstance(request, Init):
            yield "the outcome is unknown", failed(worker)

    def answered(self, world: World, number: int, worker: Worker, request: Request) -> World:
        """Let the broker process a request, and the worker its answer."""
        broker, answer = receive(world.broker, request)
        return world._replace(broker=broker).with_worker(number, self._heard(worker, request, answer, broker))

    def _heard(self, worker: Worker, request: Request, answer: Answer, broker: Broker) -> Worker:  # noqa: PLR0911 (one for each answer)
        match request, answer:
            case _, "concurrent":
                return worker
            case Init(), "ok":
                return self.next_phase(worker._replace(epoch=broker.epoch, transactions=0))
            case Add(), "ok":
                return _with(worker, stage="produce")
            case Produce(), "ok" | "refused":
                return self._acknowledged(worker, request.partition, answer)
            case End(marker="commit"), "ok":
                return _with(worker, stage="write")
            case End(marker="abort"), "ok":
                return self.aborted(worker)
            case _:
                return failed(worker)

    def next_phase(self, worker: Worker) -> Worker:
        """Return the worker in the next phase of its take-over."""
        raise NotImplementedError

    def _acknowledged(self, worker: Worker, partition: int, answer: Answer) -> Worker:
        transaction = _transaction(worker)
        acknowledged = tuple(sorted({*transaction.acknowledged, partition}))
        return _with(worker, acknowledged=acknowledged, refused=transaction.refused or answer == "refused")

    def verdict(self, transaction: Transaction) -> Marker:
        """Commit only if every single answer is a success."""
        return "abort" if transaction.refused else "commit"

    def aborted(self, worker: Worker) -> Worker:
        """Retry a refused transaction in halves. A record that was alone in it will be parked."""
        taken = _transaction(worker).taken
        return failed(worker)._replace(condemned=tuple(sorted({*worker.condemned, *(taken if len(taken) == 1 else ())})))


def _transaction(worker: Worker) -> Transaction:
    assert worker.transaction is not None, "this request belongs to a transaction"
    return worker.transaction


def _with(worker: Worker, **changes: object) -> Worker:
    return worker._replace(transaction=_transaction(worker)._replace(**changes))  # type: ignore[arg-type]  # as in _replace itself


def _words(worker: Worker, request: Request) -> str:
    match request:
        case Init():
            return "fences (InitProducerId)"
        case Add():
            taken = _transaction(worker).taken
            what = f"the commands at {taken}" if taken else "what is released"
            return f"begins a transaction of {what} (AddPartitionsToTxn, epoch {request.epoch})"
        case Produce():
            return f"writes {'events' if request.partition == EVENTS else 'changelog'} (Produce, epoch {request.epoch}, sequence {request.sequence})"
        case End():
            return f"{request.marker}s (EndTxn, epoch {request.epoch})"
