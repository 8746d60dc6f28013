"""A connected pair of non-blocking sockets whose near end takes little before it blocks."""

import socket


def socket_pair():
    """(the server's end, the client's end)"""
    near, far = socket.socketpair()
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4608)
    for each in (near, far):
        each.setblocking(False)
    return near, far


def read_all(far):
    """What has arrived, without waiting."""
    read = b""
    try:
        while got := far.recv(65536):
            read += got
    except BlockingIOError:
        return read
