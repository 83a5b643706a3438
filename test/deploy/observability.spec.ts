// Alerts have runbooks, and alerts and dashboards use only metrics that the code exports.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { filesBelow, manifests, ROOT, text } from './files';

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; runbook: string };
}

const rules = manifests()
  .filter(({ kind }) => kind === 'PrometheusRule')
  .flatMap(({ spec }) => (spec.groups as { rules: Rule[] }[]).flatMap((group) => group.rules));
const dashboard = JSON.parse(text('k8s/observability/dashboard.json')) as {
  panels: { title: string; targets: { expr: string }[] }[];
};

/** Names as in `/metrics`; a histogram has three. */
function exportedMetrics(): Set<string> {
  const sources = ['apps', 'libs']
    .flatMap((folder) => filesBelow(folder, /(?<!spec)\.ts$/))
    .filter((file) => !file.includes('/test/'));
  const code = sources.map(text).join('\n');
  const declared = [...code.matchAll(/new (Counter|Gauge|Histogram)\(\{\s*name: '(\w+)'/g)].map(([, kind, name]) => ({
    kind,
    name: name ?? '',
  }));
  const read = [...code.matchAll(/gaugeReadAtScrape\(\s*'(\w+)'/g)].map(([, name]) => ({
    kind: 'Gauge',
    name: name ?? '',
  }));
  const ours = [...declared, ...read].flatMap(({ kind, name }) =>
    kind === 'Histogram' ? ['bucket', 'sum', 'count'].map((ending) => `${name}_${ending}`) : [name],
  );
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return new Set([...ours, ...registry.getMetricsAsArray().map(({ name }) => name)]);
}

/** The metric names in an expression: words that are not functions, labels, values or keywords. */
function metricsIn(expression: string): string[] {
  const bare = expression
    .replaceAll(/\b(by|without|on|ignoring)\s*\([^)]*\)/g, ' ')
    .replaceAll(/\{[^}]*\}|\[[^\]]*\]|"[^"]*"/g, ' ');
  const words = [...bare.matchAll(/[a-z_][a-z0-9_]*(?!\w)(?!\s*\()/gi)].map(([word]) => word);
  return words.filter((word) => !['and', 'or', 'unless', 'sum', 'max', 'min', 'avg', 'count'].includes(word));
}

test('every alert has a severity, a summary and a runbook that exists', () => {
  expect(rules.length).toBeGreaterThan(8);
  for (const { alert, labels, annotations } of rules) {
    expect(['page', 'ticket']).toContain(labels.severity);
    expect(annotations.summary).toMatch(/\.$/);
    const exists = existsSync(join(ROOT, annotations.runbook));
    expect({ alert, runbook: annotations.runbook, exists }).toEqual({
      alert,
      runbook: annotations.runbook,
      exists: true,
    });
  }
});

test('every metric in use is exported', () => {
  const exported = exportedMetrics();
  const used = [
    ...rules.map(({ alert, expr }) => ({ by: alert, expr })),
    ...dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ by: title, expr }))),
  ];
  for (const { by, expr } of used) {
    const metrics = metricsIn(expr);
    expect(metrics.length).toBeGreaterThan(0);
    expect({ by, unknown: metrics.filter((name) => !exported.has(name)) }).toEqual({ by, unknown: [] });
  }
});

test('operations and label values in alerts exist in the code', () => {
  const orders = filesBelow('apps/orders/src', /(?<!spec)\.ts$/)
    .map(text)
    .join('\n');
  expect(orders).toContain("'placeClaim'");
  expect(orders).toMatch(/'DIRECT'/);
});
