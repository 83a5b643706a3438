// The conservation of a round as operators see it.
import { idFromUuid, toRfc3339 } from '@gravity/kernel';
import {
  CountField,
  EnumField,
  FlagField,
  IdField,
  IntegerField,
  ListField,
  ObjectField,
  TextViewField,
  TimeField,
} from '@gravity/service';
import { roundMachine, type RoundStatus } from '../../domain/round';
import { ITEMS_MAX } from '../../limits';
import type { ItemLook } from './conservation-check';

/** Units that a fault may make negative. */
const SIGNED = { min: -Number.MAX_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER } as const;

export class LedgerSideView {
  @CountField() quota: number;
  @IntegerField(SIGNED) available: number;
  @CountField() held: number;
  @CountField() sold: number;
  @CountField() writtenOff: number;
  @CountField({ description: 'Units of the orders awaiting payment; must equal held' }) ordersHeld: number;
  @CountField({ description: 'Units of the paid orders; must equal sold' }) ordersSold: number;
}

export class GateSideView {
  @TextViewField({ max: 20, description: 'Which gate this is' }) epoch: string;
  @EnumField(['loading', 'open', 'stopped']) state: string;
  @IntegerField(SIGNED) available: number;
  @IntegerField({ ...SIGNED, description: 'Units of all live claims, pending ones included' }) claimed: number;
  @CountField({ description: 'Units of claims whose decision the gate does not know' }) pending: number;
  @CountField({ description: 'Units of pending claims that Postgres has not decided' }) undecided: number;
  @CountField({ description: 'Released units whose return is still noted' }) returning: number;
  @IntegerField({ ...SIGNED, description: 'Least units a correct gate may offer' }) expectedMin: number;
  @IntegerField({ ...SIGNED, description: 'Most units a correct gate may offer' }) expectedMax: number;
}

export class ItemConservationView {
  @IdField('item') itemId: string;
  @IdField('sku') skuId: string;
  @ObjectField(LedgerSideView) postgres: LedgerSideView;
  @ObjectField(GateSideView, { nullable: true }) gate: GateSideView | null;
  @TextViewField({
    max: 200,
    optional: true,
    description: 'Why there is no gate side, for instance direct-admission',
  })
  gateAbsence?: string;
  @IntegerField({ ...SIGNED, nullable: true, description: 'Units the gate offers too many (positive) or too few' })
  drift: number | null;
  @IntegerField(SIGNED) heldDrift: number;
  @IntegerField(SIGNED) soldDrift: number;
  @FlagField({ description: 'False: the gate changed during the look, so its drift is an estimate' }) exact: boolean;
  @FlagField() ok: boolean;
}

export class ConservationView {
  @IdField('round') roundId: string;
  @EnumField(roundMachine.states) status: RoundStatus;
  @TimeField() checkedAt: string;
  @FlagField() ok: boolean;
  @ListField(ItemConservationView, { max: ITEMS_MAX }) items: readonly ItemConservationView[];
}

/** The wire form of a look at all items of a round. */
export function conservationView(
  roundId: string,
  status: RoundStatus,
  looks: readonly ItemLook[],
  nowMs: number,
): ConservationView {
  const items = looks.map(itemView);
  return {
    roundId: idFromUuid('round', roundId),
    status,
    checkedAt: toRfc3339(nowMs),
    ok: items.every((item) => item.ok),
    items,
  };
}

function itemView(look: ItemLook): ItemConservationView {
  const { ledger, verdict } = look;
  return {
    itemId: idFromUuid('item', look.item.itemId),
    skuId: idFromUuid('sku', look.item.skuId),
    postgres: {
      quota: ledger.quota,
      available: verdict.available,
      held: ledger.held,
      sold: ledger.sold,
      writtenOff: ledger.writtenOff,
      ordersHeld: ledger.ordersHeld ?? ledger.held,
      ordersSold: ledger.ordersSold ?? ledger.sold,
    },
    gate: gateView(look),
    ...(look.absence === undefined ? {} : { gateAbsence: look.absence }),
    drift: verdict.gateDrift,
    heldDrift: verdict.heldDrift,
    soldDrift: verdict.soldDrift,
    exact: look.still,
    ok: verdict.ok,
  };
}

function gateView({ gate, ledger, verdict }: ItemLook): GateSideView | null {
  if (gate === undefined || verdict.expectedAtGate === undefined) return null;
  return {
    epoch: String(gate.epoch),
    state: gate.state,
    available: gate.available,
    claimed: gate.claimed,
    pending: gate.pending.reduce((sum, claim) => sum + claim.quantity, 0),
    undecided: ledger.undecided,
    returning: ledger.returning,
    expectedMin: verdict.expectedAtGate.min,
    expectedMax: verdict.expectedAtGate.max,
  };
}
