import { Injectable } from '@nestjs/common';
import type { Problem } from '@gravity/contracts';
import { type CallerIdentity, CursorSigner, type Page } from '@gravity/http';
import { ok, type Result } from '@gravity/kernel';
import { Database } from '@gravity/persistence';
import { instantOf, startOfPage, uuidOf, visibilityOf } from '@gravity/service';
import { type RoundView, roundView } from '../../round-view';
import { findRounds, type RoundFilter } from '../../storage/rounds.repository';
import type { ListRoundsQuery } from './list-rounds.dto';

@Injectable()
export class ListRounds {
  constructor(
    private readonly database: Database,
    private readonly cursors: CursorSigner,
  ) {}

  /** Rounds in the order of their opening, as far as the caller may see them. Refusal: `invalid-cursor`. */
  async execute(caller: CallerIdentity, query: ListRoundsQuery): Promise<Result<Page<RoundView>, Problem>> {
    const bound = { status: query.status?.join(), seriesId: query.seriesId, from: query.from, until: query.until };
    const start = startOfPage(this.cursors, 'rounds', bound, query.cursor);
    if (!start.ok) return start;
    const [opensAtMs, roundId] = start.value as readonly [number?, string?];
    const { rounds, nowMs } = await findRounds(this.database, {
      ...conditionsOf(query),
      visibleTo: visibilityOf(caller),
      limit: query.limit,
      ...(opensAtMs === undefined || roundId === undefined ? {} : { after: { opensAtMs, roundId } }),
    });
    const show = (round: (typeof rounds)[number]): RoundView => roundView(round, nowMs, caller);
    return ok(
      this.cursors.page('rounds', bound, query.limit, rounds, (round) => [round.opensAtMs, round.roundId], show),
    );
  }
}

type Conditions = Pick<RoundFilter, 'statuses' | 'seriesId' | 'opensFromMs' | 'opensBeforeMs'>;

function conditionsOf({ status, seriesId, from, until }: ListRoundsQuery): Conditions {
  return {
    ...(status === undefined ? {} : { statuses: status }),
    ...(seriesId === undefined ? {} : { seriesId: uuidOf('series', seriesId) }),
    ...(from === undefined ? {} : { opensFromMs: instantOf(from) }),
    ...(until === undefined ? {} : { opensBeforeMs: instantOf(until) }),
  };
}
