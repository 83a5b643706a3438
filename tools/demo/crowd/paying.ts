// How the different kinds of payers deal with an order that awaits payment.
import { sleep } from '@gravity/kernel';
import type { Person, Scene } from './person';
import type { PayKind, Win } from './protocol';

/** What the sandbox is told, for kinds that pay at once. */
const TOKENS: Partial<Record<PayKind, string>> = {
  'at-once': 'tok_approve',
  'after-a-while': 'tok_approve',
  'callback-twice': 'tok_callback_twice',
  'callbacks-out-of-order': 'tok_callbacks_out_of_order',
  'callback-lost': 'tok_callback_lost',
  'answer-lost': 'tok_unknown',
};
/** Between two tries of somebody who pays. */
const PAUSE_MS = 400;
/** The sandbox settles a charge within moments after it is due. */
const AFTER_LATE_CHARGE_MS = 1_000;

interface Intent {
  readonly intentId: string;
  readonly clientSecret: string;
}

/** Does with the order what this kind of payer does. Resolves when nothing more will come from the buyer. */
export async function pay(person: Person, scene: Scene, win: Win): Promise<void> {
  const { buyer } = person;
  if (buyer.pays === 'never') return;
  if (buyer.pays === 'cancels') {
    await sleep(buyer.thinksMs);
    await person.command(`/orders/v1/orders/${win.orderId}/cancellation`);
    return;
  }
  if (buyer.pays === 'after-a-while') await sleep(buyer.thinksMs);
  const intent = await openIntent(person, win);
  if (intent === undefined) return;
  if (buyer.pays === 'late') return payLate(person, scene, win, intent);
  if (buyer.pays === 'declined-first') {
    await person.confirm(intent.intentId, intent.clientSecret, 'tok_decline');
    await sleep(PAUSE_MS);
  }
  const token = TOKENS[buyer.pays] ?? 'tok_approve';
  const taken = await person.confirm(intent.intentId, intent.clientSecret, token);
  // With a lost answer the buyer does not know, and the money has moved all the same.
  if (taken || buyer.pays === 'answer-lost') scene.tally.paid += 1;
}

/** Money on its way that cannot be called back: it arrives when the order has expired. */
async function payLate(person: Person, scene: Scene, win: Win, intent: Intent): Promise<void> {
  const leftMs = Math.max(0, Date.parse(win.expiresAt) - Date.now());
  const delaySeconds = Math.ceil(leftMs / 1_000) + person.buyer.lateBySeconds;
  await person.confirm(intent.intentId, intent.clientSecret, `tok_approve_late_force:${delaySeconds}`);
  await sleep(delaySeconds * 1_000 + AFTER_LATE_CHARGE_MS);
  scene.tally.paid += 1;
}

/** Asks for the way to pay until there is one, or until it is too late. */
async function openIntent(person: Person, win: Win): Promise<Intent | undefined> {
  const lastTryMs = Date.parse(win.expiresAt) - PAUSE_MS;
  do {
    const answer = await person.command(`/orders/v1/orders/${win.orderId}/payment-intents`);
    const intentId = answer?.['intentId'];
    const clientSecret = answer?.['clientSecret'];
    if (typeof intentId === 'string' && typeof clientSecret === 'string') return { intentId, clientSecret };
    await sleep(PAUSE_MS);
  } while (Date.now() < lastTryMs);
  return undefined;
}
