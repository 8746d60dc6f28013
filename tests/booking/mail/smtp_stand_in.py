"""A mail server on loopback that stores the mails it receives, and refuses on demand."""

import email
import socketserver
import threading
from contextlib import contextmanager
from email import policy


class MailServer(socketserver.ThreadingTCPServer):
    """`answer` is its reply to RCPT. `drops` connections are closed after the mail was received, without a reply."""

    daemon_threads = allow_reuse_address = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Conversation)
        self.port, self.mails, self.answer, self.drops = self.server_address[1], [], "250 OK", 0


class Conversation(socketserver.StreamRequestHandler):
    def handle(self):
        self.say("220 loopback")
        while line := self.rfile.readline().decode().strip():
            verb = line[:4].upper()
            if verb == "DATA":
                self.say("354 go on")
                if not self.take():
                    return
            elif verb == "QUIT":
                return self.say("221 bye")
            else:
                self.say(self.server.answer if verb == "RCPT" else "250 OK")

    def take(self):
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        self.server.mails.append(email.message_from_bytes(b"".join(lines), policy=policy.default))
        if self.server.drops:
            self.server.drops -= 1
            return False
        self.say("250 kept")
        return True

    def say(self, line):
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def mail_server():
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
