#!/usr/bin/env python3
"""Keeps the layers, the headers and the files of the source tree in shape.

* A module under lib/ includes only itself and the modules before it in ORDER; cli/ and daemon/ are last.
* No header under lib/ includes Asio, Beast or the whole of nlohmann/json.hpp (json_fwd.hpp and boost/asio/awaitable.hpp may).
* No file has more than 400 lines.
Usage: layering.py [ROOT]   exit status 1 when something is found.
"""
import re
import sys
from pathlib import Path

ORDER = ['base', 'http', 'metrics', 'match', 'engine', 'buildkit', 'storage', 'scrub', 'search', 'inventory', 'secrets', 'policy', 'plan', 'purge',
         'report', 'service']
PROGRAMS = ['cli', 'daemon']
SOURCES = {'.cpp', '.hpp', '.py'}
MAX_LINES = 400

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.M)
HEAVY = re.compile(r'boost/(asio|beast)(/|\.hpp)|nlohmann/json\.hpp')
LIGHT = {'boost/asio/awaitable.hpp'}


def rank(module):
    return len(ORDER) if module in PROGRAMS else ORDER.index(module)


def include_problems(text, module, is_header):
    for match in INCLUDE.finditer(text):
        target, line = match.group(1), text.count('\n', 0, match.start()) + 1
        other = target.split('/')[0]
        if other in ORDER and '/' in target and rank(other) > rank(module):
            yield line, f'{module} must not include {target}: {other} is a later layer'
        if is_header and module in ORDER and HEAVY.search(target) and target not in LIGHT:
            yield line, f'a header must not include <{target}>: it would be compiled everywhere'


def problems(root):
    for top in ['lib', *PROGRAMS, 'tests', 'bench']:
        for path in sorted((root / top).rglob('*')):
            if path.suffix not in SOURCES or not path.is_file():
                continue
            text = path.read_text(encoding='utf-8')
            name = path.relative_to(root)
            count = text.count('\n')
            if count > MAX_LINES:
                yield f'{name}:1: {count} lines; at most {MAX_LINES}'
            if top in ('tests', 'bench') or path.suffix == '.py':
                continue
            module = name.parts[1] if top == 'lib' else top
            if module not in ORDER + PROGRAMS:
                yield f'{name}:1: lib/{module} has no place in the order of layers (tests/lint/layering.py)'
                continue
            for line, why in include_problems(text, module, path.suffix == '.hpp'):
                yield f'{name}:{line}: {why}'


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    found = list(problems(root))
    print('\n'.join(found) if found else 'layers, headers and file sizes are in order')
    return bool(found)


if __name__ == '__main__':
    sys.exit(main())
