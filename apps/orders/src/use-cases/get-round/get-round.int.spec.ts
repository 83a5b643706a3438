// Goal: many readers of a round cost Postgres next to nothing, see no outdated round for long, and nothing that is not
// public. Method: the use case on a real Postgres; statements are counted.
import type { CallerIdentity } from '@gravity/http';
import { idFromUuid, newId, sleep, uuidFromId } from '@gravity/kernel';
import { openDatabase } from '@gravity/persistence';
import { TcpProxy } from '@gravity/testing';
import {
  knownSku,
  OPERATOR,
  roundsFixture,
  type RoundsFixture,
  seriesBody,
} from '../../../test/support/rounds-fixture';
import { findRounds } from '../../storage/rounds.repository';
import { GetRound } from './get-round.use-case';
import { PUBLIC_ROUND_AGE_MS } from './public-rounds';

const CROWD = 500;
const BUYER: CallerIdentity = { sub: 'b_1', roles: new Set(['buyer'] as const), roleMask: 1 };

let fix: RoundsFixture;
let useCase: GetRound;

beforeAll(async () => {
  fix = await roundsFixture('get_round');
  useCase = new GetRound(fix.database);
});

afterAll(() => fix.close());

/** A round that the public may see. */
async function approvedRound(): Promise<{ roundId: string; wireId: string }> {
  const sku = await knownSku(fix.database, newId('sku'));
  const made = await fix.perform(fix.createSeries.execute(OPERATOR, seriesBody([sku.wireId], { roundsAhead: 1 })));
  if (!made.ok) throw new Error(made.error.detail);
  const seriesId = uuidFromId('series', made.value.id)!;
  await fix.generator.generate(seriesId);
  const { rounds } = await findRounds(fix.database, { seriesId, visibleTo: { everything: true }, limit: 1 });
  await fix.database.query(`update rounds set status = 'APPROVED' where round_id = $1`, [rounds[0]!.roundId]);
  return { roundId: rounds[0]!.roundId, wireId: idFromUuid('round', rounds[0]!.roundId) };
}

it('asks Postgres once for many readers, and tells each of them the time', async () => {
  const { roundId, wireId } = await approvedRound();
  const before = fix.database.statements.count;
  const answers = await Promise.all(Array.from({ length: CROWD }, () => useCase.execute(BUYER, roundId)));
  expect(fix.database.statements.count - before).toBe(1);
  for (const answer of answers) expect(answer).toMatchObject({ ok: true, value: { id: wireId, status: 'APPROVED' } });
  await sleep(PUBLIC_ROUND_AGE_MS / 4);
  const later = await useCase.execute(BUYER, roundId);
  const timeOf = (answer: typeof later): number => (answer.ok ? Date.parse(answer.value.serverTime) : Number.NaN);
  expect(timeOf(later)).toBeGreaterThan(timeOf(answers[0]!));
});

it('shows the public a change once the reading has aged, and an operator at once', async () => {
  const { roundId } = await approvedRound();
  await useCase.execute(BUYER, roundId);
  await fix.database.query(`update rounds set status = 'CANCELLED', sequence = 2 where round_id = $1`, [roundId]);
  expect(await useCase.execute(OPERATOR, roundId)).toMatchObject({ ok: true, value: { status: 'CANCELLED' } });
  await sleep(PUBLIC_ROUND_AGE_MS + 10);
  expect(await useCase.execute(BUYER, roundId)).toMatchObject({ ok: true, value: { status: 'CANCELLED' } });
});

it('shows a draft to operators alone, also after a reader saw the round', async () => {
  const { roundId } = await approvedRound();
  await fix.database.query(`update rounds set status = 'DRAFT' where round_id = $1`, [roundId]);
  expect((await useCase.execute(OPERATOR, roundId)).ok).toBe(true);
  expect(await useCase.execute(BUYER, roundId)).toMatchObject({ ok: false, error: { code: 'not-found' } });
});

it('shows the public a round as soon as it is approved', async () => {
  const { roundId } = await approvedRound();
  await fix.database.query(`update rounds set status = 'DRAFT' where round_id = $1`, [roundId]);
  expect((await useCase.execute(BUYER, roundId)).ok).toBe(false);
  await fix.database.query(`update rounds set status = 'APPROVED' where round_id = $1`, [roundId]);
  expect((await useCase.execute(BUYER, roundId)).ok).toBe(true);
});

it('reads again after a reading that failed', async () => {
  const { roundId } = await approvedRound();
  const proxy = await TcpProxy.start({ targetPort: Number(new URL(fix.url).port) });
  const database = openDatabase({ url: proxy.through(fix.url), applicationName: 'spec', connectionTimeoutMs: 1_000 });
  try {
    const behindProxy = new GetRound(database);
    await proxy.refuse();
    await expect(behindProxy.execute(BUYER, roundId)).rejects.toThrow();
    await proxy.accept();
    expect((await behindProxy.execute(BUYER, roundId)).ok).toBe(true);
  } finally {
    await database.close();
    await proxy.close();
  }
});
