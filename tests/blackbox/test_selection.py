"""--filter, --all and the ways to hand a secret over."""

import unittest
from pathlib import Path

from runner import CLEANERCTL, DONE, FAILED, SECRETS, USAGE, BlackBoxTest, Machine
from scenario import Host, innocent_host, new_secret


class Filters(BlackBoxTest):
    def setUp(self) -> None:
        self.host = innocent_host()
        state, base = self.host.state, self.host.base
        self.old = state.add_image(base, env=[f"API_KEY={self.host.plant()}"], labels={"team": "red", "stage": "one"}, age=50 * 3600)
        self.young = state.add_image(base, env=[f"API_KEY={self.host.plant()}"], labels={"team": "blue"})
        self.by_url = state.add_image(base, env=[f"ORIGIN=https://u:{self.host.plant()}@host/"])
        self.step = state.add_container(base, name="step", exit_code=1, env=[f"API_KEY={self.host.plant()}"], build_step=True)
        self.used = state.add_record(description="mount / from exec /bin/sh -c echo $API_KEY", age=50 * 3600, unused_for=60)
        self.unused = state.add_record(description="mount / from exec /bin/sh -c echo $API_KEY", age=50 * 3600, unused_for=49 * 3600)
        self.all = {self.old, self.young, self.by_url, self.step, self.used, self.unused}

    def planned(self, *filters: str) -> set[str]:
        arguments = [part for one in filters for part in ("--filter", one)]
        run = self.machine(self.host).run("plan", "--format", "json", *arguments)
        self.assert_status(run, SECRETS)
        return {item["engine_id"] for item in run.document["objects"] if item["state"] == "planned"}

    def test_each_key_selects(self) -> None:
        images = {self.old, self.young, self.by_url}
        for one, expected in {
            "kind=image.dangling": images, "kind=image": images, "kind=container.build": {self.step}, "kind=cache": {self.used, self.unused},
            "label=team": {self.old, self.young}, "label=team=red": {self.old}, "label=team=green": set(),
            "until=24h": {self.old, self.unused}, "until=4h30m": {self.old, self.unused}, "until=0s": self.all,
            f"image={self.old}": {self.old}, f"image={self.old[7:19]}": {self.old}, f"image={self.old[:15]}*": {self.old}, "image=none:*": set(),
            "rule=url-password": {self.by_url}, "rule=secret-step": {self.used, self.unused}, "rule=none": set(),
        }.items():
            with self.subTest(filter=one):
                self.assertEqual(self.planned(one), expected)

    def told(self, machine: Machine, command: str, *filters: str, **options: object) -> tuple[int, set[str]]:
        arguments = [part for one in filters for part in ("--filter", one)]
        run = machine.run(command, "--format", "json", *arguments, **options)  # type: ignore[arg-type]
        document = run.document
        self.assertEqual(document["summary"]["objects"], len(document["objects"]))
        self.assertEqual(document["summary"]["secret_objects"], sum(bool(item["findings"]) for item in document["objects"]))
        return run.status, {item["engine_id"] for item in document["objects"]}

    def test_a_scan_tells_and_counts_what_the_filter_selects(self) -> None:
        machine = self.machine(self.host)
        self.assertEqual(self.told(machine, "scan", "kind=cache", "rule=secret-step"), (SECRETS, {self.used, self.unused}))
        self.assertEqual(self.told(machine, "scan", "label=team=red", "label=team=blue"), (SECRETS, {self.old, self.young}))
        self.assertEqual(self.told(machine, "scan", "image=busybox:*"), (DONE, {self.host.base}))
        self.assertEqual(self.told(machine, "scan", "image=none:*"), (DONE, set()))
        self.assertEqual(self.told(machine, "scan", "kind=database.freed"), (DONE, set()))

    def test_a_verify_tells_and_counts_what_the_filter_selects(self) -> None:
        machine = self.machine(self.host)
        given = {"env": {"MINE": self.host.planted[0]}}  # the old image's
        for filters, expected in (["image=" + self.old], (SECRETS, {self.old})), (["image=" + self.young], (DONE, {self.young})), (["kind=container.build"], (DONE, {self.step})):
            arguments = [part for one in filters for part in ("--filter", one)]
            run = machine.run("verify", "--secret-env", "MINE", "--format", "json", *arguments, **given)  # type: ignore[arg-type]
            self.assertEqual((run.status, {item["engine_id"] for item in run.document["objects"]}), expected)

    def test_what_could_not_be_read_is_told_whatever_the_filter_selects(self) -> None:
        machine = self.machine(self.host)
        run = machine.run("scan", "--format", "json", "--filter", "kind=container.build", "--secret-env", "MINE", env={"MINE": "short"})
        self.assertFalse(run.document["complete"])
        self.assertIn("MINE", run.document["unread"][0]["place"])

    def test_all_lists_what_carries_no_secret_in_the_table_too(self) -> None:
        machine = self.machine(self.host)
        self.assertNotIn(self.host.base[7:19], machine.run("scan").stdout)
        run = machine.run("scan", "--all")
        self.assert_status(run, SECRETS)
        self.assertIn(self.host.base[7:19], run.stdout)
        self.assertIn(self.old[7:19], run.stdout)

    def test_the_same_key_is_or_and_different_keys_are_and(self) -> None:
        self.assertEqual(self.planned("label=team=red", "label=team=blue"), {self.old, self.young})
        self.assertEqual(self.planned("kind=cache", "kind=container"), {self.used, self.unused, self.step})
        self.assertEqual(self.planned("kind=image", "until=24h"), {self.old})
        self.assertEqual(self.planned("kind=cache", "label=team"), set())
        self.assertEqual(self.planned("until=24h", "until=0s"), self.all)

    def test_a_purge_removes_only_what_the_filter_lets_through_and_status_3_tells_of_the_rest(self) -> None:
        machine = self.machine(self.host)
        run = machine.purge("--filter", "kind=cache")
        self.assert_status(run, SECRETS)
        self.assertEqual(set(machine.engine.asked_to_remove()), {self.used, self.unused})
        self.assertEqual(run.document["summary"]["remaining_secrets"], 4)
        self.assertEqual(run.reasons_of(self.old)[-1], "filtered")

    def test_a_filter_never_lets_a_child_block_silently(self) -> None:
        root, leaf = self.host.classic_build(self.host.plant(), steps=2)
        run = self.machine(self.host).run("plan", "--format", "json", "--filter", f"image={root}")
        self.assertEqual([run.reasons_of(id)[-1] for id in (leaf, root)], ["filtered", "filtered"])

    def test_wrong_filters_are_usage_errors(self) -> None:
        machine = self.machine(self.host)
        for wrong, part in {"kind=nothing": "nothing", "kind=imag": "imag", "colour=red": "expected kind, label, until, image, build or rule",
                            "until=yesterday": "duration", "kind": "KEY=VALUE", "=x": "", "kind=": "KEY=VALUE"}.items():
            with self.subTest(filter=wrong):
                for command in (["purge", "--force"], ["scan"], ["plan"], ["verify", "--secret-env", "MINE"], ["gate", "busybox:local"]):
                    run = machine.run(*command, "--filter", wrong, env={"MINE": new_secret()})
                    self.assert_status(run, USAGE)
                    self.assert_one_line(run, "--filter", part)
        self.assertEqual(machine.engine.requests, [])

    def test_what_a_build_left_is_not_guessed_where_the_engine_tells_of_none(self) -> None:
        for selection in (("--build", "abcd"), ("--filter", "build=abcd")):
            machine = self.machine(self.host)
            for command in (["purge", "--force"], ["scan"], ["plan"], ["verify", "--secret-env", "MINE"], ["gate", "busybox:local"]):
                run = machine.run(*command, *selection, env={"MINE": new_secret()})
                self.assert_status(run, USAGE)
                self.assert_one_line(run, "--build")
            self.assertEqual(machine.engine.asked_to_remove(), [])


class All(BlackBoxTest):
    def test_all_removes_every_finished_builds_residue_and_no_more(self) -> None:
        host = innocent_host()
        dangling = next(id for id, image in host.state.images.items() if not image.tags and "replaced" in image.steps[-1])
        step = host.state.add_container(host.base, name="step", exit_code=1, build_step=True)
        expected = {dangling, step, *host.state.records}
        machine = self.machine(host)
        run = machine.purge("--all")
        self.assert_status(run, DONE)
        self.assertEqual(set(machine.engine.asked_to_remove()), expected)
        self.assertEqual(host.state.ids() & expected, set())
        self.assertEqual(host.lost(), expected & host.innocent)


class Declared(BlackBoxTest):
    def host_with(self, secret: str) -> tuple[Host, str]:
        """Only the value tells: its variable has an innocent name."""
        host = innocent_host()
        host.planted.append(secret)
        return host, host.leave(host.state.add_image(host.base, env=[f"GREETING=hello {secret}"]))

    def check(self, machine: Machine, image: str, *arguments: str, origin: str, **options: object) -> None:
        self.assert_status(machine.run("scan"), DONE)
        run = machine.run("scan", "--format", "json", *arguments, **options)  # type: ignore[arg-type]
        self.assert_status(run, SECRETS)
        [finding] = next(item for item in run.document["objects"] if item["engine_id"] == image)["findings"]
        self.assertEqual(finding["rule"], "known-value")
        self.assertIn(origin, finding["origin"])
        self.assert_status(machine.purge(*arguments, **options), DONE)  # type: ignore[arg-type]
        self.assert_clean(machine)

    def test_the_value_of_a_variable(self) -> None:
        secret = new_secret()
        host, image = self.host_with(secret)
        self.check(self.machine(host), image, "--secret-env", "MINE", origin="environment variable MINE", env={"MINE": secret})

    def test_the_content_of_a_file(self) -> None:
        for end in ("", "\n", "\r\n"):
            secret = new_secret()
            host, image = self.host_with(secret)
            machine = self.machine(host)
            file = machine.directory / "secret"
            file.write_bytes((secret + end).encode())
            self.check(machine, image, "--secret-file", str(file), origin=f"file {file}")

    def test_the_lines_of_a_file(self) -> None:
        secret = new_secret()
        host, image = self.host_with(secret)
        machine = self.machine(host)
        file = machine.directory / "secrets"
        file.write_text(f"{new_secret()}\n\n{secret}\n")
        self.check(machine, image, "--secrets-from", str(file), origin="line 3 of")

    def test_the_lines_of_standard_input(self) -> None:
        secret = new_secret()
        host, image = self.host_with(secret)
        self.check(self.machine(host), image, "--secrets-from", "-", origin="line 1 of standard input", input=secret.encode())

    def test_several_at_once(self) -> None:
        host, first = self.host_with(new_secret())
        second = host.leave(host.state.add_record(description=f"[stage 1/2] RUN echo {host.plant()}"))
        machine = self.machine(host)
        run = machine.run("scan", "--format", "json", "--secret-env", "A", "--secret-env", "B", env=dict(zip("AB", host.planted, strict=True)))
        self.assertEqual({item["engine_id"] for item in run.document["objects"] if item["findings"]}, {first, second})

    def test_a_value_too_common_to_search_for_makes_the_result_incomplete(self) -> None:
        machine = self.machine(innocent_host())
        run = machine.run("scan", "--format", "json", "--secret-env", "MINE", env={"MINE": "short"})
        self.assert_status(run, FAILED)
        self.assertFalse(run.document["complete"])
        self.assert_one_line(run, "MINE")

    def test_what_cannot_be_read_is_one_line_and_nothing_happens(self) -> None:
        machine = self.machine(innocent_host())
        empty = machine.directory / "empty"
        empty.touch()
        for arguments in (["--secret-env", "NOT_SET"], ["--secret-file", "/nonexistent"], ["--secret-file", str(empty)],
                          ["--secret-file", str(machine.directory)], ["--secrets-from", "/nonexistent"], ["--secrets-from", str(machine.directory)],
                          ["--secrets-from", str(empty)], ["--secret-file", "/dev/zero"], ["--secrets-from", "/dev/zero"]):
            with self.subTest(arguments=arguments):
                run = machine.run("purge", "--force", *arguments)
                self.assert_status(run, FAILED, USAGE)
                self.assert_one_line(run, Path(arguments[1]).name)
        self.assertEqual(machine.engine.requests, [])

    def test_a_secret_in_the_wrong_place_of_the_command_line_is_not_shown(self) -> None:
        machine = self.machine(innocent_host())
        secret = machine.host.plant()  # the runner refuses any output with it
        for arguments in (["scan", "--secret", secret], ["scan", f"--secret={secret}"], ["scan", secret], [secret], [f"--{secret}"], ["scan", f"-{secret}"], ["scan", "--format", secret], ["scan", "--log-level", secret],
                          ["session", "begin", "--secret", secret], ["scan", "--secret-file", secret], ["scan", "--secrets-from", secret],
                          ["scan", "--secret-env", secret]):
            run = machine.run(*arguments) if arguments[0] == "scan" else machine.run_raw([CLEANERCTL, *arguments])
            self.assert_status(run, USAGE)
        self.assertEqual(machine.engine.requests, [])

    def test_repeatable_options_leave_the_image_to_gate(self) -> None:
        host = Host()
        secret = host.plant()
        host.keep(host.state.add_image(step="RUN true", tags=["app:1"], env=[f"SETTING={secret}"]))
        machine = self.machine(host)
        for name in "app:1", "docker.io/library/app:1", "docker.io/app:1":
            gate = machine.run("gate", "--secret-env", "MINE", name, env={"MINE": secret})
            self.assert_status(gate, SECRETS)
        listed = machine.run("scan", "--format", "json", "-n", "-f").document["objects"]
        self.assert_status(machine.run("gate", "--secret-env", "MINE", "--force", listed[0]["id"], env={"MINE": secret}), SECRETS)


if __name__ == "__main__":
    unittest.main()
