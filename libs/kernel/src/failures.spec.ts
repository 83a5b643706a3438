// Goal: the kernel's refusals are errors with the facts in their messages.
import { assert, AssertionFailure, unreachable } from './assert';
import { EnvReader } from './env';
import { idFromUuid } from './ids';
import { money, moneyToJson, multiplyMoney } from './money';
import { err, ok } from './result';
import { defineStateMachine } from './state-machine';
import { localDayOf } from './zoned-time';

describe('a broken assumption', () => {
  it('is an AssertionFailure with its message', () => {
    expect(() => assert(1 > 2, 'one is less')).toThrow(new AssertionFailure('one is less'));
    expect(() => assert(2 > 1, 'never seen')).not.toThrow();
    expect(new AssertionFailure('x').name).toBe('AssertionFailure');
  });

  it('names the value of a missing case', () => {
    expect(() => unreachable({ kind: 'new' } as never)).toThrow('unreachable: {"kind":"new"}');
  });

  it.each<[string, () => unknown]>([
    ['amount 0.5 is not a safe integer', () => money(0.5, 'CNY')],
    ['multiplier 0.5 is not a safe integer', () => multiplyMoney(money(1, 'CNY'), 0.5)],
    ['amount 9007199254740992 does not fit the wire format', () => moneyToJson(money(2n ** 53n, 'CNY'))],
    ['Mars/Olympus is not a time zone', () => localDayOf('Mars/Olympus', 0)],
    ['light: the initial state B is not in the table', () => defineStateMachine<string>('light', 'B', { A: [] })],
    ['light: A leads to B, which has no row', () => defineStateMachine<string>('light', 'A', { A: ['B'] })],
    ['light: B cannot be reached from A', () => defineStateMachine<string>('light', 'A', { A: [], B: ['A'] })],
  ])('says: %s', (message, broken) => {
    expect(broken).toThrow(message);
  });

  it.each([
    '',
    'x',
    '01890a5d-ac96-774b-bcce-b302099a805',
    '01890a5d-ac96-774b-bcce-b302099a80570',
    '01890a5d-ac96-774b-bcce-b302099a805g',
    '01890a5d-ac96-774b-bcce-b302099a805é',
  ])('makes no id of %j', (text) => {
    expect(() => idFromUuid('order', text)).toThrow(`not a uuid: ${text}`);
  });
});

it('a result is a value or an error', () => {
  expect(ok(7)).toEqual({ ok: true, value: 7 });
  expect(err('sold-out')).toEqual({ ok: false, error: 'sold-out' });
});

describe('configuration', () => {
  const fault = (read: (env: EnvReader) => unknown, env: Record<string, string>): string | undefined => {
    const reader = new EnvReader(env);
    read(reader);
    try {
      return void reader.done();
    } catch (error) {
      return `${(error as Error).name}: ${(error as Error).message}`;
    }
  };
  const port = (env: EnvReader): number => env.integer('PORT', 5, { min: 1, max: 10 });

  it('is refused with every key, its value and the expected form', () => {
    expect(fault((env) => env.text('URL'), {})).toBe('ConfigurationError: Configuration: URL is not set.');
    expect(fault((env) => env.text('URL'), { URL: '' })).toContain('URL is not set');
    expect(new EnvReader({}).text('URL')).toBe('');
    expect(fault(port, { PORT: '11' })).toBe(
      'ConfigurationError: Configuration: PORT=11 is not a whole number from 1 to 10.',
    );
    expect(fault((env) => [port(env), env.flag('ON', true)], { PORT: '0', ON: '1' })).toBe(
      'ConfigurationError: Configuration: PORT=0 is not a whole number from 1 to 10; ON=1 is neither true nor false.',
    );
  });

  it('takes bounds as inclusive and whole numbers alone', () => {
    expect([fault(port, { PORT: '1' }), fault(port, { PORT: '10' }), fault(port, { PORT: '' })]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(fault(port, { PORT: '1.5' })).toContain('PORT=1.5');
    expect(port(new EnvReader({ PORT: '' }))).toBe(5);
  });

  it('reads flags and optional values', () => {
    const env = new EnvReader({ ON: 'true', OFF: 'false', NAME: 'x', EMPTY: '', LIST: ' a ,b' });
    expect([env.flag('ON', false), env.flag('OFF', true), env.flag('NONE', false), env.flag('EMPTY', true)]).toEqual([
      true,
      false,
      false,
      true,
    ]);
    expect([env.optional('NAME'), env.optional('NONE'), env.list('LIST')]).toEqual(['x', undefined, ['a', 'b']]);
    expect(() => env.done()).not.toThrow();
  });
});
