"""A connection that nobody waits for any more is closed, also while it is being opened."""

import threading

import psycopg
import pytest
import trio

from directory_server.storage.postgres.connection import Line, Lost


class SlowConnection:
    """A connection whose server answers its first question only when a test lets it."""

    def __init__(self, answer: tuple[str | None] | psycopg.Error = ("00000001",)) -> None:
        self.answer, self.closed = answer, False
        self.is_asked, self.may_answer = threading.Event(), threading.Event()

    def execute(self, _: str) -> "SlowConnection":
        self.is_asked.set()
        assert self.may_answer.wait(60)
        return self

    def fetchone(self) -> tuple[str | None]:
        if isinstance(self.answer, psycopg.Error):
            raise self.answer
        return self.answer

    def add_notice_handler(self, _: object) -> None: ...

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> SlowConnection:
    connection = SlowConnection()
    monkeypatch.setattr(psycopg, "connect", lambda *_, **__: connection)
    return connection


async def test_a_line_that_is_closed_while_it_connects_leaves_no_connection(
    connection: SlowConnection,
) -> None:
    line = Line("postgresql://nowhere/parley")
    lost: list[Lost] = []

    async def use() -> None:
        with pytest.raises(Lost) as caught:
            await line.run(lambda _: None)
        lost.append(caught.value)

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(use)
            await trio.to_thread.run_sync(connection.is_asked.wait)
            line.close()
            connection.may_answer.set()

    assert connection.closed
    assert str(lost[0]) == "nobody waits for it any more"


async def test_a_server_that_dies_at_the_first_question_leaves_no_connection(
    connection: SlowConnection,
) -> None:
    connection.answer = psycopg.OperationalError("the server closed the connection")
    connection.may_answer.set()

    with trio.fail_after(60), pytest.raises(Lost, match="the server closed the connection"):
        await Line("postgresql://nowhere/parley").run(lambda _: None)

    assert connection.closed
