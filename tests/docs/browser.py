"""A real browser, spoken to over pipes: headless Chromium, what it asks for and complains about.

The Chrome DevTools Protocol over ``--remote-debugging-pipe``: JSON messages that end with a zero
byte, on the file descriptors 3 and 4. No port is opened, no driver and no library is needed.

Source: https://chromedevtools.github.io/devtools-protocol/, version 1.3.
"""

import base64
import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias, final

Message: TypeAlias = dict[str, Any]

SECONDS: Final = 120.0
"""How long an answer may take on a loaded machine."""

_OPTIONS: Final = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update --hide-scrollbars "
    "--remote-debugging-pipe"
)


@final
@dataclass(slots=True)
class Browser:
    """A page in a browser: where it is, what it asked for, and what went wrong there."""

    read_end: int
    write_end: int
    session: str = ""
    requested: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _buffer: bytes = b""
    _sent: int = 0
    _loaded: bool = False

    def open_page(self) -> None:
        """Attach to a page of its own, and listen to it."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")

    def visit(self, url: str) -> None:
        """Go to a page, and wait until it has loaded with all that it shows."""
        self._loaded = False
        answer = self.call("Page.navigate", url=url)
        if "errorText" in answer:
            self.complaints.append(f"{url}: {answer['errorText']}")
            return
        end = time.monotonic() + SECONDS
        while not self._loaded:
            self._note(self._receive(end))

    def value(self, script: str) -> Any:
        """Return what JavaScript says in the page; promises are waited for."""
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, script: str) -> Any:
        """Return what JavaScript says once that is something."""
        end = time.monotonic() + SECONDS
        while not (found := self.value(script)):
            assert time.monotonic() < end, f"{script} stayed empty"
            time.sleep(0.1)
        return found

    def resize(self, width: int, height: int) -> None:
        """Make the screen that large; below 600 it is a phone's."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    def screenshot(self, path: Path) -> None:
        """Save what is on the screen as PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def call(self, method: str, **parameters: object) -> Message:
        """Call a method of the protocol, and return its result."""
        self._sent += 1
        message: Message = {"id": self._sent, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + SECONDS
        while True:
            answer = self._receive(end)
            if answer.get("id") == self._sent:
                assert "error" not in answer, f"{method}: {answer}"
                result: Message = answer["result"]
                return result
            self._note(answer)

    def _receive(self, end: float) -> Message:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self.read_end], [], [], max(0.0, end - time.monotonic()))
            assert ready, "the browser does not answer"
            chunk = os.read(self.read_end, 1 << 20)
            assert chunk, "the browser is gone"
            self._buffer += chunk
        message, _, self._buffer = self._buffer.partition(b"\0")
        found: Message = json.loads(message)
        return found

    def _note(self, event: Message) -> None:
        about = event.get("params", {})
        match event.get("method"):
            case "Page.loadEventFired":
                self._loaded = True
            case "Network.requestWillBeSent":
                self.requested.append(about["request"]["url"])
            case "Network.responseReceived" if about["response"]["status"] >= 400:
                self.complaints.append(f"{about['response']['url']}: {about['response']['status']}")
            case "Network.loadingFailed" if not about.get("canceled"):
                self.complaints.append(f"a request failed: {about['errorText']}")
            case "Log.entryAdded" if about["entry"]["level"] == "error":
                self.complaints.append(about["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.complaints.append(str(about["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if about["type"] in {"error", "assert"}:
                self.complaints.append(str(about["args"]))
            case _:
                pass


@contextmanager
def browser() -> Iterator[Browser]:
    """Start Chromium with an empty profile, and end it."""
    commands_out, commands_in = os.pipe()
    answers_out, answers_in = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = f'exec chromium {_OPTIONS} --user-data-dir="$0" 3<&{commands_out} 4>&{answers_in}'
        process = subprocess.Popen(
            ["bash", "-c", command, profile],
            pass_fds=(commands_out, answers_in),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(commands_out)
        os.close(answers_in)
        started = Browser(answers_out, commands_in)
        try:
            started.open_page()
            yield started
            started.session = ""
            started.call("Browser.close")
            process.wait(SECONDS)
        finally:
            process.kill()
            process.wait()
            os.close(commands_in)
            os.close(answers_out)
