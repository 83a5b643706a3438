import { BoundedQueue } from './bounded-queue';
import { ConfigurationError, EnvReader } from './env';
import { defineStateMachine } from './state-machine';

describe('state machine', () => {
  const light = defineStateMachine<'RED' | 'GREEN' | 'OFF'>('light', 'RED', {
    RED: ['GREEN', 'OFF'],
    GREEN: ['RED'],
    OFF: [],
  });

  it('answers from its table', () => {
    expect(light.allows('RED', 'GREEN')).toBe(true);
    expect(light.allows('GREEN', 'OFF')).toBe(false);
    expect(light.next('RED')).toEqual(['GREEN', 'OFF']);
    expect(light.sources('RED')).toEqual(['GREEN']);
    expect([...light.terminal]).toEqual(['OFF']);
    expect(light.toMermaid()).toContain('RED --> GREEN');
  });

  it('is drawn completely', () => {
    expect(light.toMermaid()).toBe('stateDiagram-v2\n  [*] --> RED\n  RED --> GREEN\n  RED --> OFF\n  GREEN --> RED');
  });

  it('refuses unknown states', () => {
    expect(light.allows('BLUE' as 'RED', 'GREEN')).toBe(false);
    expect(light.allows('RED', 'RED')).toBe(false);
    expect(light.sources('OFF')).toEqual(['RED']);
    expect([light.name, light.initial, light.states]).toEqual(['light', 'RED', ['RED', 'GREEN', 'OFF']]);
  });

  it('refuses a table with an unknown target or a state out of reach', () => {
    expect(() => defineStateMachine<string>('x', 'A', { A: ['B'] })).toThrow('leads to B');
    expect(() => defineStateMachine<string>('x', 'A', { A: [], B: [] })).toThrow('cannot be reached');
    expect(() => defineStateMachine<string>('x', 'C', { A: [] })).toThrow('initial');
  });
});

describe('bounded queue', () => {
  it('keeps order and refuses at its limit', () => {
    const queue = new BoundedQueue<number>(3);
    expect([1, 2, 3, 4].map((item) => queue.push(item))).toEqual([true, true, true, false]);
    expect(queue.take(2)).toEqual([1, 2]);
    expect(queue.push(5)).toBe(true);
    expect(queue.length).toBe(2);
    expect(queue.take(10)).toEqual([3, 5]);
    expect(queue.length).toBe(0);
  });

  it('returns nothing from an empty queue, and has room again after a take', () => {
    const queue = new BoundedQueue<string>(2);
    expect([queue.take(5), queue.length, queue.capacity]).toEqual([[], 0, 2]);
    queue.push('a');
    queue.push('b');
    expect([queue.take(1), queue.push('c'), queue.push('d'), queue.length]).toEqual([['a'], true, false, 2]);
    expect([queue.take(0), queue.take(2), queue.length]).toEqual([[], ['b', 'c'], 0]);
  });

  it('keeps order over many items', () => {
    const queue = new BoundedQueue<number>(10_000);
    for (let round = 0; round < 5; round += 1) {
      for (let item = 0; item < 9_000; item += 1) queue.push(item);
      for (let item = 0; item < 9_000; item += 500) {
        expect(queue.take(500)).toEqual(Array.from({ length: 500 }, (_, index) => item + index));
      }
    }
    expect(queue.length).toBe(0);
  });
});

describe('environment', () => {
  it('names every fault in one line', () => {
    const read = new EnvReader({ PORT: 'many', FLAG: 'yes' });
    read.text('MISSING');
    read.integer('PORT', 1, { min: 0, max: 10 });
    read.flag('FLAG', false);
    expect(() => read.done()).toThrow(ConfigurationError);
    expect(() => read.done()).toThrow(/MISSING is not set; PORT=many .*; FLAG=yes/);
  });

  it('reads values and defaults', () => {
    const read = new EnvReader({ A: 'x', N: '7', F: 'true', L: 'a, b,,c', EMPTY: '' });
    expect([read.text('A'), read.integer('N', 1, { min: 0, max: 9 }), read.flag('F', false), read.list('L')]).toEqual([
      'x',
      7,
      true,
      ['a', 'b', 'c'],
    ]);
    expect([
      read.text('EMPTY', 'd'),
      read.integer('X', 3, { min: 0, max: 9 }),
      read.flag('X', true),
      read.optional('EMPTY'),
      read.list('X'),
    ]).toEqual(['d', 3, true, undefined, []]);
    expect(() => read.done()).not.toThrow();
  });
});
