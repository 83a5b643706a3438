// Goal: ids survive the way to the wire and back, sort by time, and nothing else passes for one.
import fc from 'fast-check';
import { ManualClock } from './clock';
import { ID_PREFIXES, type IdKind, idFromUuid, newId, newUuid, uuidFromId, uuidFromParts } from './ids';

const kinds = Object.keys(ID_PREFIXES) as IdKind[];
const kind = fc.constantFrom(...kinds);

it('comes back from the wire as the same uuid', () => {
  fc.assert(fc.property(kind, fc.uuid(), (of, uuid) => uuidFromId(of, idFromUuid(of, uuid)) === uuid));
});

it('agrees with the examples of the TypeID specification', () => {
  expect(idFromUuid('order', '00000000-0000-0000-0000-000000000000')).toBe('ord_00000000000000000000000000');
  expect(idFromUuid('order', 'ffffffff-ffff-ffff-ffff-ffffffffffff')).toBe('ord_7zzzzzzzzzzzzzzzzzzzzzzzzz');
  expect(idFromUuid('order', '01890a5d-ac96-774b-bcce-b302099a8057')).toBe('ord_01h455vb4pex5vsknk084sn02q');
});

it('takes no id of another kind, and no other text', () => {
  fc.assert(
    fc.property(kind, kind, fc.uuid(), (a, b, uuid) => {
      if (a !== b) expect(uuidFromId(a, idFromUuid(b, uuid))).toBeUndefined();
    }),
  );
  fc.assert(fc.property(kind, fc.string(), (of, text) => uuidFromId(of, text) === undefined));
  expect(uuidFromId('order', 'ord_8zzzzzzzzzzzzzzzzzzzzzzzzz')).toBeUndefined();
});

it('sorts by the time of creation, on the wire too', () => {
  const clock = new ManualClock(1_700_000_000_000);
  const ids = Array.from({ length: 50 }, () => {
    clock.advance(1);
    return newId('order', clock);
  });
  expect([...ids].sort()).toEqual(ids);
});

it('never repeats, even when the clock stands still or jumps back', () => {
  const clock = new ManualClock(1_700_000_000_000);
  const ids = new Set(
    Array.from({ length: 20_000 }, (_, n) => (n === 10_000 && clock.advance(-300_000), newUuid(clock))),
  );
  expect(ids.size).toBe(20_000);
});

it('makes one uuid from the same parts and another from others', () => {
  expect(uuidFromParts('claim', 'b_1', 'k')).toBe(uuidFromParts('claim', 'b_1', 'k'));
  fc.assert(
    fc.property(fc.array(fc.string()), fc.array(fc.string()), (a, b) => {
      if (JSON.stringify(a) !== JSON.stringify(b)) expect(uuidFromParts(...a)).not.toBe(uuidFromParts(...b));
    }),
  );
});
