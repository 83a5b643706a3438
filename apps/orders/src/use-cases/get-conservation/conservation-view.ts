// The conservation of a round as operators see it.
import { ApiProperty } from '@nestjs/swagger';
import { idFromUuid, toRfc3339 } from '@gravity/kernel';
import { roundMachine, type RoundStatus } from '../../domain/round';
import type { ItemLook } from './conservation-check';

const UNITS = { type: 'integer' } as const;

export class LedgerSideView {
  @ApiProperty(UNITS) quota: number;
  @ApiProperty(UNITS) available: number;
  @ApiProperty(UNITS) held: number;
  @ApiProperty(UNITS) sold: number;
  @ApiProperty(UNITS) writtenOff: number;
  @ApiProperty({ ...UNITS, description: 'Units of the orders awaiting payment; must equal held' }) ordersHeld: number;
  @ApiProperty({ ...UNITS, description: 'Units of the paid orders; must equal sold' }) ordersSold: number;
}

export class GateSideView {
  @ApiProperty({ description: 'Which gate this is' }) epoch: string;
  @ApiProperty({ enum: ['loading', 'open', 'stopped'] }) state: string;
  @ApiProperty(UNITS) available: number;
  @ApiProperty({ ...UNITS, description: 'Units of all live claims, pending ones included' }) claimed: number;
  @ApiProperty({ ...UNITS, description: 'Units of claims whose decision the gate has not heard' }) pending: number;
  @ApiProperty({ ...UNITS, description: 'Units of pending claims that Postgres has not decided' }) undecided: number;
  @ApiProperty({ ...UNITS, description: 'Released units whose return is still noted' }) returning: number;
  @ApiProperty({ ...UNITS, description: 'Least units a correct gate may offer' }) expectedMin: number;
  @ApiProperty({ ...UNITS, description: 'Most units a correct gate may offer' }) expectedMax: number;
}

export class ItemConservationView {
  @ApiProperty() itemId: string;
  @ApiProperty() skuId: string;
  @ApiProperty({ type: LedgerSideView }) postgres: LedgerSideView;
  @ApiProperty({ type: GateSideView, nullable: true }) gate: GateSideView | null;
  @ApiProperty({ required: false, description: 'Why there is no gate side, for instance direct-admission' })
  gateAbsence?: string;
  @ApiProperty({ type: 'integer', nullable: true, description: 'Units the gate offers too many (positive) or too few' })
  drift: number | null;
  @ApiProperty({ type: 'integer' }) heldDrift: number;
  @ApiProperty({ type: 'integer' }) soldDrift: number;
  @ApiProperty({ description: 'False: the gate changed during the look, so its drift is an estimate' }) exact: boolean;
  @ApiProperty() ok: boolean;
}

export class ConservationView {
  @ApiProperty() roundId: string;
  @ApiProperty({ enum: roundMachine.states }) status: RoundStatus;
  @ApiProperty({ type: 'string', format: 'date-time' }) checkedAt: string;
  @ApiProperty() ok: boolean;
  @ApiProperty({ type: [ItemConservationView] }) items: ItemConservationView[];
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
