import { format, inspect } from 'node:util';
import { InMemorySpanExporter } from '@opentelemetry/sdk-trace-node';
import { Counter, Histogram } from 'prom-client';
import {
  createLogger,
  currentTraceparent,
  gaugeReadAtScrape,
  redact,
  redactText,
  renderMetrics,
  Secret,
  startTracing,
  withSpan,
} from '.';

describe('secrets', () => {
  it('print as three stars wherever they end up', () => {
    const secret = new Secret('hunter2');
    const shown = [
      [secret].join(),
      String(secret),
      JSON.stringify({ secret }),
      inspect(secret),
      inspect({ deep: [secret] }),
      format('%s %o', secret, secret),
      `${secret as unknown as string}`,
    ];
    for (const text of shown) expect(text).not.toContain('hunter2');
    expect(secret.reveal()).toBe('hunter2');
  });

  it.each([
    ['postgres://gravity:hunter2@localhost:5432/orders', 'postgres://gravity:***@localhost:5432/orders'],
    ['redis://:hunter2@localhost', 'redis://:***@localhost'],
    ['Authorization: Bearer abcdefghijkl.mnop', 'Authorization: Bearer ***'],
    ['token eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJiXzEifQ.c2lnbmF0dXJl here', 'token *** here'],
    ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', '***'],
    ['?password=hunter2&a=1', '?password=***&a=1'],
    ['two lines\u2028and \u009b31m colours', 'two lines\\u2028and \\u009b31m colours'],
  ])('are cut out of texts: %s', (text, expected) => {
    expect(redactText(text)).toBe(expected);
  });

  it('are found by the names of fields, at any depth, in errors and in cycles', () => {
    const cyclic: Record<string, unknown> = {
      authorization: 'x',
      accessToken: 'x',
      api_key: 'x',
      tokens: 3,
      list: [{ password: 'x' }],
    };
    cyclic['self'] = cyclic;
    expect(redact(cyclic)).toEqual({
      authorization: '***',
      accessToken: '***',
      api_key: '***',
      tokens: 3,
      list: [{ password: '***' }],
      self: '[circular]',
    });
    const error = new Error('no', { cause: new Error('postgres://a:hunter2@b') });
    expect(
      JSON.stringify(redact({ error, big: 10n, map: new Map([['secret', 's']]), when: new Date(0) })),
    ).not.toContain('hunter2');
  });
});

describe('logger', () => {
  const lines: Record<string, unknown>[] = [];
  const texts: string[] = [];
  const logger = createLogger({
    service: 'orders',
    level: 'info',
    destination: { write: (line) => void (texts.push(line), lines.push(JSON.parse(line) as Record<string, unknown>)) },
  });
  beforeEach(() => lines.splice(0));

  it('prints one object per line, with fields, redacted', () => {
    logger.info('claim refused', { code: 'sold-out', headers: { authorization: 'Bearer abcdefghijk' } });
    expect(lines).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/Z$/),
        service: 'orders',
        code: 'sold-out',
        headers: { authorization: '***' },
        message: 'claim refused',
      },
    ]);
  });

  it('speaks Nest: contexts, stacks, its start at debug', () => {
    logger.log('Mapped {/x, GET} route', 'RouterExplorer');
    logger.log('ready', 'Orders');
    logger.error('broken', 'Error: broken\n  at here', 'Orders');
    logger.error(new Error('thrown'));
    expect(lines.map((line) => [line['level'], line['message'], line['context']])).toEqual([
      ['info', 'ready', 'Orders'],
      ['error', 'broken', 'Orders'],
      ['error', 'thrown', undefined],
    ]);
    expect(lines[2]?.['error']).toMatchObject({ message: 'thrown', stack: expect.stringContaining('spec') });
  });

  it('cannot be made to print a second line', () => {
    const before = texts.length;
    logger.info('name: x\n{"level":"fatal","message":"forged"}\r\n', { 'key\n': 'a\nb' });
    expect(texts.length).toBe(before + 1);
    expect(texts.at(-1)!.trim().split('\n')).toHaveLength(1);
  });
});

describe('metrics', () => {
  it('are printed as Prometheus reads them, per service', async () => {
    const claims = new Counter({ name: 'claims_total', help: 'Claims', labelNames: ['service', 'outcome'] });
    claims.labels({ service: 'orders', outcome: 'won' }).inc(3);
    claims.labels({ service: 'catalog', outcome: 'a"b\n' }).inc();
    const latency = new Histogram({ name: 'step_seconds', help: 'Step', buckets: [0.1, 1], labelNames: ['service'] });
    for (const value of [0.1, 0.5, 3]) latency.labels({ service: 'orders' }).observe(value);
    const { body, contentType } = await renderMetrics();
    expect(contentType).toContain('text/plain');
    expect(body).toContain('claims_total{service="orders",outcome="won"} 3');
    expect(body).toContain('claims_total{service="catalog",outcome="a\\"b\\n"} 1');
    expect(body).toMatch(/step_seconds_bucket\{le="0.1",service="orders"\} 1/);
    expect(body).toMatch(/step_seconds_bucket\{le="\+Inf",service="orders"\} 3/);
    expect(body).toContain('step_seconds_count{service="orders"} 3');
  });

  it('reads a gauge at each scrape, from the last source of each service', async () => {
    const depth = gaugeReadAtScrape('queue_depth', 'Depth');
    let value = 1;
    depth('orders', () => 100);
    depth('orders', () => value);
    depth('catalog', () => 5);
    expect((await renderMetrics()).body).toContain('queue_depth{service="orders"} 1');
    value = 7;
    const { body } = await renderMetrics();
    expect(body).toContain('queue_depth{service="orders"} 7');
    expect(body).toContain('queue_depth{service="catalog"} 5');
  });
});

describe('traces', () => {
  it('cost nothing without a collector; with one, they cross processes as a traceparent and without secrets', async () => {
    await withSpan('orders.place-claim', {}, (span) => {
      expect(span).toBeUndefined();
      expect(currentTraceparent()).toBeUndefined();
    });
    expect((await startTracing({}, 'orders')).enabled).toBe(false);
    const exporter = new InMemorySpanExporter();
    const tracing = await startTracing({}, 'orders', exporter);
    let carried: string | undefined;
    await withSpan('producer', {}, async () => {
      await Promise.resolve();
      carried = currentTraceparent();
    });
    await expect(
      withSpan('consumer', {}, () => Promise.reject(new Error('no')), {
        parent: carried,
        links: [carried!, 'nonsense'],
      }),
    ).rejects.toThrow('no');
    const [producer, consumer] = exporter.getFinishedSpans();
    expect(carried).toBe(`00-${producer!.spanContext().traceId}-${producer!.spanContext().spanId}-01`);
    expect(consumer!.spanContext().traceId).toBe(producer!.spanContext().traceId);
    expect(consumer!.parentSpanContext?.spanId).toBe(producer!.spanContext().spanId);
    expect(consumer!.links).toHaveLength(1);
    expect(consumer!.status.code).toBe(2);

    // What an error says leaves the process with its span, so it goes without its secrets.
    exporter.reset();
    const failure = new Error('connect postgres://gravity:hunter2@db:5432/orders: no');
    for (const thrown of [failure, failure.message])
      await expect(withSpan('query', {}, () => Promise.reject(thrown as Error))).rejects.toBe(thrown);
    const events = exporter.getFinishedSpans().flatMap((span) => span.events);
    expect(events).toHaveLength(2);
    expect(JSON.stringify(events)).toContain('postgres://gravity:***@db');
    expect(JSON.stringify(events)).not.toContain('hunter2');
    await tracing.shutdown();
  });
});
