"""Each hook as its CI system runs it, against a stand-in for cleanerctl that records how it was called."""

import os
import secrets
import subprocess
import tempfile
import unittest
from dataclasses import dataclass
from pathlib import Path

from surroundings import REPOSITORY

HOOKS = REPOSITORY / "packaging/hooks"

STAND_IN = """#!/bin/sh
echo "$*" >>"$RECORD"
[ "$2" = begin ] && { [ "${BEGIN_STATUS:-0}" = 0 ] && echo "session-of-$4"; exit "${BEGIN_STATUS:-0}"; }
exit "${END_STATUS:-0}"
"""


@dataclass(frozen=True)
class System:
    begin: list[str]
    end: list[str]
    environment: dict[str, str]
    token: str  # a secret variable of the system itself
    job: str  # the variable that tells jobs apart


# The shells and their options are the systems' own: GitLab's `set -eo pipefail`, Jenkins' `sh -xe`, Buildkite's sourcing wrapper.
SYSTEMS = {
    "github": System(["bash", "-e", "github-job-started.sh"], ["bash", "-e", "github-job-completed.sh"],
                     {"RUNNER_TEMP": "{tmp}/_temp", "GITHUB_REPOSITORY": "team/app", "GITHUB_RUN_ID": "7", "GITHUB_RUN_ATTEMPT": "1", "GITHUB_JOB": "build"},
                     "ACTIONS_RUNTIME_TOKEN", "GITHUB_RUN_ID"),
    "gitlab": System(["bash", "-c", "set -eo pipefail; {hooks}/gitlab.sh begin"], ["bash", "-c", "set -eo pipefail; {hooks}/gitlab.sh end"],
                     {"CI_PROJECT_DIR": "{tmp}/builds/app", "CI_PROJECT_PATH": "team/app", "CI_JOB_ID": "7"}, "CI_JOB_TOKEN", "CI_JOB_ID"),
    "jenkins": System(["sh", "-xe", "-c", "{hooks}/jenkins.sh begin"], ["sh", "-xe", "-c", "{hooks}/jenkins.sh end"],
                      {"WORKSPACE": "{tmp}/workspace/app", "BUILD_TAG": "jenkins-team-app-7"}, "", "BUILD_TAG"),
    "azure": System(["bash", "--noprofile", "--norc", "azure.sh", "begin"], ["bash", "--noprofile", "--norc", "azure.sh", "end"],
                    {"AGENT_TEMPDIRECTORY": "{tmp}/_temp", "SYSTEM_TEAMPROJECT": "team app", "BUILD_BUILDID": "7", "SYSTEM_JOBID": "8"},
                    "SYSTEM_ACCESSTOKEN", "SYSTEM_JOBID"),
    "buildkite": System(["bash", "-c", ". {hooks}/buildkite-pre-command.sh"], ["bash", "-c", ". {hooks}/buildkite-pre-exit.sh"],
                        {"BUILDKITE_BUILD_PATH": "{tmp}/builds", "BUILDKITE_PIPELINE_SLUG": "app", "BUILDKITE_JOB_ID": "7"},
                        "BUILDKITE_AGENT_ACCESS_TOKEN", "BUILDKITE_JOB_ID"),
}


class Hooks(unittest.TestCase):
    def each(self) -> "list[Job]":
        return [self.job(name) for name in SYSTEMS]

    def job(self, name: str) -> "Job":
        return Job(name, Path(self.enterContext(tempfile.TemporaryDirectory(prefix=f"hook-{name}-"))))

    def test_a_job_has_a_session_from_its_begin_to_its_end(self) -> None:
        for job in self.each():
            with self.subTest(job.name):
                self.assertEqual((job.run("begin").returncode, job.run("end").returncode), (0, 0))
                begin, end = job.calls()
                self.assertRegex(begin, r"^session begin --name \S+.*")
                self.assertEqual(end, "session end session-of-" + begin.split(" --secret-env")[0].removeprefix("session begin --name "))
                self.assertEqual([path for path in job.tmp.rglob("cleanerd-session-*")], [])

    def test_declared_and_the_systems_own_secrets_are_named_and_never_shown(self) -> None:
        for job in self.each():
            value = secrets.token_hex(16)
            names = [name for name in (job.system.token, "NPM_TOKEN", "OTHER_KEY") if name]
            runs = [job.run("begin", CLEANERD_SECRET_ENVS="NPM_TOKEN, OTHER_KEY UNSET_KEY", **dict.fromkeys(names, value)), job.run("end")]
            with self.subTest(job.name):
                self.assertEqual(job.calls()[0].split(" --secret-env ")[1:], names)
                self.assertNotIn(value, "".join([*job.calls(), *(run.stdout + run.stderr for run in runs)]))

    def test_secrets_left_behind_fail_the_job_with_one_line(self) -> None:
        for job in self.each():
            job.run("begin")
            run = job.run("end", END_STATUS="3")
            with self.subTest(job.name):
                self.assertEqual(run.returncode, 3)
                self.assertEqual(len(said(run)), 1)
                self.assertIn("secrets of this job are left", said(run)[0])

    def test_without_cleanerctl_the_job_goes_on_or_fails_as_configured(self) -> None:
        for job in self.each():
            (job.tmp / "bin/cleanerctl").unlink()
            for action in ("begin", "end"):
                for configured, status in ((None, 0), ("warn", 0), ("fail", 1)):
                    run = job.run(action, **({"CLEANERD_ON_MISSING": configured} if configured else {}))
                    with self.subTest(system=job.name, action=action, configured=configured):
                        self.assertEqual((run.returncode, len(said(run))), (status, 1))

    def test_a_begin_that_failed_leaves_nothing_to_end(self) -> None:
        for job in self.each():
            for status in ("1", "4"):
                with self.subTest(system=job.name, status=status):
                    self.assertEqual(job.run("begin", BEGIN_STATUS=status).returncode, 0)
                    self.assertEqual(job.run("begin", BEGIN_STATUS=status, CLEANERD_ON_MISSING="fail").returncode, 1)
                    self.assertEqual(job.run("end").returncode, 0)
                    self.assertFalse(any(call.startswith("session end") for call in job.calls()))

    def test_a_daemon_that_fails_at_the_end_is_as_one_that_is_missing(self) -> None:
        for job in self.each():
            for configured, status in (("warn", 0), ("fail", 1)):
                job.run("begin")
                with self.subTest(system=job.name, configured=configured):
                    self.assertEqual(job.run("end", END_STATUS="4", CLEANERD_ON_MISSING=configured).returncode, status)

    def test_a_purge_that_failed_is_told_with_its_status_and_fails_the_job_as_configured(self) -> None:
        for job in self.each():
            for configured, status in (("warn", 0), ("fail", 1)):
                job.run("begin")
                run = job.run("end", END_STATUS="1", CLEANERD_ON_MISSING=configured)
                with self.subTest(system=job.name, configured=configured):
                    self.assertEqual((run.returncode, len(said(run))), (status, 1))
                    self.assertIn("cleanerctl's exit status 1", said(run)[0])

    def test_a_session_whose_id_was_lost_is_none_that_can_be_ended(self) -> None:
        for job in self.each():
            for configured, status in (("warn", 0), ("fail", 1)):
                job.run("begin")
                for file in job.tmp.rglob("cleanerd-session-*"):
                    file.unlink()
                run = job.run("end", CLEANERD_ON_MISSING=configured)
                with self.subTest(system=job.name, configured=configured):
                    self.assertEqual((run.returncode, len(said(run))), (status, 1))
                    self.assertIn("no session to end", said(run)[0])
            self.assertFalse(any(call.startswith("session end") for call in job.calls()))

    def test_two_jobs_at_once_end_each_its_own_session(self) -> None:
        for job in self.each():
            first, second = {job.system.job: "first"}, {job.system.job: "second"}
            for action, which in (("begin", first), ("begin", second), ("end", first), ("end", second)):
                job.run(action, **which)
            with self.subTest(job.name):
                ends = [call for call in job.calls() if call.startswith("session end")]
                self.assertEqual(["first" in ends[0], "second" in ends[1]], [True, True])


class Job:
    def __init__(self, name: str, tmp: Path) -> None:
        self.name, self.tmp, self.system = name, tmp, SYSTEMS[name]
        (tmp / "bin").mkdir()
        (tmp / "bin/cleanerctl").write_text(STAND_IN)
        (tmp / "bin/cleanerctl").chmod(0o755)
        self.record = tmp / "record"

    def run(self, action: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [part.format(hooks=HOOKS) for part in (self.system.begin if action == "begin" else self.system.end)]
        command = [str(HOOKS / part) if part.endswith(".sh") and "/" not in part else part for part in command]
        own = {name: value.format(tmp=self.tmp) for name, value in self.system.environment.items()}
        environment = {"PATH": f"{self.tmp}/bin:/usr/bin:/bin", "HOME": os.devnull, "RECORD": str(self.record), "CLEANERD_HOOKS": str(HOOKS)}
        return subprocess.run(command, cwd=self.tmp, env=environment | own | more, capture_output=True, text=True, timeout=60, check=False)

    def calls(self) -> list[str]:
        return self.record.read_text().splitlines() if self.record.exists() else []


def said(run: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in run.stderr.splitlines() if line.startswith("cleanerd: ")]


if __name__ == "__main__":
    unittest.main()
