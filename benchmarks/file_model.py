"""A language model made of files: an OpenAI-compatible server whose answers somebody writes.

    python -m benchmarks.file_model FOLDER [--port 8123] [--record RUN.jsonl]
    hasten optimize PATH::NAME --model openai/file --api-base http://127.0.0.1:8123/v1

Each prompt is written to ``FOLDER/<n>.prompt.md``, its answer read from ``FOLDER/<n>.answer.md``
as soon as that file exists. With --record each pair is kept as one line with its date, so that a
run can be replayed: ``--replay RUN.jsonl`` answers equal prompts from it and refuses others.
"""

from __future__ import annotations

import argparse
import itertools
import json
import threading
import time
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ANSWER_POLL_S = 0.2


class FileModel:
    """Hands prompts out as files and waits for the answers, or replays a recording."""

    def __init__(
        self, folder: Path, *, record: Path | None, replay: Path | None, patience_s: float
    ) -> None:
        self._folder, self._record, self._patience_s = folder, record, patience_s
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._known: dict[str, str] = {}
        if replay:
            rows = map(json.loads, replay.read_text(encoding="utf-8").splitlines())
            self._known = {row["prompt"]: row["answer"] for row in rows}
        self._only_replay = replay is not None
        folder.mkdir(parents=True, exist_ok=True)

    def answer(self, prompt: str) -> str:
        """The answer to a prompt. Raises TimeoutError when nobody wrote one, KeyError in replay."""
        if self._only_replay:
            return self._known[prompt]
        with self._lock:
            number = next(self._numbers)
        part = self._folder / f"{number:03}.part"
        part.write_text(prompt, encoding="utf-8")
        part.rename(self._folder / f"{number:03}.prompt.md")
        answer = self._folder / f"{number:03}.answer.md"
        end = time.monotonic() + self._patience_s
        while not answer.exists():
            if time.monotonic() > end:
                raise TimeoutError(f"no {answer.name} within {self._patience_s:.0f} s")
            time.sleep(ANSWER_POLL_S)
        text = answer.read_text(encoding="utf-8")
        if self._record:
            row = {
                "date": date.today().isoformat(),
                "by": "a capable general model",
                "prompt": prompt,
                "answer": text,
            }
            with self._lock, self._record.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        return text


def prompt_of(body: dict[str, Any]) -> str:
    """The messages of a chat request as one readable text."""
    return "\n\n".join(f"# {m['role']}\n\n{m['content']}" for m in body["messages"])


def handler_for(model: FileModel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                text = model.answer(prompt_of(body))
            except (TimeoutError, KeyError) as error:
                self._send(503, {"error": {"message": str(error), "type": "no_answer"}})
                return
            choice = {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": text},
            }
            usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
            self._send(
                200,
                {"id": "file", "object": "chat.completion", "created": int(time.time()),
                 "model": body.get("model", "file"), "choices": [choice], "usage": usage},
            )  # fmt: skip

        def _send(self, code: int, value: object) -> None:
            data = json.dumps(value).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=8123)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--replay", type=Path)
    parser.add_argument("--patience", type=float, default=1800.0, help="seconds for one answer")
    args = parser.parse_args()
    model = FileModel(args.folder, record=args.record, replay=args.replay, patience_s=args.patience)
    server = ThreadingHTTPServer(("127.0.0.1", args.port), handler_for(model))
    print(f"http://127.0.0.1:{args.port}/v1, prompts in {args.folder}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
