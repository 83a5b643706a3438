// The effects of the buyer's payment token. The plan is data, so a confirmation is decided by pure functions and the
// README's table is the same list as this file.

/** The course of one payment, from the confirmation to the last callback. Durations are milliseconds. */
export interface PaymentPlan {
  readonly outcome: 'approve' | 'decline';
  /** Delay of the money after the confirmation. */
  readonly chargeDelayMs: number;
  /** True for money that cannot be recalled once sent, like a bank transfer in flight. */
  readonly survivesCancellation: boolean;
  readonly callbacks: 'once' | 'twice' | 'stale-failure-after' | 'none';
  readonly callbackDelayMs: number;
  /** True when another amount than the intent's is charged. */
  readonly wrongAmount: boolean;
  /** The answer to the buyer's app: the result, or `outcome-unknown` although the payment is made. */
  readonly answer: 'result' | 'unknown';
}

/** Longest delay a token may ask for. */
export const DELAY_SECONDS_MAX = 86_400;

const APPROVE: PaymentPlan = {
  outcome: 'approve',
  chargeDelayMs: 0,
  survivesCancellation: false,
  callbacks: 'once',
  callbackDelayMs: 0,
  wrongAmount: false,
  answer: 'result',
};

const FIXED: Readonly<Record<string, PaymentPlan>> = {
  tok_approve: APPROVE,
  tok_decline: { ...APPROVE, outcome: 'decline' },
  tok_callback_twice: { ...APPROVE, callbacks: 'twice' },
  tok_callbacks_out_of_order: { ...APPROVE, callbacks: 'stale-failure-after' },
  tok_callback_lost: { ...APPROVE, callbacks: 'none' },
  tok_unknown: { ...APPROVE, answer: 'unknown' },
  tok_wrong_amount: { ...APPROVE, wrongAmount: true },
};

const DELAYED: Readonly<Record<string, (delayMs: number) => PaymentPlan>> = {
  tok_approve_late: (chargeDelayMs) => ({ ...APPROVE, chargeDelayMs }),
  tok_approve_late_force: (chargeDelayMs) => ({ ...APPROVE, chargeDelayMs, survivesCancellation: true }),
  tok_callback_late: (callbackDelayMs) => ({ ...APPROVE, callbackDelayMs }),
};

/** The token that leaves the choice to the last two digits of the amount. */
export const TOKEN_BY_AMOUNT = 'tok_by_amount';

/** Last two digits of the amount in minor units → token. Every other amount is approved. */
export const MAGIC_AMOUNTS: Readonly<Record<string, string>> = {
  '81': 'tok_decline',
  '82': 'tok_approve_late:5',
  '83': 'tok_approve_late_force:5',
  '84': 'tok_callback_twice',
  '85': 'tok_callbacks_out_of_order',
  '86': 'tok_callback_lost',
  '87': 'tok_callback_late:5',
  '88': 'tok_unknown',
  '89': 'tok_wrong_amount',
};

/** The form of the tokens. A delay may still be longer than {@link DELAY_SECONDS_MAX}. */
export const TOKEN_PATTERN = `^(${[TOKEN_BY_AMOUNT, ...Object.keys(FIXED)].join('|')}|(${Object.keys(DELAYED).join('|')}):\\d{1,5})$`;

/** The plan a token stands for, or undefined when the sandbox does not know the token. Amount in minor units. */
export function planFor(token: string, amountMinor: bigint): PaymentPlan | undefined {
  if (token === TOKEN_BY_AMOUNT) {
    return planFor(MAGIC_AMOUNTS[String(amountMinor % 100n)] ?? 'tok_approve', amountMinor);
  }
  if (Object.hasOwn(FIXED, token)) return FIXED[token];
  const delayed = /^(\w+):(\d{1,5})$/.exec(token);
  if (delayed === null) return undefined;
  const [name, delaySeconds] = [delayed[1]!, Number(delayed[2])];
  if (!Object.hasOwn(DELAYED, name) || delaySeconds > DELAY_SECONDS_MAX) return undefined;
  return DELAYED[name]!(delaySeconds * 1_000);
}
