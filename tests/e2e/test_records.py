"""BuildKit's database and the API tell the same of the cache's records, on one real engine (ENGINE in the environment); LISTS prints both."""

import time

from engine_test import OnFreshEngine
from lists import on_disk_and_api

MANY_STEPS = """
FROM busybox:local AS one
ARG NUMBER
RUN echo $NUMBER > /one.txt
RUN --mount=type=cache,target=/cache echo kept > /cache/kept.txt
FROM busybox:local
COPY --from=one /one.txt /
COPY app.txt /
RUN wc -c app.txt > /size.txt
"""


class Records(OnFreshEngine):
    def assert_alike(self) -> list[str]:
        # What a build that has just ended still holds is let go of in a moment.
        for _ in range(50):
            disk, api = on_disk_and_api(self.engine, "records")
            if disk == api:
                break
            time.sleep(0.1)
        self.assertEqual(disk, api)
        return disk

    def build(self, number: int) -> None:
        build = self.engine.build(MANY_STEPS, {"app.txt": b"app"}, "buildkit", {"NUMBER": str(number)})
        self.assertTrue(build.ok, build.error)

    def test_are_the_same_on_disk(self) -> None:
        self.host.populate()
        self.host.build_with_secrets()
        for number in range(3):
            self.build(number)
        records = self.assert_alike()
        self.assertTrue(any(" exec.cachemount " in record for record in records))
        self.assertTrue(any("parents= " not in record for record in records))
        self.ctl.run("purge", "--force")
        self.assertLess(len(self.assert_alike()), len(records))
        self.engine.restart()
        self.build(1)
        self.assert_alike()

    def test_a_purge_with_nothing_to_do_does_not_ask_for_the_list(self) -> None:
        self.host.populate()
        nothing = self.ctl.run("purge", "--force")
        self.assertEqual(nothing.returncode, 0, nothing.stderr)
        self.assertNotIn("/system/df", nothing.stderr)
        self.host.build_with_secrets()
        something = self.ctl.run("purge", "--force")
        self.assertIn("/system/df", something.stderr)
        self.assertEqual(self.host.left(exclude_history=False), [])
        self.assertEqual(self.host.lost(), {})
