"""The lints find what they are there for. Run: python3 -m unittest discover -s tests/lint"""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent


class Lint(unittest.TestCase):
    def run_lint(self, script, *arguments):
        return subprocess.run([sys.executable, HERE / script, *arguments], capture_output=True, text=True, check=False)

    def layering(self, **files):
        with tempfile.TemporaryDirectory() as root:
            for name, text in files.items():
                path = Path(root, name.replace('__', '/').replace('_hpp', '.hpp').replace('_cpp', '.cpp'))
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return self.run_lint('layering.py', root)

    def test_layers_may_include_earlier_ones_only(self):
        self.assertEqual(self.layering(lib__plan__a_cpp='#include "base/text.hpp"\n#include "plan/a.hpp"\n').returncode, 0)
        result = self.layering(lib__base__a_cpp='\n#include "plan/plan.hpp"\n')
        self.assertEqual(result.returncode, 1)
        self.assertIn('lib/base/a.cpp:2: base must not include plan/plan.hpp', result.stdout)
        self.assertEqual(self.layering(cli__a_cpp='#include "report/render.hpp"\n').returncode, 0)

    def test_an_unknown_module_is_named(self):
        self.assertIn('has no place', self.layering(lib__misc__a_cpp='').stdout)

    def test_headers_stay_light(self):
        for heavy in ('<boost/asio.hpp>', '<boost/asio/ip/tcp.hpp>', '<boost/beast/core.hpp>', '<nlohmann/json.hpp>'):
            self.assertEqual(self.layering(lib__engine__a_hpp=f'#include {heavy}\n').returncode, 1, heavy)
            self.assertEqual(self.layering(lib__engine__a_cpp=f'#include {heavy}\n').returncode, 0, heavy)
        for light in ('<nlohmann/json_fwd.hpp>', '<boost/asio/awaitable.hpp>'):
            self.assertEqual(self.layering(lib__engine__a_hpp=f'#include {light}\n').returncode, 0, light)

    def test_long_files_are_found_everywhere(self):
        self.assertEqual(self.layering(tests__unit__a_cpp='\n' * 400).returncode, 0)
        self.assertIn('401 lines', self.layering(tests__unit__a_cpp='\n' * 401).stdout)

    def test_coroutine_shapes(self):
        with tempfile.TemporaryDirectory() as root:
            file = Path(root, 'a.cpp')
            for text, expected in [
                ('awaitable<void> f() {\n  auto x = co_await g(std::move(a));\n}\n', 0),
                ('awaitable<void> f() {\n  auto x = co_await g({a, b});\n}\n', 1),
                ('awaitable<void> f() {\n  auto x = c ? co_await g() : s;\n}\n', 1),
                ('awaitable<void> f() {\n  throw E(co_await g());\n}\n', 1),
            ]:
                file.write_text(text)
                self.assertEqual(self.run_lint('gcc12_coro_lint.py', file).returncode, expected, text)


if __name__ == '__main__':
    unittest.main()
