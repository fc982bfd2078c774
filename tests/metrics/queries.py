"""Queries (PromQL), as far as it takes to say which metrics and labels they name."""
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / 'packaging/prometheus/cleanerd.rules.yml'
DASHBOARD = ROOT / 'packaging/grafana/cleanerd.json'
PAGE = ROOT / 'docs/metrics.md'

TOKEN = re.compile(r'''"(?:[^"\\]|\\.)*"|\[[^\]]*\]|[A-Za-z_:][A-Za-z0-9_:]*|=~|!~|!=|>=|<=|==|[0-9][0-9.a-z]*|\S''')
LISTS = {'by', 'without', 'on', 'ignoring', 'group_left', 'group_right'}
WORDS = LISTS | {'and', 'or', 'unless', 'bool', 'offset'}
TARGET_LABELS = {'job', 'instance'}


class Unknown(Exception):
    pass


def from_rules():
    """(name or None, expression) of each rule."""
    lines = RULES.read_text(encoding='utf-8').splitlines()
    record = None
    for number, line in enumerate(lines):
        if match := re.match(r'\s*- (record|alert): (\S+)', line):
            record = match.group(2) if match.group(1) == 'record' else None
        if match := re.match(r'(\s*)expr: (.*)', line):
            indent, text = len(match.group(1)), match.group(2)
            if text.startswith('>'):
                rest = lines[number + 1:]
                ends = [i for i, following in enumerate(rest) if len(following) - len(following.lstrip()) <= indent]
                text = ' '.join(part.strip() for part in rest[:ends[0]])
            yield record, text


def from_dashboard():
    def walk(node):
        if isinstance(node, dict):
            if isinstance(node.get('expr'), str):
                yield node['expr']
            node = list(node.values())
        if isinstance(node, list):
            for child in node:
                yield from walk(child)

    document = json.loads(DASHBOARD.read_text(encoding='utf-8'))
    for text in walk(document['panels']):
        yield text.replace('$__rate_interval', '5m').replace('$instance', '.*')
    for variable in document['templating']['list']:
        if variable['type'] == 'query':
            metric, label = re.fullmatch(r'label_values\((.+), (\w+)\)', variable['query']['query']).groups()
            yield f'count by ({label}) ({metric})'


def from_page():
    for block in re.findall(r'```promql\n(.*?)```', PAGE.read_text(encoding='utf-8'), re.S):
        yield from (line for line in block.splitlines() if line and not line.startswith('#'))


def names_in(query):
    """Yields ('metric', name, {label: (operator, value)}) and ('label', name) for everything that the query names."""
    tokens = TOKEN.findall(query)
    at = 0
    while at < len(tokens):
        token = tokens[at]
        following = tokens[at + 1] if at + 1 < len(tokens) else ''
        at += 1
        if not re.match(r'[A-Za-z_:]', token):
            continue
        if token in LISTS and following == '(':
            end = tokens.index(')', at)
            yield from (('label', label) for label in tokens[at + 1:end] if label != ',')
            at = end + 1
        elif token not in WORDS and following != '(' and not (following in LISTS):
            matchers = {}
            if following == '{':
                end = tokens.index('}', at)
                inside = [part for part in tokens[at + 1:end] if part != ',']
                matchers = {inside[i]: (inside[i + 1], inside[i + 2].strip('"')) for i in range(0, len(inside), 3)}
                at = end + 1
            yield 'metric', token, matchers


class Catalogue:
    """What exists: the library's metrics, the recording rules, and what Prometheus itself adds."""

    def __init__(self, described, recorded):
        self.series = {'up': (set(), {})}
        for name, metric in described.items():
            labels, values = set(metric['labels']), metric.get('values', {})
            if metric['type'] == 'histogram':
                self.series |= {f'{name}_bucket': (labels | {'le'}, values), f'{name}_sum': (labels, values), f'{name}_count': (labels, values)}
            else:
                self.series[name] = (labels, values)
        self.series |= {name: (set(), {}) for name in recorded}
        self.labels = TARGET_LABELS.union(*(labels for labels, _ in self.series.values()))

    def check(self, query):
        named = list(names_in(query))
        if not any(kind == 'metric' for kind, *_ in named):
            raise Unknown(f'no metric in: {query}')
        for kind, name, *rest in named:
            if kind == 'label':
                if name not in self.labels:
                    raise Unknown(f'label {name} in: {query}')
            elif name not in self.series:
                raise Unknown(f'metric {name} in: {query}')
            else:
                self.check_matchers(query, name, rest[0])

    def check_matchers(self, query, name, matchers):
        labels, values = self.series[name]
        for label, (operator, value) in matchers.items():
            if label not in labels | TARGET_LABELS:
                raise Unknown(f'{name} has no label {label}: {query}')
            wanted = value.split('|') if '~' in operator else [value]
            if label in values and not set(wanted) <= set(values[label]):
                raise Unknown(f'{label} of {name} is never {value}: {query}')
