// Moves rounds through their states when their time has come or their counters say so. Runs in every process.
import { Injectable, Logger } from '@nestjs/common';
import { Database } from '@gravity/persistence';
import { Loop } from '@gravity/service';
import { GateControl } from '../gate/gate-control';
import { AdvanceRound } from '../use-cases/advance-round/advance-round.use-case';

/** Between turns while no round is near. */
const PAUSE_FAR_MS = 1_000;
/** Between turns while a round is on sale, about to be, or waits for its last payments. */
const PAUSE_NEAR_MS = 250;
const PAUSE_MIN_MS = 5;
const ROUNDS_PER_TURN = 200;
/** A round that is far behind passes through several states in one turn. */
const STEPS_PER_ROUND_MAX = 6;

interface DueRow {
  readonly round_id: string;
}

interface HorizonRow {
  readonly live: boolean | null;
  readonly wait_ms: number | null;
}

@Injectable()
export class RoundLifecycle extends Loop {
  private readonly log = new Logger('round-lifecycle');

  constructor(
    private readonly database: Database,
    private readonly gate: GateControl,
    private readonly advance: AdvanceRound,
  ) {
    super({ name: 'round-lifecycle', pauseMs: PAUSE_FAR_MS });
  }

  protected override async turn(stop: AbortSignal): Promise<number> {
    const due = await this.database.query<DueRow>(DUE_ROUNDS, [ROUNDS_PER_TURN], 'rounds-due');
    const failures: unknown[] = [];
    for (const { round_id: roundId } of due) {
      if (stop.aborted) return 0;
      // A round that cannot move must not keep the others from opening.
      await this.advanceFully(roundId).catch((error: unknown) => failures.push(error));
    }
    await this.finishLoads();
    if (failures.length > 0) {
      this.log.warn(`${failures.length} of ${due.length} rounds could not be moved`);
      throw failures[0];
    }
    return due.length === ROUNDS_PER_TURN ? 0 : this.untilNext();
  }

  private async advanceFully(roundId: string): Promise<void> {
    for (let step = 0; step < STEPS_PER_ROUND_MAX; step += 1) {
      const status = await this.advance.execute(roundId);
      if (status === undefined) return;
      this.log.log(`round ${roundId} is ${status}`);
    }
  }

  /** Loads gates of rounds that were warmed by a process that died before it had loaded them. */
  private async finishLoads(): Promise<void> {
    const series = await this.database.query<{ series_id: string; epoch: number | bigint }>(
      UNLOADED_SERIES,
      [],
      'rounds-unloaded',
    );
    for (const row of series) await this.gate.load(row.series_id, BigInt(row.epoch));
  }

  private async untilNext(): Promise<number> {
    const [horizon] = await this.database.query<HorizonRow>(HORIZON, [], 'rounds-horizon');
    const longest = horizon?.live === true ? PAUSE_NEAR_MS : PAUSE_FAR_MS;
    // Due steps are being taken by another process.
    return Math.min(longest, Math.max(PAUSE_MIN_MS, Math.ceil(horizon?.wait_ms ?? longest)));
  }
}

// Only rounds that `nextRoundStep` would move, so that thousands which wait for payments do not fill the page.
const DUE_ROUNDS = `
  select r.round_id from rounds r
  join series s using (series_id)
  join lateral (
    select sum(i.quota - i.held - i.sold - i.written_off) as available, sum(i.held) as held
    from round_items i where i.round_id = r.round_id
  ) units on true
  where (r.status in ('DRAFT', 'APPROVED', 'OPEN', 'SOLD_OUT') and r.closes_at <= clock_timestamp())
     or (r.status = 'APPROVED' and r.opens_at - make_interval(secs => s.warm_ahead_seconds) <= clock_timestamp())
     or (r.status = 'WARMED' and r.opens_at <= clock_timestamp())
     or (r.status = 'OPEN' and units.available = 0)
     or (r.status = 'SOLD_OUT' and units.available > 0)
     or (r.status = 'CLOSED' and units.held = 0)
  order by r.opens_at, r.round_id limit $1`;

// Warming sets the epoch of the items to 0; a load, or the change to DIRECT admission, sets a real one.
const UNLOADED_SERIES = `
  select distinct s.series_id, s.epoch from rounds r
  join round_items i using (round_id) join series s on s.series_id = r.series_id
  where r.status in ('WARMED', 'OPEN', 'SOLD_OUT') and i.epoch = 0
  order by s.series_id limit 100`;

const HORIZON = `
  select bool_or(r.status in ('WARMED', 'OPEN', 'SOLD_OUT', 'CLOSED')) as live,
    (extract(epoch from min(case
      when r.status = 'APPROVED' then r.opens_at - make_interval(secs => s.warm_ahead_seconds)
      when r.status = 'WARMED' then r.opens_at
      when r.status in ('OPEN', 'SOLD_OUT') then r.closes_at end) - clock_timestamp()) * 1000)::float8 as wait_ms
  from rounds r join series s using (series_id)
  where r.status in ('APPROVED', 'WARMED', 'OPEN', 'SOLD_OUT', 'CLOSED')
    and r.opens_at < clock_timestamp() + interval '2 hours'`;
