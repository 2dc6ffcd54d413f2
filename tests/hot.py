"""A target whose running server takes two of its three knobs; it writes down each start, and logs what it is told."""

from pathlib import Path

TOML = """
description = "hot"
command = ["$python", "$home/server.py", "$port", "$model", "$batch", "$wait"]
effective = "/config"
[hot]
path = "/config"
knobs = ["batch", "wait"]
[timeouts]
ready = 10.0
stop = 2.0
[answers]
requests = "requests.jsonl"
field = "decision"
accuracy_knobs = ["model"]
[space]
model = { choices = ["small", "large"], default = "small" }
batch = { low = 1, high = 4, default = 1 }
wait = { choices = [0.0, 0.5], default = 0.0 }
"""

SERVER = """
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
config = {"model": sys.argv[2], "batch": int(sys.argv[3]), "wait": float(sys.argv[4]), "pid": os.getpid()}
token, answers = os.environ["LAUNCH_TOKEN"], True
class Handler(BaseHTTPRequestHandler):
    protocol_version, wbufsize = "HTTP/1.1", -1
    def reply(self, content, status=200):
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("X-Launch-Nonce", os.environ["LAUNCH_NONCE"])
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def read(self):
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
    def do_GET(self):
        self.reply(config)
    def do_POST(self):
        time.sleep(0.01)
        self.reply({"decision": str(int(self.read()["text"]) % 2)}, 200 if answers else 500)
    def do_PUT(self):
        knobs = self.read()
        if self.headers["Authorization"] != f"Bearer {token}":
            return self.reply({}, 403)
        print("told", knobs, flush=True)
        config.update(knobs)
        self.reply(config)
    def log_message(self, *_):
        pass
with open(os.path.join(os.path.dirname(__file__), "starts.txt"), "a") as starts:
    print(os.getpid(), file=starts)
print("start", config, flush=True)
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""

REQUESTS = "".join(f'{{"request": {{"text": "{n}"}}, "answer": "{n % 2}"}}\n' for n in range(100))


def started(folder: Path) -> list[int]:
    """The process of each server that was started from a target's folder, in their order."""
    return [int(pid) for pid in (folder / "starts.txt").read_text().split()]
