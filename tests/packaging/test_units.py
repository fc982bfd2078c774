"""The units as systemd reads them, without a systemd that runs them."""

import json
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from surroundings import BUILD, CLEANERCTL, CLEANERD, REPOSITORY, output_of

UNITS = ("cleanerd.service", "cleanerd.socket", "cleanerd-scrub.service")
EXPOSURE = 2.5  # of 10


class Units(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="units-")))
        for unit in UNITS:
            text = (BUILD / "systemd" / unit).read_text()
            for program in (CLEANERD, CLEANERCTL):  # the build's, where the installed ones are not
                text = re.sub(rf"^(ExecStart=)\S*/{program.name}\b", rf"\g<1>{program}", text, flags=re.M)
            (self.folder / unit).write_text(text)

    def settings(self, unit: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, value in re.findall(r"^(\w+)=(.*)$", (self.folder / unit).read_text(), re.M):
            found.setdefault(name, []).append(value)
        return found

    def test_systemd_has_nothing_to_warn_of(self) -> None:
        run = subprocess.run(["systemd-analyze", "verify", "--man=no", *(f"./{unit}" for unit in UNITS)], cwd=self.folder, capture_output=True,
                             text=True, timeout=120, check=False)
        self.assertEqual((run.returncode, run.stdout, run.stderr), (0, "", ""))

    def test_what_is_left_open_is_little(self) -> None:
        for unit in UNITS:
            if unit.endswith(".socket"):
                continue
            run = subprocess.run(["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE * 10:.0f}", "--no-pager", f"./{unit}"],
                                 cwd=self.folder, capture_output=True, text=True, timeout=120, check=False)
            self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_all_that_is_left_open_has_its_reason_in_the_documentation(self) -> None:
        reasons = (REPOSITORY / "docs/security.md").read_text().replace("\\|", "|")
        table = json.loads(output_of("systemd-analyze", "security", "--offline=true", "--json=short", "--no-pager", "./cleanerd.service", cwd=self.folder))
        left_open = [row["name"] for row in table if row["set"] is False and float(row["exposure"] or 0) > 0]
        self.assertGreater(len(left_open), 5)
        for name in left_open:  # as "PrivateUsers=", "RestrictAddressFamilies=~AF_UNIX", "RootDirectory=/RootImage="
            with self.subTest(name):
                self.assertTrue(f"`{name}`" in reasons or f"`{name.rstrip('=')}`" in reasons)

    def test_the_engine_is_wanted_and_never_required(self) -> None:
        settings = self.settings("cleanerd.service")
        self.assertIn("docker.service", settings["Wants"][0].split())
        self.assertIn("docker.service", settings["After"][0].split())
        for binding in ("Requires", "Requisite", "BindsTo", "PartOf", "Upholds"):
            self.assertNotIn(binding, settings)

    def test_who_may_use_the_socket_and_see_the_state(self) -> None:
        socket = self.settings("cleanerd.socket")
        self.assertEqual(socket["ListenStream"], ["/run/cleanerd/cleanerd.sock"])
        self.assertEqual((socket["SocketUser"], socket["SocketGroup"], socket["SocketMode"]), (["root"], ["cleanerd"], ["0660"]))
        service = self.settings("cleanerd.service")
        self.assertEqual((service["StateDirectory"], service["StateDirectoryMode"]), (["cleanerd"], ["0700"]))
        self.assertEqual((service["Group"], service["RuntimeDirectoryMode"]), (["cleanerd"], ["0750"]))
        # Else systemd would take the socket away with the service.
        self.assertEqual(service["RuntimeDirectoryPreserve"], ["yes"])

    def test_the_group_and_the_folder_of_the_socket_are_made(self) -> None:
        root = self.folder / "root"
        (root / "etc").mkdir(parents=True)
        for name, tool in (("sysusers", "systemd-sysusers"), ("tmpfiles", "systemd-tmpfiles")):
            target = root / f"usr/lib/{name}.d/cleanerd.conf"
            target.parent.mkdir(parents=True)
            target.write_text((REPOSITORY / f"systemd/{name}.conf").read_text())
            output_of(tool, f"--root={root}", *(["--create"] if name == "tmpfiles" else []), "cleanerd.conf")
        group = next(line for line in (root / "etc/group").read_text().splitlines() if line.startswith("cleanerd:"))
        folder = (root / "run/cleanerd").stat()
        self.assertEqual((folder.st_uid, str(folder.st_gid), folder.st_mode & 0o7777), (0, group.split(":")[2], 0o750))


if __name__ == "__main__":
    unittest.main()
