"""Dashboard, rules and documentation ask for what the service tells, and promtool accepts all of it."""
import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import queries

EXPOSITION = os.environ['METRICS_EXPOSITION']
PROMTOOL = queries.ROOT / 'tests/promtool'


def promtool(*arguments, **options):
    return subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, check=False, **options)


class Exposition(unittest.TestCase):
    def test_promtool_has_nothing_to_say_about_it(self):
        text = subprocess.run([EXPOSITION], capture_output=True, text=True, check=True).stdout
        self.assertIn('cleanerd_build_info{version="0.0.0"} 1', text)
        result = promtool('check', 'metrics', input=text)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, '', ''))


class Queries(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        described = json.loads(subprocess.run([EXPOSITION, '--describe'], capture_output=True, text=True, check=True).stdout)
        cls.rules = list(queries.from_rules())
        cls.catalogue = queries.Catalogue(described, [name for name, _ in cls.rules if name])
        cls.described = described

    def test_rules_name_what_exists(self):
        self.assertGreaterEqual(len(self.rules), 10)
        for _, query in self.rules:
            self.catalogue.check(query)

    def test_the_dashboard_names_what_exists(self):
        found = list(queries.from_dashboard())
        self.assertGreaterEqual(len(found), 20)
        for query in found:
            self.catalogue.check(query)

    def test_the_documentation_names_what_exists(self):
        found = list(queries.from_page())
        self.assertGreaterEqual(len(found), 5)
        for query in found:
            self.catalogue.check(query)

    def test_the_dashboard_shows_every_metric(self):
        shown = {name for query in queries.from_dashboard() for kind, name, *_ in queries.names_in(query) if kind == 'metric'}
        for name in self.described:
            self.assertTrue(shown & {name, f'{name}_bucket'}, name)

    def test_what_does_not_exist_is_noticed(self):
        for wrong in ('cleanerd_nothing', 'sum by (image) (cleanerd_residue_objects)', 'cleanerd_residue_objects{image="x"}',
                      'rate(cleanerd_purge_duration_seconds[5m])', 'cleanerd_gate_total{result="secret"}', 'time() - 5',
                      'cleanerd_engine_up or on (instance) sum(cleanerd_unread)'):
            with self.assertRaises(queries.Unknown, msg=wrong):
                self.catalogue.check(wrong)

    def test_promtool_can_read_every_query(self):
        found = [*queries.from_dashboard(), *queries.from_page()]
        rules = [{'record': f'query{number}', 'expr': query} for number, query in enumerate(found)]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, 'queries.yml')
            path.write_text(json.dumps({'groups': [{'name': 'all', 'rules': rules}]}), encoding='utf-8')
            result = promtool('check', 'rules', path)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn(f'{len(found)} rules found', result.stdout)


class Rules(unittest.TestCase):
    def test_promtool_accepts_them_and_their_tests_pass(self):
        folder = queries.RULES.parent
        for arguments in (['check', 'rules', queries.RULES.name], ['test', 'rules', 'cleanerd.rules.test.yml']):
            result = promtool(*arguments, cwd=folder)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_every_alert_has_a_test_in_which_it_fires(self):
        tested = (queries.RULES.parent / 'cleanerd.rules.test.yml').read_text(encoding='utf-8')
        fired = {block.split('\n')[0].strip() for block in tested.split('- alertname: ')[1:] if 'exp_alerts:' in block}
        rules = queries.RULES.read_text(encoding='utf-8')
        alerts = {line.split()[-1] for line in rules.splitlines() if '- alert:' in line}
        self.assertEqual(fired, alerts)


if __name__ == '__main__':
    unittest.main()
