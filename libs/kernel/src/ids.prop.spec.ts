// Goal: ids keep their value over the wire, sort by time, and other texts are refused.
import crypto, { createHash } from 'node:crypto';
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

it('refuses ids of another kind, and other texts', () => {
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

it('asks the system for randomness once for hundreds of ids', () => {
  const asked = jest.spyOn(crypto, 'randomBytes');
  try {
    for (let id = 0; id < 1_000; id += 1) newUuid();
    expect(asked.mock.calls.length).toBeGreaterThan(0);
    expect(asked.mock.calls.length).toBeLessThan(10);
  } finally {
    asked.mockRestore();
  }
});

it('makes one uuid from the same parts and another from others', () => {
  expect(uuidFromParts('claim', 'b_1', 'k')).toBe(uuidFromParts('claim', 'b_1', 'k'));
  fc.assert(
    fc.property(fc.array(fc.string()), fc.array(fc.string()), (a, b) => {
      if (JSON.stringify(a) !== JSON.stringify(b)) expect(uuidFromParts(...a)).not.toBe(uuidFromParts(...b));
    }),
  );
});

it('makes version 7 uuids that carry the milliseconds and nothing else that is predictable', () => {
  const clock = new ManualClock(0x01890a5dac96);
  const made = Array.from({ length: 2_000 }, () => newUuid(clock));
  for (const uuid of made) expect(uuid).toMatch(/^01890a5d-ac96-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  // Each of the other digits takes many values: none is a constant, and none repeats its neighbour.
  const free = [15, 16, 17, 20, 21, 22, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35];
  for (const at of free) expect(new Set(made.map((uuid) => uuid[at])).size).toBe(16);
  for (const at of free.slice(1)) expect(made.some((uuid) => uuid[at] !== uuid[at - 1])).toBe(true);
  expect(new Set(made.map((uuid) => uuid[19]))).toEqual(new Set(['8', '9', 'a', 'b']));
  // Nor does a byte follow from one of the id before.
  const bytes = made.map((uuid) => Buffer.from(uuid.replaceAll('-', ''), 'hex').subarray(6));
  const lowest = (id: number, at: number): number => bytes[id]![at]! & 0x0f;
  for (let pair = 0; pair < 100; pair += 1) {
    const [here, before] = [pair % 10, Math.floor(pair / 10)];
    expect(bytes.some((_, id) => id > 0 && lowest(id, here) !== lowest(id - 1, before))).toBe(true);
  }
  clock.advance(1);
  expect(newUuid(clock).slice(0, 13)).toBe('01890a5d-ac97');
  expect(newUuid(new ManualClock(5)).slice(0, 13)).toBe('00000000-0005');
});

it('makes version 8 uuids from the SHA-256 of the parts with their lengths', () => {
  // printf '5:claim;3:b_1;' | sha256sum, with the bits of version and variant set.
  const hex = createHash('sha256').update('5:claim;3:b_1;').digest('hex');
  const variant = ((Number.parseInt(hex[16]!, 16) & 3) | 8).toString(16);
  const expected = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, variant + hex.slice(17, 20)];
  expect(uuidFromParts('claim', 'b_1')).toBe(`${expected.join('-')}-${hex.slice(20, 32)}`);
  fc.assert(
    fc.property(fc.array(fc.string()), (parts) => {
      expect(uuidFromParts(...parts)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }),
  );
  expect(uuidFromParts('ab', 'c')).not.toBe(uuidFromParts('a', 'bc'));
});

it('reads a uuid in capitals as the same one, and refuses other letters', () => {
  const uuid = '01890a5d-ac96-774b-bcce-b302099a8057';
  expect(idFromUuid('order', uuid.toUpperCase())).toBe('ord_01h455vb4pex5vsknk084sn02q');
  for (const text of [
    'ord-01h455vb4pex5vsknk084sn02q',
    'orx_01h455vb4pex5vsknk084sn02q',
    'ord_01h455vb4pex5vsknk084sn02l',
    'ord_01H455VB4PEX5VSKNK084SN02Q',
    'ord_01h455vb4pex5vsknk084sn02',
    'ord_01h455vb4pex5vsknk084sn02q0',
  ]) {
    expect(uuidFromId('order', text)).toBeUndefined();
  }
  expect(uuidFromId('order', 'ord_01h455vb4pex5vsknk084sn02q')).toBe(uuid);
  expect(newId('claim')).toMatch(/^clm_[0-7][0-9a-hjkmnp-tv-z]{25}$/);
});
