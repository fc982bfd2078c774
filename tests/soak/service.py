#!/usr/bin/env python3
"""The service beside builds of both builders that leave secrets and builds that do not.

--kills N    It is killed at random points N times: after a build, while a session's end purges, while it starts. After every twenty, and at the end, no
             secret is left on the disk, nothing innocent is lost, innocent steps come from the cache and the journal is settled.
--builds N   A day's work without a pause: jobs in sessions. Its memory and its descriptors, looked at when it rests, do not grow.

service.py ENGINE --cleanerd CLEANERD --cleanerctl CLEANERCTL (--kills N | --builds N) [--minutes M]   exit status 0 when all of that held
"""

import argparse
import contextlib
import os
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))

import buildkit_api
from dockerapi import ENGINE_NAMES, Builder, Engine, cached_steps
from scenario import BUILDERS, FAILING, MULTI_STAGE, Cleanerctl, Host
from service import Service, until

CHECK_EVERY = 20       # kills
SAMPLE_EVERY = 25      # builds
WARM_UP = 2            # samples
LARGEST_GROWTH = 1.10
SETTLING = 120         # seconds until no secret is left and nothing is open
# Most kills should meet a purge: one after a build takes some tenths of a second.
LONGEST_DELAY = 0.8


class Job:
    """What pipelines do: builds with a secret between a session's first hook and its last."""

    def __init__(self, host: Host, ctl: Cleanerctl, service: Service) -> None:
        self.host, self.ctl, self.service = host, ctl, service
        self.secret = host.plant()
        self.session = ""

    def hook(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.ctl.run("session", *words, "--socket", str(self.service.socket), env={"JOB_SECRET": self.secret})

    def begin(self) -> bool:
        done = self.hook("begin", "--secret-env", "JOB_SECRET")
        self.session = done.stdout.strip()
        return done.returncode == 0

    def build(self, builder: Builder) -> str:
        build = self.host.engine.build(MULTI_STAGE, {"app.txt": b"app"}, builder, {"NPM_TOKEN": self.secret}, f"job:{builder}")
        return build.error

    def end(self) -> int:
        return self.hook("end", self.session).returncode


class Builds:
    """One after the other on a thread of its own: innocent, with a secret, and failing ones with a secret, with each builder in turn."""

    def __init__(self, host: Host) -> None:
        self.host, self.count, self.problems = host, 0, []
        self._over, self._may_go_on, self._rests, self._ended = threading.Event(), threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> "Builds":
        self._may_go_on.set()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._may_go_on.set()
        self._thread.join()

    def wait_for_an_end(self) -> None:
        self._ended.clear()
        self._ended.wait(SETTLING)

    @contextlib.contextmanager
    def paused(self):
        self._may_go_on.clear()
        assert self._rests.wait(SETTLING)
        yield
        self._may_go_on.set()

    def _work(self) -> None:
        while not self._over.is_set():
            for builder in BUILDERS:
                for build in self._innocent, self._secret, self._failing:
                    if not self._may_go_on.is_set():
                        self._rests.set()
                        self._may_go_on.wait()
                        self._rests.clear()
                    if self._over.is_set():
                        return
                    try:
                        build(builder)
                    except Exception as error:
                        self.problems.append(f"{builder}: {error}")
                    self.count += 1
                    self._ended.set()

    def _innocent(self, builder: Builder) -> None:
        steps, cached = cached_steps(self.host.build_innocent(builder, f"innocent:{builder}"))
        if steps != cached and not (builder == "buildkit" and self.host.engine.containerd_store):  # docs/decisions/0003
            self.problems.append(f"{builder}: {cached} of {steps} innocent steps came from the cache")

    def _secret(self, builder: Builder) -> None:
        build = self.host.engine.build(MULTI_STAGE, {"app.txt": b"app"}, builder, {"NPM_TOKEN": self.host.plant()}, f"app:{builder}")
        if not build.ok:
            self.problems.append(f"{builder}: {build.error}")

    def _failing(self, builder: Builder) -> None:
        if self.host.engine.build(FAILING, {}, builder, {"DEPLOY_PASSWORD": self.host.plant()}).ok:
            self.problems.append(f"{builder}: the build that fails succeeded")


class Soak:
    def __init__(self, engine: Engine, service: Service, ctl: Cleanerctl, minutes: float) -> None:
        self.engine, self.service, self.ctl, self.host = engine, service, ctl, service.host
        self.deadline = time.monotonic() + minutes * 60
        self.checked = 0  # of host.planted
        self.problems: list[str] = []
        self.in_the_middle = 0  # kills that left removals planned

    def is_over(self) -> bool:
        return time.monotonic() > self.deadline

    def kills(self, number: int) -> str:
        done = 0
        with Builds(self.host) as builds:
            while done < number and not self.is_over():
                self.strike(builds, random.choice((self.after_a_build, self.in_a_sessions_end, self.while_it_starts)))
                done += 1
                if done % CHECK_EVERY == 0:
                    self.check(builds)
            self.check(builds)
        self.problems += builds.problems
        return f"{done} kills, {self.in_the_middle} of them with removals planned, beside {builds.count} builds"

    def strike(self, builds: Builds, how) -> None:
        how(builds)
        self.service.kill()
        self.in_the_middle += bool(self.planned())
        self.service.start()

    def after_a_build(self, builds: Builds) -> None:
        builds.wait_for_an_end()
        time.sleep(random.uniform(0, LONGEST_DELAY))

    def in_a_sessions_end(self, _: Builds) -> None:
        job = Job(self.host, self.ctl, self.service)
        if not job.begin():
            self.problems.append("a session did not begin")
        job.build(random.choice(BUILDERS))
        end = threading.Thread(target=job.end)
        end.start()
        time.sleep(random.uniform(0, LONGEST_DELAY))
        self.service.kill()
        end.join()

    def while_it_starts(self, _: Builds) -> None:
        self.service.kill()
        self.service.launch()
        time.sleep(random.uniform(0, 2 * LONGEST_DELAY))

    def planned(self) -> list[str]:
        """Of the service that was killed, without touching what it left."""
        with tempfile.TemporaryDirectory() as folder:
            for part in self.service.state.glob("journal.db*"):
                shutil.copy(part, folder)
            with contextlib.closing(sqlite3.connect(Path(folder) / "journal.db")) as journal:
                return [object for (object,) in journal.execute("SELECT object FROM action WHERE state = 'planned'")]

    def left(self) -> list[str]:
        found = self.engine.find_bytes([value.encode() for value in self.host.planted[self.checked :]], exclude_history=False)
        return sorted({str(path).removeprefix(str(self.engine.data_root)) for paths in found.values() for path in paths})

    def is_settled(self) -> bool:
        return not self.service.is_busy() and not self.service.actions("planned") and not self.service.actions("owed")

    def check(self, builds: Builds) -> None:
        with builds.paused():
            for what, come in ("no secret is left", lambda: not self.left()), ("the journal is settled", self.is_settled):
                try:
                    until(SETTLING, what, come)
                except AssertionError as error:
                    self.problems += [str(error), *self.left(), *self.service.actions("planned"), *self.service.actions("owed")]
            self.checked = len(self.host.planted)
            self.check_innocents()

    def check_innocents(self) -> None:
        lost = self.host.lost()
        lost["builds"] = lost.get("builds", set()) - buildkit_api.builds(self.engine.socket)  # the client lists the newest fifty
        self.problems += [f"lost {what}: {sorted(ids)}" for what, ids in lost.items() if ids]
        self.problems += [f"innocent steps were run again: {miss}" for miss in self.host.warm_misses()]

    def day(self, number: int) -> str:
        done, samples = 0, [self.sample()]
        while done < number and not self.is_over():
            done += self.work(SAMPLE_EVERY)
            until(SETTLING, "the service rests", self.is_settled)
            samples.append(self.sample())
        self.problems += [f"a secret is left in {path}" for path in self.left()]
        self.check_innocents()
        return f"{done} builds; " + self.judge(samples[WARM_UP:])

    def work(self, number: int) -> int:
        done = 0
        while done < number:
            job = Job(self.host, self.ctl, self.service)
            self.problems += [] if job.begin() else ["a session did not begin"]
            for builder in BUILDERS:
                if error := job.build(builder):
                    self.problems.append(f"{builder}: {error}")
                self.host.build_innocent(builder, f"innocent:{builder}")
                done += 2
            if status := job.end():
                self.problems.append(f"a session's end: {status}")
        return done

    def sample(self) -> tuple[float, int]:
        """Resident MiB and open descriptors; a client's connection is closed a little after its answer."""
        assert self.service.process
        process = Path(f"/proc/{self.service.process.pid}")
        descriptors = []
        for _ in range(10):
            time.sleep(0.2)
            descriptors.append(len(list((process / "fd").iterdir())))
        return int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20, min(descriptors)

    def judge(self, samples: list[tuple[float, int]]) -> str:
        third = len(samples) // 3
        if third == 0:
            self.problems.append("too few builds to judge memory by")
            return "not judged"
        first, last = ([sample[0] for sample in part] for part in (samples[:third], samples[-third:]))
        if statistics.median(last) > LARGEST_GROWTH * statistics.median(first):
            self.problems.append(f"memory grew: {[round(sample[0], 1) for sample in samples]} MiB")
        if max(sample[1] for sample in samples[-third:]) > max(sample[1] for sample in samples[:third]):
            self.problems.append(f"descriptors grew: {[sample[1] for sample in samples]}")
        return (f"resident {statistics.median(first):.1f} MiB in the first third, {statistics.median(last):.1f} in the last, "
                f"at most {max(sample[0] for sample in samples):.1f}; descriptors {samples[0][1]}, at the end {samples[-1][1]}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("engine", choices=ENGINE_NAMES)
    parser.add_argument("--cleanerd", required=True)
    parser.add_argument("--cleanerctl", required=True)
    work = parser.add_mutually_exclusive_group(required=True)
    work.add_argument("--kills", type=int)
    work.add_argument("--builds", type=int)
    parser.add_argument("--minutes", type=float, default=24 * 60, help="at most")
    options = parser.parse_args()
    os.environ |= {"CLEANERD": options.cleanerd, "CLEANERCTL": options.cleanerctl}
    began = time.monotonic()
    with Engine(options.engine) as engine:
        host = Host(engine)
        ctl = Cleanerctl(host)
        host.populate()
        # A build that is cold (docs/decisions/0003) moves its tag, and the containerd store drops the image that has no other.
        for builder in BUILDERS:
            engine.docker("tag", f"innocent:{builder}", f"first:{builder}", check=True)
        host.uncached_steps()
        with contextlib.closing(ctl), Service(host, log_level="info") as service:
            soak = Soak(engine, service, ctl, options.minutes)
            told = soak.kills(options.kills) if options.kills else soak.day(options.builds)
        print(f"{engine.name} {engine.version}: {told}; {(time.monotonic() - began) / 60:.1f} minutes, {len(soak.problems)} problems")
    for problem in soak.problems[:50]:
        print(problem, file=sys.stderr)
    return bool(soak.problems)


if __name__ == "__main__":
    sys.exit(main())
