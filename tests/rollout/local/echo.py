"""A server that says its name and the X-Canary header it got: python echo.py PORT NAME [STATUS]."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        body = f"{sys.argv[2]} {self.headers.get('X-Canary')} {self.headers.get('Idempotency-Key')}".encode()
        self.send_response(200 if self.path == "/health" else int((*sys.argv, "200")[3]))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Echo).serve_forever()
