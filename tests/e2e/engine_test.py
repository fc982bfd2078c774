"""A test of the promise on one real engine (ENGINE in the environment): `engine`, a `host` that knows what was planted, and `ctl` with a state
directory of its own."""

import os
import unittest

from dockerapi import Engine
from scenario import Cleanerctl, Host

ENGINE_NAME = os.environ["ENGINE"]


class OnFreshEngine(unittest.TestCase):
    """Each test has an engine to itself."""

    engine: Engine

    def start(self) -> Engine:
        return self.enterContext(Engine(ENGINE_NAME))

    def setUp(self) -> None:
        self.engine = self.start()
        self.host = Host(self.engine)
        self.ctl = Cleanerctl(self.host)
        self.addCleanup(self.ctl.close)


class OnOneEngine(OnFreshEngine):
    """The class's tests come one after the other on one engine."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.engine = cls.enterClassContext(Engine(ENGINE_NAME))

    def start(self) -> Engine:
        return self.engine
