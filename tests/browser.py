"""In: a page. Out: a browser without a window that shows it, and does as a person would.

Chromium is told what to do through a pipe, as its DevTools protocol has it: messages in JSON, each
ended by a zero byte.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from itertools import count

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
_OPTIONS = (
    *("--headless=new", "--no-sandbox", "--no-first-run", "--disable-gpu-sandbox"),
    *("--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-extensions", "--disable-sync"),
)


class Browser:
    """One tab of Chromium; close it after use, or use it in a `with`."""

    def __init__(self, width=1200, height=800, *options):
        read, self._write = os.pipe()
        self._read, write = os.pipe()
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        arguments = (CHROMIUM, *_OPTIONS, *options, f"--user-data-dir={self._folder.name}")
        # Chromium reads from its descriptor 3 and writes to 4
        shell = f'exec "$@" 3<&{read} 4>&{write}'
        self._process = subprocess.Popen(
            ["bash", "-c", shell, "bash", *arguments, "--remote-debugging-pipe", "about:blank"],
            pass_fds=(read, write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read)
        os.close(write)
        self._numbers, self._rest, self._session = count(1), b"", None
        self.complaints = []
        targets = self._ask("Target.getTargets")["targetInfos"]
        tab = next(target["targetId"] for target in targets if target["type"] == "page")
        attached = self._ask("Target.attachToTarget", targetId=tab, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._ask(f"{domain}.enable")
        self.resize(width, height)

    def resize(self, width, height, mobile=False, ratio=1):
        size = {"width": width, "height": height, "deviceScaleFactor": ratio, "mobile": mobile}
        self._ask("Emulation.setDeviceMetricsOverride", **size)

    def dark(self):
        features = [{"name": "prefers-color-scheme", "value": "dark"}]
        self._ask("Emulation.setEmulatedMedia", features=features)

    def open(self, address, ready="true"):
        """Show a page, and wait until it stands, and until it is `ready`."""
        self._ask("Page.navigate", url=str(address))
        self.until(f"document.readyState === 'complete' && Boolean({ready})")

    def run(self, script):
        """What a piece of JavaScript gives, a promise awaited."""
        answer = self._ask(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise AssertionError(json.dumps(answer["exceptionDetails"])[:600])
        return answer["result"].get("value")

    def until(self, script, seconds=20.0):
        """Wait until a piece of JavaScript gives true."""
        end = time.monotonic() + seconds
        while not self.run(script):
            assert time.monotonic() < end, f"never came true: {script}"
            time.sleep(0.02)

    def mouse(self, kind, x, y, **more):
        self._ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, x, y):
        self.mouse("mouseMoved", x, y)
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, x, y, button="left", clickCount=1)

    def key(self, key, text=""):
        for kind in ("keyDown", "keyUp"):
            self._ask(
                "Input.dispatchKeyEvent", type=kind, key=key, text=text if kind[3] == "D" else ""
            )

    def write(self, text):
        self._ask("Input.insertText", text=text)

    def picture(self, path):
        data = self._ask("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def close(self):
        try:
            self._session = None
            self._ask("Browser.close")
        except (AssertionError, OSError):
            self._process.kill()
        self._process.wait(10)
        os.close(self._read)
        os.close(self._write)
        self._folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _ask(self, method, **parameters):
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer.get('error')}"
                return answer["result"]
            self._note(answer)

    def _note(self, event):
        """Keep what went wrong in the page, and what it asked the network for."""
        kind, told = event.get("method"), event.get("params", {})
        if kind == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(told["exceptionDetails"])[:600])
        elif kind == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.complaints.append(told["entry"]["text"])
        elif kind == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning"):
            self.complaints.append(json.dumps(told["args"])[:300])
        elif kind == "Network.requestWillBeSent":
            address = told["request"]["url"]
            if not address.startswith(("file:", "data:", "blob:", "about:")):
                self.complaints.append(f"asked the network for {address}")

    def _next(self, seconds=30.0):
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._read], [], [], seconds)
            assert ready, "the browser does not answer"
            data = os.read(self._read, 1 << 20)
            assert data, "the browser has ended"
            self._rest += data
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)
