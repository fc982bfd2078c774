"""The disk and the API tell the same of a graphdriver's images, on one real engine (ENGINE in the environment); LISTS prints both."""

from engine_test import OnFreshEngine
from lists import on_disk_and_api
from scenario import BUILDERS

LABELLED = "FROM busybox:local\nLABEL team=ci empty= text=\"two words\"\nRUN echo {builder} > /labelled.txt\n"
EMPTY = "FROM scratch\nLABEL {builder}=empty\n"


class Images(OnFreshEngine):
    def assert_alike(self) -> list[str]:
        disk, api = on_disk_and_api(self.engine, "images")
        self.assertEqual(disk, api)
        return disk

    def test_are_the_same_on_disk(self) -> None:
        self.assertEqual(len(self.assert_alike()), 1)
        self.host.populate()
        self.host.build_with_secrets()
        for builder in BUILDERS:
            labelled = self.engine.build(LABELLED.format(builder=builder), {}, builder, tag=f"registry.example:5000/team/{builder}:1.0")
            self.assertTrue(labelled.ok, labelled.error)
            self.assertTrue(self.engine.build(EMPTY.format(builder=builder), {}, builder, tag=f"empty:{builder}").ok)
            self.engine.docker("tag", f"innocent:{builder}", f"other:{builder}", check=True)
            # Moves the tag: the image it had before is dangling then.
            self.assertTrue(self.engine.build(LABELLED.format(builder=f"{builder} again"), {}, builder, tag=f"empty:{builder}").ok)
        self.engine.docker("commit", "runner", "committed", check=True)
        images = self.assert_alike()
        self.assertTrue(any(" parent=sha256:" in image for image in images))
        self.assertTrue(any(" team=ci text=two words" in image for image in images))

        self.engine.docker("rmi", "other:classic", "committed", check=True)
        self.assertEqual(len(self.assert_alike()), len(images) - 1)
        self.engine.restart()
        self.assertEqual(len(self.assert_alike()), len(images) - 1)

    def test_scan_and_purge_do_not_ask_for_the_list(self) -> None:
        self.host.populate()
        self.host.build_with_secrets()
        for command in (["scan"], ["purge", "--force"]):
            told = self.ctl.run(*command)
            self.assertIn(told.returncode, (0, 3), told.stderr)
            self.assertIn("/info ", told.stderr)
            self.assertNotIn("/images/json", told.stderr)
        self.assertEqual(self.host.left(exclude_history=False), [])
        self.assertEqual(self.host.lost(), {})
