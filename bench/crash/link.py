"""A proxy between ingest and a server, which can be slow, silent, closed, or cut in mid-reply."""

from __future__ import annotations

import asyncio
import random
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import Coroutine
    from pathlib import Path
    from typing import Any

PIECE = 1 << 16
POLL_S = 0.02
END_S = 5.0


@dataclass
class Weather:
    """How the link behaves now; set from any thread."""

    delay_s: float = 0.0
    is_silent: bool = False
    is_closed: bool = False
    #: The chance of each piece of data that the connection is cut within it.
    cut_chance: float = 0.0


class Link:
    """Listens on a loopback port and forwards to a Unix socket, in a thread of its own."""

    def __init__(self, target: Path) -> None:
        self.weather = Weather()
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._writers: set[StreamWriter] = set()
        self._random = random.Random(0)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._in_loop(self._listen())

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def cut(self) -> None:
        """Break all connections off."""
        self._loop.call_soon_threadsafe(self._cut)

    def close(self) -> None:
        """End it."""
        self._in_loop(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _in_loop(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._connected, "127.0.0.1", 0)

    async def _end(self) -> None:
        self._server.close()
        self.weather = Weather()
        self._cut()  # not cancelled: asyncio would print each of them
        if tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(tasks, timeout=END_S)

    def _cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _connected(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            if self.weather.is_closed:
                raise ConnectionRefusedError
            there, back = await asyncio.open_unix_connection(str(self._target))
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, back}
        try:
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        finally:
            for each in (writer, back):
                self._writers.discard(each)
                each.transport.abort()

    async def _pump(self, reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(PIECE):
                await self._weathered()
                if self._random.random() < self.weather.cut_chance:
                    piece = piece[: self._random.randrange(len(piece))]
                    writer.write(piece)
                    await writer.drain()
                    break
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def _weathered(self) -> None:
        if self.weather.delay_s:
            await asyncio.sleep(self.weather.delay_s)
        while self.weather.is_silent:  # noqa: ASYNC110 - set by another thread
            await asyncio.sleep(POLL_S)
