// How each kind of buyer treats an order that awaits payment.
import { sleep } from '@gravity/kernel';
import type { BuyerClient, BuyersContext } from './buyer-client';
import type { PaymentKind, Win } from './protocol';

/** Tokens of the sandbox, for the kinds that pay with one request. */
const TOKENS: Partial<Record<PaymentKind, string>> = {
  'at-once': 'tok_approve',
  'after-a-while': 'tok_approve',
  'callback-twice': 'tok_callback_twice',
  'callbacks-out-of-order': 'tok_callbacks_out_of_order',
  'callback-lost': 'tok_callback_lost',
  'answer-lost': 'tok_unknown',
};
/** Between two tries. */
const PAUSE_MS = 400;
/** The sandbox settles a charge within this time after it is due. */
const AFTER_LATE_CHARGE_MS = 1_000;

interface Intent {
  readonly intentId: string;
  readonly clientSecret: string;
}

/** Pays or cancels the order as the profile says. Resolves after the last request of the buyer. */
export async function pay(client: BuyerClient, context: BuyersContext, win: Win): Promise<void> {
  const { profile } = client;
  if (profile.payment === 'never') return;
  if (profile.payment === 'cancels') {
    await sleep(profile.paysAfterMs);
    await client.command(`/orders/v1/orders/${win.orderId}/cancellation`);
    return;
  }
  if (profile.payment === 'after-a-while') await sleep(profile.paysAfterMs);
  const intent = await createIntent(client, win);
  if (intent === undefined) return;
  if (profile.payment === 'late') return payLate(client, context, win, intent);
  if (profile.payment === 'declined-first') {
    await client.confirm(intent.intentId, intent.clientSecret, 'tok_decline');
    await sleep(PAUSE_MS);
  }
  const token = TOKENS[profile.payment] ?? 'tok_approve';
  const accepted = await client.confirm(intent.intentId, intent.clientSecret, token);
  // The answer is lost, but the payment is made.
  if (accepted || profile.payment === 'answer-lost') context.statistics.paid += 1;
}

/** A charge that cannot be cancelled and settles after the order has expired. */
async function payLate(client: BuyerClient, context: BuyersContext, win: Win, intent: Intent): Promise<void> {
  const leftMs = Math.max(0, Date.parse(win.expiresAt) - Date.now());
  const delaySeconds = Math.ceil(leftMs / 1_000) + client.profile.lateBySeconds;
  await client.confirm(intent.intentId, intent.clientSecret, `tok_approve_late_force:${delaySeconds}`);
  await sleep(delaySeconds * 1_000 + AFTER_LATE_CHARGE_MS);
  context.statistics.paid += 1;
}

/** Creates the payment intent, with retries until the order expires. */
async function createIntent(client: BuyerClient, win: Win): Promise<Intent | undefined> {
  const lastTryMs = Date.parse(win.expiresAt) - PAUSE_MS;
  do {
    const answer = await client.command(`/orders/v1/orders/${win.orderId}/payment-intents`);
    const intentId = answer?.['intentId'];
    const clientSecret = answer?.['clientSecret'];
    if (typeof intentId === 'string' && typeof clientSecret === 'string') return { intentId, clientSecret };
    await sleep(PAUSE_MS);
  } while (Date.now() < lastTryMs);
  return undefined;
}
