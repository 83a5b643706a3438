// The process of the crowd: gets its brief from the demo, plays it, reports what it saw.
import { tokenSigner } from '../../lib/token-signer';
import { type Buyer, castCrowd } from './casting';
import { ClosingTime } from './closing-time';
import { Lanes } from './lanes';
import { pay } from './paying';
import { Person, type Scene } from './person';
import type { CrowdBrief, FromCrowd, GoHome } from './protocol';
import { shop } from './shopping';
import { Tally } from './tally';

/**
 * A server that is never idle answers each connection in turn, so a step of a payment takes as long as all of them
 * together. This many keep two cores busy and still let winners pay in time.
 */
const CONNECTIONS = 96;
const PAYING_CONNECTIONS = 32;
const TOKEN_LIFE_SECONDS = 3_600;
const PROGRESS_EVERY_MS = 200;
/** The first ones come in this long before the opening at the earliest. */
const LOBBY_MARGIN_MS = 500;

async function play(brief: CrowdBrief, closing: ClosingTime): Promise<void> {
  const lanes = new Lanes(brief.baseUrl, CONNECTIONS);
  const payLanes = new Lanes(brief.baseUrl, PAYING_CONNECTIONS);
  const tally = new Tally();
  const sign = tokenSigner(brief.signingKey, TOKEN_LIFE_SECONDS);
  const { seed, buyers, items, paymentWindowMs } = brief;
  // Tokens first: nobody stands in line for one when the doors open.
  const lobbyMs = Math.max(1_000, brief.opensAtMs - Date.now() - LOBBY_MARGIN_MS - buyers / 20);
  const cast = castCrowd({ seed, buyers, items: items.length, lobbyMs, paymentWindowMs });
  const tokens = new Map(cast.map(({ id }) => [id, sign(id, ['buyer'])]));
  const scene: Scene = { brief, lanes, payLanes, tally, tokenOf: (id) => tokens.get(id) ?? '', closing };
  await tell({ type: 'ready' });
  let active = cast.length;
  const report = setInterval(() => void tell(tally.progress(lanes.sent + payLanes.sent, active)), PROGRESS_EVERY_MS);
  await Promise.all(cast.map((buyer) => live(buyer, scene).finally(() => (active -= 1))));
  clearInterval(report);
  lanes.close();
  payLanes.close();
  await tell(tally.result(lanes.sent + payLanes.sent, cast.filter((buyer) => buyer.kind === 'bot').length));
}

async function live(buyer: Buyer, scene: Scene): Promise<void> {
  const person = new Person(buyer, scene);
  const win = await shop(person, scene);
  if (win !== undefined) await pay(person, scene, win);
}

function tell(message: FromCrowd): Promise<void> {
  return new Promise((resolve, reject) => {
    if (process.send === undefined) return reject(new Error('The crowd is started by the demo, not by hand.'));
    process.send(message, undefined, undefined, (error) => (error === null ? resolve() : reject(error)));
  });
}

process.once('message', (brief: CrowdBrief) => {
  const closing = new ClosingTime();
  process.once('message', (_goHome: GoHome) => closing.call());
  play(brief, closing).then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(
        `The crowd failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
      );
      process.exit(1);
    },
  );
});
// Without a demo there is no show.
process.once('disconnect', () => process.exit(1));
