"""The Debian package of this build: installed, upgraded, removed and purged in a Debian that has nothing but what it depends on."""

import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import Callable
from pathlib import Path

from surroundings import BUILD, REPOSITORY, output_of
from tree import Tree, debian_with

sys.path.append(str(REPOSITORY / "tests/blackbox"))
from fake_engine import FakeEngine  # noqa: E402
from scenario import small_host  # noqa: E402

CONFIGURATION = "/etc/cleanerd/cleanerd.yaml"
STATE = "/var/lib/cleanerd"
UNITS = ("cleanerd.service", "cleanerd.socket", "cleanerd-scrub.service")
LINKS = ("multi-user.target.wants/cleanerd.service", "sockets.target.wants/cleanerd.socket", "multi-user.target.wants/cleanerd-scrub.service")
DEADLINE = 120

# What dpkg, apt and the tools that make groups keep for themselves.
BOOKKEEPING = re.compile(r"/var/(log|cache|lib/(dpkg|apt))(/|$)|/etc/(\.pwd\.lock|g?(group|shadow)-)$|/root/[^/]*\.deb$|/tmp(/|$)")


def build_package(folder: Path) -> Path:
    return Path(subprocess.run([REPOSITORY / "packaging/package.sh", BUILD], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()).rename(
        folder / "cleanerd.deb")


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="package-")))
        cls.package = build_package(cls.folder)
        depends = output_of("dpkg-deb", "--field", cls.package, "Depends")
        cls.debian = debian_with([re.split(r"[ |]", dependency.strip())[0] for dependency in depends.split(",")])

    def tree(self) -> Tree:
        return self.enterContext(Tree(self.debian))

    def installed(self) -> Tree:
        tree = self.tree()
        self.install(tree, self.package)
        return tree

    def install(self, tree: Tree, package: Path, *options: str) -> None:
        tree.put("/root/cleanerd.deb", package.read_bytes())
        tree.run("apt-get", "install", "--yes", "--no-install-recommends", *options, "/root/cleanerd.deb")

    def next_version(self, configuration: str) -> Path:
        """The same with a higher version and, added to the configuration, a line."""
        content = self.folder / "next"
        output_of("dpkg-deb", "--raw-extract", self.package, content)
        control = content / "DEBIAN/control"
        control.write_text(re.sub(r"^Version: .*$", "Version: 99", control.read_text(), flags=re.M))
        shipped = content / CONFIGURATION.lstrip("/")
        shipped.write_text(shipped.read_text() + configuration)
        package = self.folder / "next.deb"
        output_of("dpkg-deb", "--root-owner-group", "--build", content, package)
        shutil.rmtree(content)
        return package

    def test_lintian_finds_no_error(self) -> None:
        run = subprocess.run(["lintian", "--allow-root", "--fail-on", "error", self.package], capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_the_same_build_makes_the_same_package_wherever_it_lies(self) -> None:
        again = self.folder / "again"
        again.mkdir()
        self.assertEqual(self.package.read_bytes(), build_package(again).read_bytes())
        output_of("dpkg-deb", "--extract", self.package, again / "content")
        for file in (again / "content").rglob("*"):
            if file.is_file():
                self.assertNotIn(str(REPOSITORY).encode() + b"/", file.read_bytes(), file)

    def test_what_it_installs_is_complete_and_nothing_is_switched_on(self) -> None:
        tree = self.installed()
        self.assertIn("cleanerd 0.", tree.run("cleanerd", "--version"))
        self.assertIn("--metrics", tree.run("cleanerd", "--help"))
        self.assertIn("cleanerctl", tree.run("cleanerctl", "version", status=4))  # no engine
        tree.run("cleanerctl", "policy", "check")
        self.assertRegex(tree.text("/etc/group"), r"(?m)^cleanerd:")
        for unit in UNITS:
            for program in re.findall(r"^ExecStart=(\S+)", tree.text(f"/usr/lib/systemd/system/{unit}"), re.M):
                self.assertTrue(tree.exists(program), program)
        for path in ("/usr/share/man/man1/cleanerctl.1.gz", "/usr/share/man/man8/cleanerd.8.gz", "/usr/share/man/man5/cleanerd.yaml.5.gz",
                     "/usr/share/bash-completion/completions/cleanerctl", "/usr/share/zsh/vendor-completions/_cleanerctl",
                     "/usr/share/fish/vendor_completions.d/cleanerctl.fish", "/usr/share/cleanerd/hooks/session.sh",
                     "/usr/share/cleanerd/cleanerd.schema.json", "/usr/share/cleanerd/prometheus/cleanerd.rules.yml",
                     "/usr/share/cleanerd/grafana/cleanerd.json", "/usr/share/doc/cleanerd/copyright", "/usr/share/doc/cleanerd/changelog.Debian.gz",
                     "/etc/cleanerd/conf.d", "/etc/cleanerd/rules.d"):
            self.assertTrue(tree.exists(path), path)
        self.assertEqual(tree.run("dpkg-query", "--show", "--showformat=${Conffiles}", "cleanerd").split()[::2], [CONFIGURATION])
        for path in tree.run("dpkg", "--listfiles", "cleanerd").split()[1:]:
            status = (tree.root / path.lstrip("/")).lstat()
            executable = stat.S_ISDIR(status.st_mode) or path.startswith(("/usr/bin/", "/usr/share/cleanerd/hooks/"))
            self.assertEqual((status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)), (0, 0, 0o755 if executable else 0o644), path)
        for link in LINKS:
            self.assertFalse(tree.exists(f"/etc/systemd/system/{link}"), link)
        self.assertFalse(tree.exists(STATE))

    def test_an_upgrade_keeps_what_the_administrator_wrote_and_switched_on(self) -> None:
        tree = self.installed()
        written = tree.text(CONFIGURATION) + "interval: 3m\n"
        tree.put(CONFIGURATION, written)
        tree.run("systemctl", "enable", "cleanerd.service", "cleanerd.socket")
        self.install(tree, self.next_version("# new\n"), "--option=Dpkg::Options::=--force-confold")
        self.assertEqual(tree.run("dpkg-query", "--show", "--showformat=${Version} ${db:Status-Status}", "cleanerd"), "99 installed")
        self.assertEqual(tree.text(CONFIGURATION), written)
        self.assertIn("# new\n", tree.text(CONFIGURATION + ".dpkg-dist"))
        for link in LINKS[:2]:
            self.assertTrue(tree.exists(f"/etc/systemd/system/{link}"), link)
        tree.run("cleanerctl", "policy", "check")

    def test_a_configuration_that_nobody_touched_is_upgraded_with_the_package(self) -> None:
        tree = self.installed()
        self.install(tree, self.next_version("# new\n"))
        self.assertTrue(tree.text(CONFIGURATION).endswith("# new\n"))

    def test_removed_it_leaves_configuration_and_state_and_purged_nothing(self) -> None:
        tree = self.tree()
        tree.run("mkdir", "-p", "/var/lib/docker/containers", "/etc/docker", "/run/docker")
        tree.put("/etc/docker/daemon.json", "{}")
        before = self.files(tree)
        self.install(tree, self.package)
        tree.put(CONFIGURATION, "interval: 3m\n")
        tree.run("systemctl", "enable", *UNITS)
        tree.run("mkdir", "-m", "0700", STATE)
        tree.put(f"{STATE}/journal.db", "")

        tree.run("apt-get", "remove", "--yes", "cleanerd")
        left = {path for path in self.files(tree) - before if not path.startswith(("/etc/systemd/", "/var/lib/systemd/"))}
        self.assertEqual(left, {"/etc/cleanerd", CONFIGURATION, STATE, f"{STATE}/journal.db"})
        self.assertEqual(tree.text(CONFIGURATION), "interval: 3m\n")

        tree.run("apt-get", "purge", "--yes", "cleanerd")
        self.assertEqual(self.files(tree) ^ before, set())

    def test_where_systemd_runs_it_starts_when_switched_on_restarts_with_an_upgrade_and_stops_with_the_removal(self) -> None:
        host = small_host()
        with FakeEngine(host.state) as engine, Tree(self.debian, {engine.directory.name: "/srv/engine"}, boot=True) as tree:
            host.state.data_root = "/srv/engine/root"  # as the service sees it
            self.install(tree, self.package)
            self.assertEqual([self.state(tree, unit) for unit in UNITS], ["inactive"] * 3)
            tree.put(CONFIGURATION, "engine: {host: 'unix:///srv/engine/docker.sock'}\n")

            tree.run("systemctl", "enable", "--now", "cleanerd")
            self.assertEqual([self.state(tree, unit) for unit in UNITS], ["active", "active", "inactive"], self.log(tree))
            self.wait_until(lambda: not host.left(), tree)
            self.assertEqual(host.lost(), set())
            self.assertIn("removed", tree.run("cleanerctl", "audit", "--format", "json"))
            self.assertEqual(tree.run("stat", "--format=%a %U %G", STATE, "/run/cleanerd/cleanerd.sock").splitlines(),
                             ["700 root cleanerd", "660 root cleanerd"])

            before = self.process(tree)
            self.install(tree, self.next_version(""))
            self.wait_until(lambda: self.process(tree) not in (before, "0") and self.state(tree, "cleanerd.service") == "active", tree)
            self.assertEqual(tree.run("systemctl", "show", "--value", "--property=NeedDaemonReload", "cleanerd").strip(), "no")
            tree.run("cleanerctl", "status")

            tree.run("apt-get", "remove", "--yes", "cleanerd")
            self.assertEqual([self.state(tree, unit) for unit in UNITS], ["inactive"] * 3)
            self.assertFalse(tree.exists("/run/cleanerd"))
            self.assertTrue(tree.exists(f"{STATE}/journal.db"))
            tree.run("apt-get", "purge", "--yes", "cleanerd")
            self.assertFalse(tree.exists(STATE))
            self.assertEqual(tree.run("systemctl", "--failed", "--quiet", "--plain"), "")

    def state(self, tree: Tree, unit: str) -> str:
        return tree.run("systemctl", "show", "--value", "--property=ActiveState", unit).strip()

    def process(self, tree: Tree) -> str:
        return tree.run("systemctl", "show", "--value", "--property=MainPID", "cleanerd").strip()

    def log(self, tree: Tree) -> str:
        return tree.run("journalctl", "--no-pager", "--unit=cleanerd*")

    def wait_until(self, condition: Callable[[], bool], tree: Tree) -> None:
        deadline = time.monotonic() + DEADLINE
        while not condition():
            self.assertLess(time.monotonic(), deadline, self.log(tree))
            time.sleep(0.1)

    def files(self, tree: Tree) -> set[str]:
        return {path for path in tree.run("find", "/", "-xdev", "-mindepth", "1").splitlines() if not BOOKKEEPING.match(path)}


if __name__ == "__main__":
    unittest.main()
