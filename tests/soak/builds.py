#!/usr/bin/env python3
"""Builds of both builders in one process, while scans, purges and verifies run again and again in another: no build fails because of it,
innocent steps come from the cache (but for docs/decisions/0003), and at the end no secret is left and nothing innocent lost.

builds.py ENGINE --binary CLEANERCTL [--minutes 20]   exit status 0 when all of that held
"""

import argparse
import multiprocessing
import os
import re
import sys
import time
from multiprocessing.synchronize import Event
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))

import buildkit_api
from dockerapi import ENGINE_NAMES, Engine
from scenario import BUILDERS, FAILING, MULTI_STAGE, Cleanerctl, Host

# Longer than a look: purges begin and end in the middle of such a build, classic as well, where nothing holds its steps.
SLOW = MULTI_STAGE.replace("RUN cp ", "RUN sleep 2 && cp ")
SECRETS = 400
ITS_OWN_ERROR = re.compile(r"non-zero code: 7|exit code: 7")


def build_on_and_on(host: Host, stop: Event, problems: multiprocessing.Queue, built: multiprocessing.Queue) -> None:
    count = 0
    while not stop.is_set():
        for builder in BUILDERS:
            secret = host.planted[count % len(host.planted)]
            for name, dockerfile in ("quick", MULTI_STAGE), ("slow", SLOW):
                build = host.engine.build(dockerfile, {"app.txt": b"app"}, builder, {"NPM_TOKEN": secret}, f"{name}:{builder}")
                if not build.ok:
                    problems.put(f"{builder}, {name}: {build.error}")
            failing = host.engine.build(FAILING, {}, builder, {"DEPLOY_PASSWORD": secret})
            if failing.ok or not ITS_OWN_ERROR.search(failing.error):
                problems.put(f"{builder}, the build that fails: {failing.error or 'succeeded'}")
            count += 3
        for miss in host.warm_misses():
            problems.put(f"innocent steps were run again: {miss}")
        count += len(BUILDERS)
    built.put(count)


def look_on_and_on(ctl: Cleanerctl, until: float, loop: multiprocessing.Process) -> tuple[dict[str, int], list[str]]:
    env = {"JOB_SECRET": ctl.host.planted[0]}
    runs = {"scan": (), "purge": ("--force",), "verify": ("--secret-env", "JOB_SECRET")}
    counts, problems = dict.fromkeys(runs, 0), []
    while time.monotonic() < until and loop.is_alive():
        for command, args in runs.items():
            done = ctl.run(command, *args, env=env)
            counts[command] += 1
            if done.returncode not in (0, 3):
                problems.append(f"{command} ended with {done.returncode}: {done.stderr.splitlines()[-1]}")
    return counts, problems


def soak(engine: Engine, minutes: float) -> list[str]:
    host = Host(engine)
    ctl = Cleanerctl(host)
    host.populate()
    for _ in range(SECRETS):
        host.plant()
    host.uncached_steps()
    context = multiprocessing.get_context("fork")
    stop, failures, built = context.Event(), context.Queue(), context.Queue()
    loop = context.Process(target=build_on_and_on, args=(host, stop, failures, built))
    loop.start()
    try:
        counts, problems = look_on_and_on(ctl, time.monotonic() + minutes * 60, loop)
    finally:
        stop.set()
        count = built.get(timeout=300)
        loop.join()
    while not failures.empty():
        problems.append(failures.get())
    purge = ctl.run("purge", "--force")
    if purge.returncode != 0:
        problems.append(f"the last purge ended with {purge.returncode}: {purge.stdout.splitlines()[-1]} {purge.stderr.splitlines()[-1]}")
    problems += [f"a secret is left in {path}" for path in host.left(exclude_history=False)]
    lost = host.lost()
    lost["builds"] = lost.get("builds", set()) - buildkit_api.builds(engine.socket)  # the client lists the newest fifty
    problems += [f"lost {what}: {len(ids)}" for what, ids in lost.items() if ids]
    ctl.close()
    print(f"{engine.name} {engine.version}: {count} builds in {minutes:g} minutes beside " +
          ", ".join(f"{number} runs of {command}" for command, number in counts.items()) + f"; {len(problems)} problems")
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("engine", choices=ENGINE_NAMES)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--minutes", type=float, default=20)
    options = parser.parse_args()
    os.environ["CLEANERCTL"] = options.binary
    with Engine(options.engine) as engine:
        problems = soak(engine, options.minutes)
    for problem in problems[:50]:
        print(problem, file=sys.stderr)
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
