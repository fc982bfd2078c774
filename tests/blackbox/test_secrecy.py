"""No secret shows, wherever it stands. The helper that runs cleanerctl searches every output and the state directory."""

import base64
import re
import unittest
from pathlib import Path

import faults
from runner import FAILED, SECRETS, USAGE, BlackBoxTest, Machine, forms_of
from scenario import Host, innocent_host, new_secret
from test_interruption import TIMEOUT, Pause


def host_full_of_secrets() -> Host:
    """Secrets in every text that the engine hands out about residue, tagged images and containers."""
    host = innocent_host()
    state, base = host.state, host.base
    shared = host.plant()
    image = state.add_image(base, step=f"|2 NPM_TOKEN={shared} OTHER_PASSWORD={host.plant()} two words /bin/sh -c npm ci --token={shared}",
                            step_command=["|1", f"NPM_TOKEN={shared}", "/bin/sh", "-c", "npm ci"], env=[f"API_KEY={host.plant()}"],
                            labels={"deploy.secret": host.plant(), "build.url": f"https://robot:{host.plant()}@host/x?y={shared}"})
    state.add_container(image, name=f"step_{shared}", exit_code=2, env=[f"NPM_TOKEN={shared}"],
                        command=["/bin/sh", "-c", f"login {shared}"], labels={shared: "x"}, build_step=True)
    state.add_container(base, name="stopped", env=[f"GREETING={shared}"], command=["login", shared], labels={"note": shared})
    state.add_image(base, tags=[f"host/app:{shared}"], env=[f"DB_PASSWORD={host.plant()}"], labels={f"label-{shared}": "x"})
    record = state.add_record(description=f"mount / from exec /bin/sh -c curl https://robot:{host.plant()}@host -H 'x: {shared}' && NPM_TOKEN={shared} npm ci")
    state.add_record(record, description=f"[stage 2/2] COPY {shared} /x")
    state.add_record(description=f"http url https://host/file?token={shared}")
    return host


class Secrecy(BlackBoxTest):
    def test_no_command_shows_a_secret(self) -> None:
        host = host_full_of_secrets()
        machine = self.machine(host)
        for format in ("table", "json", "sarif", "html"):
            for command in ("scan", "plan"):
                self.assert_status(machine.run(command, "--format", format), SECRETS)
        for id in host.state.ids():
            machine.run("explain", id)
        machine.run("explain", host.planted[0][:4])
        self.assert_status(machine.run("purge", "--force"), SECRETS)

    def test_no_command_shows_a_declared_secret(self) -> None:
        host = Host()
        secret = host.plant()
        state = host.state
        image = state.add_image(host.with_base(), tags=[f"registry/{secret}:1"], step=f"RUN echo {secret}", labels={secret: "x"})
        state.add_container(image, name=secret, command=[secret])
        child = state.add_image(image, step=f"/bin/sh -c echo {secret}")
        state.add_container(child, name=f"keeps-{secret}")
        state.add_record(description=f"[stage] RUN echo {secret}")
        machine = self.machine(host)
        for arguments in (["scan"], ["plan"], ["scan", "--format", "json"], ["plan", "--format", "json"], ["scan", "--format", "sarif"],
                          ["purge", "--force"]):
            machine.run(*arguments, "--secret-env", "MINE", env={"MINE": secret})

    def test_the_engines_error_messages_are_redacted(self) -> None:
        for path, method in [("/info", "GET"), ("/images/json", "GET"), ("/system/df", "GET"), ("/json", "GET"), ("/history", "GET"),
                             ("/build/prune", "POST")]:
            with self.subTest(path=path):
                host = innocent_host()
                secret = host.plant()
                host.state.add_record(description=f"[stage] RUN echo {secret}")
                machine = self.machine(host)
                machine.engine.fail_on(path, faults.refuses(500, f"cannot run: echo {secret}"), method)
                run = machine.run("purge", "--force", "--secret-env", "MINE", env={"MINE": secret})
                self.assert_status(run, FAILED, SECRETS)

    def test_a_traced_secret_in_the_message_of_a_refused_removal_is_redacted(self) -> None:
        for status in (409, 500):
            host = innocent_host()
            secret = host.plant()
            [image] = host.classic_build(secret, steps=1)
            machine = self.machine(host)
            machine.engine.fail_on(f"/images/{image}", faults.refuses(status, f"container named {secret} uses it"), "DELETE")
            self.assert_status(machine.purge(), SECRETS)

    def test_a_secret_given_as_a_value_by_mistake_is_not_repeated(self) -> None:
        machine = self.machine()
        secret = machine.host.plant()
        run = machine.run("scan", "--secret-env", secret)
        self.assert_status(run, USAGE)
        self.assert_one_line(run, "--secret-env")

    def test_the_process_leaves_no_core_file(self) -> None:
        host = host_full_of_secrets()
        machine = self.machine(host)
        pause = Pause(machine, 6, removal=False)
        child = machine.start(machine.command_line("scan"))
        self.assertTrue(pause.reached.wait(TIMEOUT))
        limits = Path(f"/proc/{child.pid}/limits").read_text()
        owner = Path(f"/proc/{child.pid}/mem").stat().st_uid
        pause.resumed.set()
        machine.finish(child)
        self.assertTrue(re.search(r"Max core file size\s+0\s+0\s", limits), limits)
        self.assertEqual(owner, 0)

    def test_the_check_itself_finds_what_it_should(self) -> None:
        with Machine() as machine:
            secret = machine.host.plant()
            for text in (secret, secret[3:12], f"x{secret}y"):
                with self.assertRaises(AssertionError):
                    machine.check_secrecy(text.encode())
            for shift in range(3):
                with self.assertRaises(AssertionError):
                    machine.check_secrecy(base64.b64encode(b"abcdef"[:shift] + secret.encode() + b" and more"))
            machine.check_secrecy(new_secret().encode())
            self.assertGreater(len(list(forms_of(secret))), 20)


if __name__ == "__main__":
    unittest.main()
