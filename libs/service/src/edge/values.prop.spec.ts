// Goal: the API document and the checks say the same about every value. Method: random values, good and nearly good, are
// given to the check and to a JSON Schema validator; then the same through the decorators of a body.
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { compileBody, validateDto } from '@gravity/http';
import { newId } from '@gravity/kernel';
import {
  AttributesField,
  CodeField,
  EnumField,
  FlagField,
  IdField,
  IntegerField,
  ListField,
  MoneyField,
  RegionField,
  schemaOf,
  TextField,
  TimeField,
  TotalBody,
  TotalField,
  values,
} from '.';

const ajv = new Ajv({ strict: false, unicodeRegExp: true });
(addFormats as unknown as { default?: typeof addFormats } & typeof addFormats)(ajv);

const textish = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({
    unit: fc.constantFrom(' ', '\n', '\t', '\u0000', '\u0085', '\ud800', '\u200b', 'a', '茅', '🍺', ':'),
    maxLength: 12,
  }),
  fc.constantFrom(
    'CN',
    'CN-11',
    'CN-1111',
    'cn',
    '2026-11-20T12:00:00Z',
    '2026-02-31T00:00:00Z',
    newId('shop'),
    newId('sku'),
  ),
);
const anything = fc.oneof(
  textish,
  fc.integer({ min: -3, max: 12 }),
  fc.constantFrom<unknown>(null, true, 1.5, 2 ** 53, 1e300, [], {}, ['a', 'a'], Array(40).fill('a')),
  fc.array(textish, { maxLength: 5 }),
  fc.dictionary(textish, fc.oneof(textish, fc.constant(1)), { maxKeys: 3 }),
);

const kinds: Record<string, values.Value> = {
  text: values.text({ max: 10 }),
  'text that may be empty': values.text({ min: 0, max: 10 }),
  'text of several lines': values.text({ max: 10, multiline: true }),
  'text of an answer': values.anyText(10),
  code: values.code(),
  id: values.id('shop'),
  time: values.time(),
  region: values.region(),
  integer: values.integer({ min: 0, max: 9 }),
  choice: values.oneOf(['CN', 'CN-11']),
  flag: values.flag(),
  list: values.list(values.text({ max: 3 }), { min: 1, max: 3, unique: true }),
  attributes: values.attributes(),
  'attribute filter': values.attributeFilter(),
};

describe('the schema and the check agree', () => {
  it.each(Object.entries(kinds))('%s', (name, kind) => {
    const validate = ajv.compile(kind.schema);
    let good = 0;
    fc.assert(
      fc.property(anything, (value) => {
        const fits = kind.fits(value);
        if (fits) good += 1;
        // Formats of JSON Schema know leap seconds; the epoch does not.
        if (name === 'time' && typeof value === 'string' && /:60/.test(value)) return;
        expect([value, fits]).toEqual([value, validate(value)]);
      }),
      { numRuns: 2_000 },
    );
    expect(good).toBeGreaterThan(0);
  });

  it('lengths are counted in characters, not in halves of pairs', () => {
    const ten = values.text({ max: 10 });
    expect(['🍺'.repeat(10), '🍺'.repeat(11), 'x'.repeat(11)].map(ten.fits)).toEqual([true, false, false]);
  });

  it('time zones are those of the IANA', () => {
    const names = ['Asia/Shanghai', 'UTC', 'Mars/Olympus', '', 'x'.repeat(65), 7];
    expect(names.map(values.timeZone().fits)).toEqual([true, true, false, false, false, false]);
  });

  it('a long hostile text is refused at once', () => {
    const started = performance.now();
    for (const filler of [' ', 'a', '\u3000']) values.text({ max: 100_000 }).fits(`${filler.repeat(99_999)}\u0000`);
    expect(performance.now() - started).toBeLessThan(100);
  });
});

describe('a body', () => {
  class Body {
    @TextField({ max: 5 }) title: string;
    @CodeField() code: string;
    @IdField('shop') shopId: string;
    @TimeField({ optional: true }) at?: string;
    @RegionField({ optional: true }) region?: string;
    @EnumField(['A', 'B'], { optional: true }) kind?: string;
    @ListField(values.text({ max: 3 }), { max: 2, optional: true }) tags?: string[];
    @AttributesField({ optional: true }) attributes?: Record<string, string>;
    @MoneyField({ optional: true }) price?: object;
    @MoneyField({ optional: true, zero: true }) fee?: object;
  }
  class Line {
    @TextField({ max: 5 }) text: string;
  }
  class Lines {
    @ListField(Line, { min: 1, max: 2 }) lines: Line[];
  }

  it.each([
    [[{ text: 'a' }], true],
    [[[{ text: 'a' }]], false],
    [[{ text: 'a' }, []], false],
    [[null], false],
    [['a'], false],
    [{ 0: { text: 'a' }, length: 1 }, false],
    [[], false],
  ])('with a list of bodies: %j', (lines, fits) => {
    expect(validateDto(Lines, { lines }).ok).toBe(fits);
  });

  const good = { title: 'a', code: 'SKU 1', shopId: newId('shop') };

  it('is taken when each member fits', () => {
    const more = { at: '2026-11-20T12:00:00Z', region: 'CN', kind: 'A', tags: ['x'], attributes: { volume: '500ml' } };
    const fee = { amount: 0, currency: 'JPY' };
    expect(validateDto(Body, { ...good, ...more, price: { amount: 1, currency: 'CNY' }, fee }).ok).toBe(true);
  });

  it.each([
    ['title', ' '],
    ['code', 'A\u200bB'],
    ['shopId', newId('sku')],
    ['at', '2026-02-31T00:00:00Z'],
    ['region', 'cn'],
    ['kind', 'C'],
    ['tags', ['x', 'y', 'z']],
    ['tags', ['long text']],
    ['attributes', { 'a:b': 'c' }],
    ['price', 7],
    ['price/amount', { amount: 0, currency: 'CNY' }],
    ['price/amount', { amount: 1.5, currency: 'CNY' }],
    ['price/amount', { amount: 1e300, currency: 'CNY' }],
    ['price/currency', { amount: 1, currency: 'XXX' }],
    ['fee/amount', { amount: -1, currency: 'CNY' }],
    ['at', null],
    ['tags', null],
    ['fee', null],
  ])('names the fault in %s: %j', (place, value) => {
    const member = place.split('/')[0]!;
    const checked = validateDto(Body, { ...good, [member]: value });
    expect(checked.ok ? [] : checked.error.map((fault) => fault.pointer)).toEqual([`/${place}`]);
  });
});

describe('the schema of a class', () => {
  class Line {
    @IdField('sku') skuId: string;
    @IntegerField({ min: 1, max: 9 }) quantity: number;
  }
  class Order {
    @ListField(Line, { min: 1, max: 2 }) lines: Line[];
    @TotalField({ zero: true, optional: true }) expectedTotal?: TotalBody;
    @TextField({ max: 5, optional: true, multiline: true }) note?: string;
  }
  class Gift extends Order {
    @FlagField() wrapped: boolean;
  }

  it('judges bodies as the class does, inherited members included', () => {
    const check = compileBody(schemaOf(Gift));
    const line = fc.record({ skuId: fc.constant(newId('sku')), quantity: fc.integer({ min: 1, max: 9 }) });
    const total = fc.record({ amount: fc.constantFrom(0, 2 ** 53 - 1), currency: fc.constantFrom('CNY', 'JPY') });
    const good = fc.record(
      {
        lines: fc.array(line, { minLength: 1, maxLength: 2 }),
        wrapped: fc.boolean(),
        expectedTotal: total,
        note: fc.constant('a\nb'),
      },
      { requiredKeys: ['lines', 'wrapped'] },
    );
    const fault = fc.oneof(
      fc.constant({}),
      fc.record({ lines: fc.array(fc.record({ skuId: textish, quantity: fc.integer({ min: 0, max: 10 }) })) }),
      fc.record({ expectedTotal: fc.record({ amount: fc.constantFrom(-1, 0, 2 ** 53), currency: textish }) }),
      fc.dictionary(fc.constantFrom('lines', 'wrapped', 'expectedTotal', 'note', 'surplus'), anything, { maxKeys: 1 }),
    );
    const samples = fc.sample(
      fc.tuple(good, fault).map(([fine, wrong]): unknown => JSON.parse(JSON.stringify({ ...fine, ...wrong }))),
      2_000,
    );
    expect(samples.filter((sample) => validateDto(Gift, sample).ok !== check(sample).ok)).toEqual([]);
    expect(samples.filter((sample) => check(sample).ok).length).toBeGreaterThan(200);
  });
});

describe('a query', () => {
  class Query {
    @IntegerField({ min: 1, max: 9, query: true, optional: true }) limit?: number;
    @FlagField({ query: true, optional: true }) listed?: boolean;
    @ListField(values.attributeFilter(), { max: 2, query: true, optional: true }) attribute?: string[];
  }
  const read = (query: object): unknown => {
    const checked = validateDto(Query, query, 'query');
    return checked.ok ? { ...checked.value } : checked.error.map((fault) => fault.pointer);
  };

  it('arrives as text and is converted', () => {
    expect(read({ limit: '7', listed: 'false', attribute: 'a:b' })).toEqual({
      limit: 7,
      listed: false,
      attribute: ['a:b'],
    });
  });

  it.each([
    [{ limit: '0' }, 'query/limit'],
    [{ limit: '' }, 'query/limit'],
    [{ limit: '0x5' }, 'query/limit'],
    [{ listed: 'maybe' }, 'query/listed'],
    [{ attribute: 'a' }, 'query/attribute'],
    [{ attribute: ['a:b', 'c:d', 'e:f'] }, 'query/attribute'],
  ])('%j is refused', (query, place) => {
    expect(read(query)).toEqual([place]);
  });
});
