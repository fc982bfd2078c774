#!/usr/bin/env python3
"""The service on the host that bench/host.py makes, beside the engine that it watches:

    idle      its memory and processor time while nothing happens, and the engine's processor time meanwhile
    scrape    GET /metrics, beside the engine's GET /_ping
    session   an innocent build between `cleanerctl session begin` and `end`, beside the same build without, in turn

Its policy only tells (dry_run), so that the host stays as large as it is.

    bench/service.py 28.5-graph [--keep] [--scale 1.0] [--minutes 5] [--rounds 21]"""

import argparse
import http.client
import os
import secrets
import statistics
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

from host import ENGINE_NAMES, Engine, bench_host, instance_pid
from measure import run, spread, wait_for_quiet

RELEASE = Path(__file__).resolve().parent.parent / "build/release"
ONLY_TELLS = "policies: [{name: secrets, match: {secret: true}, dry_run: true}]\n"
SETTLING = 20  # seconds after the first look: its threads end, its memory is given back
DOCKERFILE = "FROM busybox:local\nCOPY app.txt /app.txt\nRUN cp /app.txt /copy.txt\n"


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def idle(service: int, engine: int, seconds: float) -> str:
    before = processor_seconds(service), processor_seconds(engine)
    began, largest = time.monotonic(), 0.0
    while time.monotonic() - began < seconds:
        largest = max(largest, resident_mib(service))
        time.sleep(min(1, seconds / 10))
    took = time.monotonic() - began
    own, engines = processor_seconds(service) - before[0], processor_seconds(engine) - before[1]
    return (f"{took:.0f} s: resident at most {largest:.1f} MiB, {resident_mib(service):.1f} at the end, processor {own:.2f} s, {100 * own / took:.2f} % of one; "
            f"the engine {engines:.2f} s, {100 * engines / took:.2f} %")


def milliseconds(connection: http.client.HTTPConnection, path: str) -> float:
    began = time.monotonic()
    connection.request("GET", path)
    reply = connection.getresponse()
    reply.read()
    assert reply.status == 200, f"{path} answered {reply.status}"
    return 1000 * (time.monotonic() - began)


class Sessions:
    def __init__(self, cleanerctl: Path, socket: Path, engine: Engine) -> None:
        self.command = [cleanerctl, "session"]
        self.socket, self.engine = socket, engine
        self.environment = {**os.environ, "JOB_SECRET": secrets.token_hex(20)}

    def use_new_secret(self) -> None:
        self.environment["JOB_SECRET"] = secrets.token_hex(20)

    def build(self) -> float:
        began = time.monotonic()
        # Another context each time: all steps run.
        build = self.engine.build(DOCKERFILE, {"app.txt": secrets.token_hex(4).encode()}, "buildkit", {}, "bench-session:1")
        assert build.ok, build.error
        return time.monotonic() - began

    def begin(self) -> tuple[float, str]:
        done = run([*self.command, "begin", "--socket", self.socket, "--secret-env", "JOB_SECRET"], env=self.environment)
        return done.seconds, done.stdout.decode().strip()

    def end(self, session: str) -> float:
        return run([*self.command, "end", session, "--socket", self.socket, "--quiet"], expect=(0, 3)).seconds


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures the service on a large host.")
    parser.add_argument("engine", choices=ENGINE_NAMES)
    parser.add_argument("--scale", type=float, default=1.0, help="of a host that is made now")
    parser.add_argument("--minutes", type=float, default=5, help="of idling")
    parser.add_argument("--rounds", type=int, default=21, help="of sessions")
    parser.add_argument("--keep", action="store_true", help="leave the engine running for the next benchmark")
    parser.add_argument("--cleanerctl", type=Path, default=RELEASE / "cli/cleanerctl")
    parser.add_argument("--cleanerd", type=Path, default=RELEASE / "daemon/cleanerd")
    options = parser.parse_args()
    os.environ["CLEANERD"] = str(options.cleanerd)
    from service import Service, until  # the tests': tests/e2e

    with bench_host(options.engine, options.scale, options.keep) as engine:
        host = SimpleNamespace(engine=engine, planted=[])
        with Service(host, ONLY_TELLS, log_level="info") as service:
            until(120, "the first look is over", lambda: not service.is_busy())
            time.sleep(SETTLING)
            print(f"{engine.name} {engine.version}")
            print(f"  idle      {idle(service.process.pid, instance_pid(engine.instance), 60 * options.minutes)}", flush=True)

            wait_for_quiet()
            with closing(http.client.HTTPConnection("127.0.0.1", service.port)) as metrics, closing(engine.connection()) as ping:
                scrapes = [(milliseconds(metrics, "/metrics"), milliseconds(ping, "/_ping")) for _ in range(100)]
            own, engines = zip(*scrapes)
            print(f"  scrape    {spread(own, 2)} ms; the engine's /_ping {spread(engines, 2)} ms", flush=True)

            sessions, largest = Sessions(options.cleanerctl, service.socket, engine), 0.0
            for which, prepare, job in (("the same secret each time", lambda: None, 0), ("a new secret each time", sessions.use_new_secret, 0),
                                        ("a new secret each time, in a job of three seconds", sessions.use_new_secret, 3)):
                alone, with_session, begins, ends = [], [], [], []
                for _ in range(options.rounds):
                    prepare()
                    wait_for_quiet()
                    alone.append(sessions.build())
                    until(60, "the service rests", lambda: not service.is_busy())
                    began, session = sessions.begin()
                    time.sleep(job)
                    built = sessions.build()
                    ended = sessions.end(session)
                    begins.append(began)
                    ends.append(ended)
                    with_session.append(began + built + ended)
                    until(60, "the service rests", lambda: not service.is_busy())
                    largest = max(largest, resident_mib(service.process.pid))
                added = statistics.median(with_session) - statistics.median(alone)
                print(f"  session   with {which} adds {1000 * added:.0f} ms: the build alone {spread(alone)} s, with its session "
                      f"{spread(with_session)} s, begin {spread(begins)} s, end {spread(ends)} s", flush=True)
            time.sleep(2 * SETTLING)
            print(f"  after it  resident at most {largest:.1f} MiB between sessions, {resident_mib(service.process.pid):.1f} MiB {2 * SETTLING} s later", flush=True)


if __name__ == "__main__":
    main()
