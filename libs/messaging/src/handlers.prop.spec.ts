// Goal: grouping by type never changes the order within a key and neither loses nor repeats a message.
import fc from 'fast-check';
import { HandlerRegistry } from './handlers';
import { readMessage } from './incoming';

const message = fc.record({
  type: fc.constantFrom('a.b.x.v1', 'a.b.y.v1', 'a.b.z.v1'),
  key: fc.constantFrom('k1', 'k2', 'k3', null),
});

describe('HandlerRegistry.plan', () => {
  it('keeps the order of every key', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 40 }), (list) => {
        const messages = list.map(({ type, key }, index) =>
          readMessage(
            { topic: 'a.b', partition: 0 },
            {
              key: key === null ? null : Buffer.from(key),
              value: Buffer.from('{}'),
              offset: String(index),
              headers: { ce_type: type, ce_id: `id ${index}` },
            },
          ),
        );
        const groups = new HandlerRegistry().plan(messages);
        const order = groups.flatMap((group) => group.messages);
        expect(new Set(order)).toEqual(new Set(messages));
        expect(order).toHaveLength(messages.length);
        for (const group of groups)
          expect(group.messages.every(({ envelope }) => envelope.type === group.type)).toBe(true);
        for (const key of ['k1', 'k2', 'k3']) {
          const ofKey = (all: typeof messages): string[] =>
            all.filter(({ envelope }) => envelope.key === key).map(({ envelope }) => envelope.offset);
          expect(ofKey(order)).toEqual(ofKey(messages));
        }
      }),
    );
  });

  it('makes as few groups as the order allows', () => {
    const at = { topic: 'a.b', partition: 0 };
    const messages = ['k1', 'k2', 'k3'].flatMap((key) =>
      ['a.b.x.v1', 'a.b.y.v1'].map((type, n) =>
        readMessage(at, {
          key: Buffer.from(key),
          value: Buffer.from('{}'),
          offset: '0',
          headers: { ce_type: type, ce_id: `${key}${n}` },
        }),
      ),
    );
    expect(new HandlerRegistry().plan(messages).map((group) => group.messages.length)).toEqual([3, 3]);
  });
});
