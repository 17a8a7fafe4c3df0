"""More clients than the model can serve, clients that leave, and a long run of everything."""

import re
import select
import socket
import time

from harness import CLOCK_TICKS, FIXTURES, LIVEZ, MB, Prober, Row, percentile, read_response, status
from pictures import blocks

STAGE_MILLISECONDS = 10
QUEUE = 64
BATCH = 8


def segment_request(picture="rgb8_1x1.png", extra=b""):
    body = (FIXTURES / picture).read_bytes()
    return (b"POST /segment?expression=red&format=none HTTP/1.1\r\nHost: h\r\nContent-Type: image/png\r\n" + extra
            + b"Content-Length: %d\r\n\r\n" % len(body) + body)


def drive(server, request, seconds, rate=None, clients=None):
    """One request a connection, `request` or a list of them in turn: at a fixed rate whatever comes back (an open loop),
    or by `clients` that ask again as soon as they are answered. -> [(status, seconds, answer, when it came)]"""
    requests = request if isinstance(request, list) else [request]
    poll, open_requests, answers = select.epoll(), {}, []
    began = time.perf_counter()
    sent = 0
    while True:
        now = time.perf_counter() - began
        due = int(now * rate) if rate else sent + max(0, clients - len(open_requests))
        while sent < due and now < seconds:
            client = socket.create_connection(("127.0.0.1", server.port))
            open_requests[client.fileno()] = (client, time.perf_counter())
            client.sendall(requests[sent % len(requests)])
            poll.register(client, select.EPOLLIN)
            sent += 1
            if poll.poll(0):
                break
        for descriptor, _ in poll.poll(0.001):
            client, start = open_requests.pop(descriptor)
            try:
                answer = client.recv(65536)
            except OSError:
                answer = b""
            end = time.perf_counter()
            answers.append((status(answer), end - start, answer, end - began))
            poll.unregister(descriptor)
            client.close()
        if time.perf_counter() - began > seconds and not open_requests:
            return answers
        if time.perf_counter() - began > seconds + 20:
            raise RuntimeError(f"{len(open_requests)} requests were never answered")


def overload(programs):
    """Ten times the requests that the model can compute: it loses no work, and refuses the rest at once."""
    with programs.paced(STAGE_MILLISECONDS) as server:
        request = segment_request(extra=b"Connection: close\r\n")
        full = drive(server, request, 4, clients=QUEUE + BATCH)
        capacity = sum(code == 200 and at <= 4 for code, _, _, at in full) / 4
        server.forget_peak()
        before = server.memory()
        with Prober(server) as prober:
            answers = drive(server, request, 10, rate=10 * capacity)
        grown = (server.peak_memory() - before) / MB
        after = server.memory()
    served = [seconds for code, seconds, _, _ in answers if code == 200]
    refused = [(seconds, answer) for code, seconds, answer, _ in answers if code == 429]
    others = len(answers) - len(served) - len(refused)
    goodput = sum(code == 200 and at <= 10 for code, _, _, at in answers) / 10 / capacity
    said_when = all(re.search(rb"\r\nRetry-After: \d+\r\n", answer) for _, answer in refused)
    p99 = percentile(served, 0.99)
    # The unluckiest arrives when the queue is full and a batch has just begun; 2% are for its way here and back.
    bound = (QUEUE + BATCH) / capacity * 1.02
    quick = percentile([seconds for seconds, _ in refused], 0.99) * 1000
    median = percentile([seconds for seconds, _ in refused], 0.5) * 1000
    return [
        Row("10x overload: goodput",
            f"{goodput * 100:.0f}% of {capacity:.0f}/s ({len(answers):,} asked, {others} neither 200 nor 429)",
            "95%", goodput >= 0.95 and others == 0),
        Row("10x overload: refusals, p99", f"{quick:.1f} ms (median {median:.2f}), {len(refused):,} refused", "5 ms",
            quick <= 5),
        Row("10x overload: refusals say Retry-After", "all" if said_when else "not all", "all", said_when),
        Row("10x overload: accepted, p99", f"{p99 * 1000:.0f} ms",
            f"{bound * 1000:.0f} ms (queue / capacity + a batch, + 2%)", p99 <= bound),
        Row("10x overload: memory", f"{grown:+.1f} MB at the peak, {(after - before) / MB:+.1f} after", "+30 MB",
            grown <= 30),
        Row("10x overload: /livez p99", prober.figure, "3 ms", prober.p99 <= 3),
    ]


def leaving_clients(programs):
    """36 requests of which 35 leave: what nobody waits for is not computed."""
    with programs.paced(100) as server:
        clients = [server.connect() for _ in range(36)]
        for client in clients:
            client.sendall(segment_request())
        time.sleep(0.1)
        for client in clients[:-1]:
            client.close()
        answer, _ = read_response(clients[-1])
        # Had anything else been queued, it would be computed now.
        time.sleep(1.5)
        batches, requests = server.metric("mllmseg_batch_size_count"), server.metric("mllmseg_batch_size_sum")
        computed = server.metric("mllmseg_expressions_total")
        clients[-1].close()
    return [Row("36 requests, 35 leave: batches begun", f"{batches:.0f} with {requests:.0f} requests, {computed:.0f} computed whole",
                "one more than the one that stays needs", status(answer) == 200 and batches <= 2)]


def processor_seconds():
    """Of all processors since the system started: (idle, all)."""
    with open("/proc/stat") as file:
        ticks = [int(field) / CLOCK_TICKS for field in file.readline().split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def saturation(programs, clients=16, seconds=8):
    """More clients than processors, half of them with a new picture: no processor waits for another."""
    phrases = [b"the+red+thing", b"the+largest+object", b"a+dog", b"the+left+one"]
    known, new = [blocks(number) for number in range(8)], [blocks(number) for number in range(8, 208)]
    # The cache of 8 MiB holds the known ones and not all of the new ones until they come round again.
    pictures = [picture for place, fresh in enumerate(new) for picture in (known[place % len(known)], fresh)]
    requests = [
        b"POST /segment?expression=%s HTTP/1.1\r\nHost: h\r\nContent-Type: image/png\r\nConnection: close\r\n"
        b"Content-Length: %d\r\n\r\n" % (phrases[place // 2 % len(phrases)], len(picture)) + picture
        for place, picture in enumerate(pictures)]
    with programs.mllmseg("--image-cache", 8, "--queue", 64) as server:
        server.wait_until_ready()
        drive(server, requests, 1, clients=clients)
        (idle, total), cpu, began = processor_seconds(), server.cpu_seconds(), time.perf_counter()
        hits, misses = (server.metric(f"mllmseg_image_cache_{name}_total") for name in ("hits", "misses"))
        answers = drive(server, requests, seconds, clients=clients)
        elapsed = time.perf_counter() - began
        idle, total = (after - before for after, before in zip(processor_seconds(), (idle, total)))
        share = (server.cpu_seconds() - cpu) / total
        hits, misses = (
            server.metric(f"mllmseg_image_cache_{name}_total") - before
            for name, before in (("hits", hits), ("misses", misses)))
    good = sum(code == 200 for code, _, _, _ in answers)
    p99 = percentile([took for _, took, _, _ in answers], 0.99)
    busy = 1 - idle / total
    return [Row(f"{clients} clients, pictures new and known: processors busy",
                f"{busy * 100:.1f}% ({share * 100:.0f}% the server; {good / elapsed:.0f} answers/s, p99 {p99 * 1e3:.0f} ms, "
                f"{misses / max(1, hits + misses) * 100:.0f}% of pictures new)", "95%", busy >= 0.95 and good == len(answers))]


def soak(programs, rounds=50_000):
    """A million requests, one in twenty malformed and one in twenty given up."""
    good = b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
    with programs.echo() as server:
        def run(rounds):
            client = server.connect()
            for _ in range(rounds):
                client.sendall(good * 18)
                answered = 0
                while answered < 18:
                    answered += client.recv(65536).count(b"HTTP/1.1 200")
                server.exchange(b"GET / HTTP/1.1\nHost: h\n\n")
                with server.connect() as gone:
                    gone.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc")
            client.close()

        run(rounds // 10)  # until the allocator has settled
        before, descriptors = server.memory(), server.descriptors()
        began = time.monotonic()
        run(rounds)
        seconds = time.monotonic() - began
        server.exchange(LIVEZ)
        thousands = rounds * 20 / 1000
        grown = (server.memory() - before) / thousands
        back = server.settles(lambda: server.descriptors() <= descriptors)
    return [Row(f"soak of {rounds * 20:,} requests, 5% malformed, 5% aborted: memory per 1,000",
                f"{grown:+.0f} B ({seconds:.0f} s)", "102 B", grown <= 102.4),
            Row("soak: descriptors", "all back" if back else "more than before",
                "flat", back)]


CHECKS = [overload, leaving_clients, saturation, soak]
