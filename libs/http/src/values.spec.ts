import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { ERRORS, type ErrorCode } from '@gravity/contracts';
import {
  compileBody,
  CursorSigner,
  etagOf,
  fingerprintOf,
  listOf,
  parseIdempotencyKey,
  prepareProblem,
  requireIfMatch,
  validateDto,
} from '.';
import { parseJson } from './json-body';
import { problemBody } from './problem-reply';

describe('cursors', () => {
  const signer = new CursorSigner('c'.repeat(32));
  const filters = { shopId: 'shp_1', listed: undefined };

  it('are valid for their list and filters alone', () => {
    const cursor = signer.encode('skus', filters, ['2026-11-11', 7, null]);
    expect(signer.decode('skus', { shopId: 'shp_1' }, cursor)).toEqual({ ok: true, value: ['2026-11-11', 7, null] });
    const foreign = [
      signer.decode('orders', filters, cursor),
      signer.decode('skus', { shopId: 'shp_2' }, cursor),
      signer.decode('skus', {}, cursor),
      new CursorSigner('d'.repeat(32)).decode('skus', filters, cursor),
      ...['', '.', 'x.y', `${cursor}x`, `x${cursor}`, cursor.replace('.', '..'), 'a'.repeat(2_000)].map((text) =>
        signer.decode('skus', filters, text),
      ),
    ];
    for (const decoded of foreign) expect(decoded).toMatchObject({ ok: false, error: { code: 'invalid-cursor' } });
  });

  it('end with the list', () => {
    const page = signer.page(
      'skus',
      {},
      2,
      [1, 2, 3],
      (row) => [row],
      (row) => `sku ${row}`,
    );
    expect(page).toMatchObject({ items: ['sku 1', 'sku 2'], hasMore: true });
    expect(signer.decode('skus', {}, page.nextCursor!)).toEqual({ ok: true, value: [2] });
    expect(
      signer.page(
        'skus',
        {},
        3,
        [1, 2, 3],
        (row) => [row],
        (row) => row,
      ),
    ).toEqual({ items: [1, 2, 3], hasMore: false });
    expect(listOf([])).toEqual({ items: [], hasMore: false });
  });
});

describe('headers', () => {
  it('idempotency keys are short printable texts, quoted or not', () => {
    expect(parseIdempotencyKey('abc-1')).toEqual({ ok: true, value: 'abc-1' });
    expect(parseIdempotencyKey('"abc-1"')).toEqual({ ok: true, value: 'abc-1' });
    expect(parseIdempotencyKey('x'.repeat(128)).ok).toBe(true);
    expect(parseIdempotencyKey(undefined)).toMatchObject({ ok: false, error: { code: 'idempotency-key-missing' } });
    for (const key of ['x'.repeat(129), 'ä', 'a\u0000', '""', 'a"b', ['a', 'b']]) {
      expect(parseIdempotencyKey(key)).toMatchObject({ ok: false, error: { code: 'invalid-request' } });
    }
  });

  const accepts = (header: string, version: number): boolean => {
    const match = requireIfMatch(header);
    if (!match.ok) throw new Error(match.error.detail);
    return match.value.check(version).ok;
  };

  it.each([
    [etagOf(12), [12]],
    ['W/"12"', [12]],
    ['"1", "7"', [1, 7]],
    ['W/"1" ,"7",', [1, 7]],
    [', "7"', [7]],
    ['*', [1, 7, 12, 99]],
    // Tags of other servers are well formed and match nothing.
    ['"x,\\"', []],
    ['"1-gzip"', []],
    ['"9999999999999999999"', []],
    ['"01", "+1", "1.0"', []],
  ])('If-Match: %s accepts the versions %j', (header, versions) => {
    expect([1, 7, 12, 99].filter((version) => accepts(header, version))).toEqual(versions);
  });

  it('a version without a matching tag is stale', () => {
    const match = requireIfMatch('"1", "7"');
    expect(match.ok && match.value.check(8)).toMatchObject({ ok: false, error: { code: 'stale-version' } });
  });

  it('If-Match is required and must be well formed', () => {
    for (const header of [undefined, '', ' '])
      expect(requireIfMatch(header)).toMatchObject({ ok: false, error: { code: 'precondition-required' } });
    for (const header of ['1', '"1', '"1" "2"', '"1", *', ',', 'w/"1"', '"a b"', '"\u0000"', '**'])
      expect(requireIfMatch(header)).toMatchObject({ ok: false, error: { code: 'invalid-request' } });
  });

  it('a long hostile If-Match is refused at once', () => {
    const started = performance.now();
    for (const before of [',', '"1",', '"1"', ''])
      for (const filler of [' ', '\t', ', ', '"']) requireIfMatch(`${before}${filler.repeat(16_000)}x`);
    expect(performance.now() - started).toBeLessThan(500);
  });
});

describe('problems', () => {
  it('are valid documents for every code, with any texts', () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      const prepared = prepareProblem({
        code,
        detail: 'a "quoted"\n line',
        errors: [],
        extensions: { opensAt: '2026', status: 200, code: 'fake', gone: undefined },
      });
      expect(JSON.parse(problemBody(prepared, 'req-1'))).toEqual({
        type: `/problems/${code}`,
        title: ERRORS[code].title,
        status: ERRORS[code].status,
        code,
        retryable: ERRORS[code].retryable,
        detail: 'a "quoted"\n line',
        errors: [],
        opensAt: '2026',
        requestId: 'req-1',
      });
    }
  });
});

describe('bodies', () => {
  class LineDto {
    @IsString()
    @MaxLength(5)
    itemId: string;

    @IsOptional()
    @IsInt()
    @Min(1)
    @Max(9)
    quantity?: number;
  }
  const schema = {
    type: 'object',
    additionalProperties: false,
    required: ['itemId'],
    properties: { itemId: { type: 'string', maxLength: 5 }, quantity: { type: 'integer', minimum: 1, maximum: 9 } },
  };

  it('a DTO and its schema accept the same values', () => {
    const samples = [
      { itemId: 'a' },
      { itemId: 'a', quantity: 9 },
      {},
      { itemId: 1 },
      { itemId: 'abcdef' },
      { itemId: 'a', quantity: 0 },
      { itemId: 'a', x: 1 },
      [],
      null,
      'x',
      undefined,
    ];
    const check = compileBody(schema);
    expect(samples.filter((sample) => validateDto(LineDto, sample).ok !== check(sample).ok)).toEqual([]);
  });

  it('strict JSON finds duplicate members in any notation', () => {
    expect(parseJson('{"a:":":","b":{"c":[":",{"\\"":1}]}}')).toEqual({ 'a:': ':', b: { c: [':', { '"': 1 }] } });
    for (const text of ['{"a":1,"a":1}', '[{"x":{"b":1,"b":2}}]', '{"a\\\\":1,"a\\u005c":2}'])
      expect(() => parseJson(text)).toThrow(/duplicate member/);
  });

  it('fingerprints ignore the order of members and nothing else', () => {
    expect(fingerprintOf({ a: 1, b: { d: [1, 2], c: 2 }, x: undefined })).toBe(
      fingerprintOf({ b: { c: 2, d: [1, 2] }, a: 1 }),
    );
    expect(fingerprintOf({ a: [1, 2] })).not.toBe(fingerprintOf({ a: [2, 1] }));
    expect(fingerprintOf({ a: '1' })).not.toBe(fingerprintOf({ a: 1 }));
  });
});
