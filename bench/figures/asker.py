"""Asks for the lines of a file as wrk does, where wrk cannot: it waits for the content that the answer to HEAD tells of and has not.

    figures/asker.py URL FILE METHOD CONNECTIONS SECONDS      the token is a line on standard input

Two processes with half of the connections each; a request is sent when the answer to the one before has come. It is for answers that come
in one piece, such as those without content. Prints the same line of JSON as load.lua, latencies in microseconds.
"""

import array
import json
import os
import pathlib
import select
import socket
import sys
import time
import urllib.parse

PROCESSES = 2

url, file, method, connections, seconds = sys.argv[1:]
address = urllib.parse.urlsplit(url)
token = sys.stdin.readline().strip()
lines = pathlib.Path(file).read_text().splitlines()
head = f"Host: {address.netloc}\r\n" + (f"Authorization: Bearer {token}\r\n" if token else "") + "\r\n"
requests = [f"{method} {line} HTTP/1.1\r\n{head}".encode() for line in lines]


def ask(number, out):
    """Asks over this process's share of the connections, and writes each answer's status and time."""
    sockets = [socket.create_connection((address.hostname, address.port)) for _ in range(number, int(connections), PROCESSES)]
    poll, by_number = select.epoll(), {}
    for one in sockets:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        poll.register(one, select.EPOLLIN)
        by_number[one.fileno()] = one
    place, sent, times, refused = number, {}, array.array("d"), 0
    clock, count = time.perf_counter, len(requests)
    started = clock()
    for one in sockets:
        sent[one.fileno()] = clock()
        one.send(requests[place % count])
        place += PROCESSES
    while (moment := clock()) < started + float(seconds):
        for at, _ in poll.poll(1):
            answer = by_number[at].recv(65536)
            if not answer.startswith(b"HTTP/1.1 "):
                raise ConnectionError(f"no answer: {answer[:100]}")
            moment = clock()
            times.append(moment - sent[at])
            refused += answer[9:10] >= b"4"
            sent[at] = moment
            by_number[at].send(requests[place % count])
            place += PROCESSES
    out.write(json.dumps({"refused": refused, "seconds": moment - started, "times": times.tolist()}))


pipes = []
for number in range(PROCESSES):
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(reading)
        with open(writing, "w", encoding="utf-8") as out:
            ask(number, out)
        os._exit(0)
    os.close(writing)
    pipes.append(open(reading, encoding="utf-8"))
told = [json.loads(pipe.read() or "null") for pipe in pipes]
for _ in pipes:
    os.wait()
if None in told:
    sys.exit("a process of the client failed")
times = sorted(sum((one["times"] for one in told), []))
print(json.dumps({"requests": len(times), "seconds": max(one["seconds"] for one in told), "p50": times[len(times) // 2] * 1e6,
                  "p99": times[len(times) * 99 // 100] * 1e6, "refused": sum(one["refused"] for one in told), "broken": 0}))
