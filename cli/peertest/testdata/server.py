"""server.py DIR - Python's http.server on ports of the system's choice, told as JSON in the first line of the output.
Ends with its input."""

import functools
import http.server
import itertools
import json
import os
import sys
import threading

root = os.path.join(sys.argv[1], "www")
connections = itertools.count(1)


class Handler(http.server.SimpleHTTPRequestHandler):
    """As the library has it, HTTP/1.0: each connection serves one request."""

    def setup(self):
        super().setup()
        self.number = next(connections)

    def log_message(self, format, *args):
        pass

    def end_headers(self):
        self.send_header("X-Connection", str(self.number))
        super().end_headers()

    def do_GET(self):
        _, first, *rest = self.path.split("/")
        if first == "none":
            self.send_response(204)
            self.end_headers()
        elif first in ("stream", "unsized"):
            with open(os.path.join(root, rest[0]), "rb") as file:
                self.stream(file.read(), first == "stream")
        else:
            super().do_GET()

    def stream(self, body, chunked):
        """Without a length: in chunks, or to the end of the connection."""
        chunked = chunked and self.protocol_version == "HTTP/1.1"
        self.send_response(200)
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Connection", "close")
        self.end_headers()
        for at in range(0, len(body), 50000):
            piece = body[at : at + 50000]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def do_POST(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline() not in (b"\r\n", b""):
                pass
        else:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Modern(Handler):
    protocol_version = "HTTP/1.1"


class Impatient(Modern):
    timeout = 0.1


ports = {}
for name, handler in {"plain": Modern, "impatient": Impatient, "old": Handler}.items():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=root))
    ports[name] = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
print(json.dumps(ports), flush=True)
sys.stdin.read()
