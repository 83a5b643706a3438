// Goal: commands that refer to each other are decided in turn, and what goes to Postgres is what the caller meant. Method: small
// batches, and random ones against the rule itself.
import { newUuid } from '@gravity/kernel';
import fc from 'fast-check';
import {
  independentParts,
  LEDGER_BATCH_MAX,
  type LedgerCommand,
  lockArguments,
  originalOf,
  postArguments,
} from './commands';

const [A, B, C] = Array.from({ length: 3 }, () => newUuid()).sort() as [string, string, string];
const legs = [
  { accountId: B, amount: 5n },
  { accountId: A, amount: -5n },
];

const ids = Array.from({ length: 6 }, () => newUuid());
const anyId = fc.constantFrom(...ids);
const command: fc.Arbitrary<LedgerCommand> = fc.oneof(
  anyId.map((id): LedgerCommand => ({ kind: 'POST', id, legs })),
  fc.tuple(anyId, anyId).map(([id, reservationId]): LedgerCommand => ({ kind: 'VOID', id, reservationId })),
);

describe('parts', () => {
  it('keep the order, and no part has two commands of one id or one that refers to another', () => {
    fc.assert(
      fc.property(fc.array(command), (commands) => {
        const parts = independentParts(commands);
        expect(parts.flat()).toEqual(commands);
        for (const part of parts) {
          const names = part.flatMap((each) => [...new Set([each.id, originalOf(each) ?? each.id])]);
          expect(new Set(names).size).toBe(names.length);
        }
      }),
    );
  });

  it('are as large as one statement takes', () => {
    const commands = Array.from({ length: LEDGER_BATCH_MAX + 1 }, (): LedgerCommand => ({
      kind: 'POST',
      id: newUuid(),
      legs,
    }));
    expect(independentParts(commands).map((part) => part.length)).toEqual([LEDGER_BATCH_MAX, 1]);
  });
});

describe('arguments', () => {
  it('name accounts by place, in the order of their ids, and say what a leg does', () => {
    const [id, other, resolved] = [newUuid(), newUuid(), newUuid()];
    const commands: LedgerCommand[] = [
      { kind: 'POST', id, legs, reference: 'a "quoted", {text}' },
      {
        kind: 'RESERVE',
        id: other,
        legs: [
          { accountId: C, amount: 7n },
          { accountId: A, amount: -7n },
        ],
        ttlMs: 5,
      },
      { kind: 'VOID', id: resolved, reservationId: id, tombstone: true },
    ];
    expect(postArguments(commands)).toEqual([
      `{${id},${other},${resolved}}`,
      '{POST,RESERVE,TOMBSTONE}',
      `{NULL,NULL,${id}}`,
      '{NULL,5,NULL}',
      ['a "quoted", {text}', null, null],
      [null, null, null],
      '{2,4,4}',
      `{${A},${B},${C}}`,
      '{1,1,2,2}',
      '{1,2,1,3}',
      `{${A},${B},${A},${C}}`,
      '{-5,5,-7,7}',
      '{-5,5,0,0}',
      '{0,0,0,7}',
      '{0,0,7,0}',
    ]);
    expect(lockArguments(commands)).toEqual([[A, B, A, C], [id]]);
  });

  it('take no id that is no uuid in lower case', () => {
    for (const wrong of ['', 'x', `${A},${B}`, A.toUpperCase().replace(/[0-9]/g, 'A')]) {
      expect(() => postArguments([{ kind: 'POST', id: wrong, legs }])).toThrow('no uuid');
      expect(() => postArguments([{ kind: 'VOID', id: A, reservationId: wrong }])).toThrow('no uuid');
      const odd = [
        { accountId: wrong, amount: 1n },
        { accountId: A, amount: -1n },
      ];
      expect(() => postArguments([{ kind: 'POST', id: A, legs: odd }])).toThrow('no uuid');
    }
  });
});
