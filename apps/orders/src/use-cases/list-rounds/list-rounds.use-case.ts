import { Injectable } from '@nestjs/common';
import { type FieldError, type Problem, refuse } from '@gravity/contracts';
import { type CallerIdentity, CursorSigner, type Page } from '@gravity/http';
import { ok, type Result, uuidFromId } from '@gravity/kernel';
import { Database } from '@gravity/persistence';
import { visibilityOf } from '../../round-access';
import { type RoundView, roundView } from '../../round-view';
import { findRounds, type RoundFilter } from '../../storage/rounds.repository';
import type { ListRoundsQuery } from './list-rounds.dto';

@Injectable()
export class ListRounds {
  constructor(
    private readonly database: Database,
    private readonly cursors: CursorSigner,
  ) {}

  /** Rounds in the order of their opening, as far as the caller may see them. Refusals: `invalid-cursor`, `invalid-request`. */
  async execute(caller: CallerIdentity, query: ListRoundsQuery): Promise<Result<Page<RoundView>, Problem>> {
    const conditions = conditionsOf(query);
    if (!conditions.ok) return conditions;
    const bound = { status: query.status?.join(), seriesId: query.seriesId, from: query.from, until: query.until };
    const start = query.cursor === undefined ? ok([]) : this.cursors.decode('rounds', bound, query.cursor);
    if (!start.ok) return start;
    const [opensAtMs, roundId] = start.value as readonly [number?, string?];
    const { rounds, nowMs } = await findRounds(this.database, {
      ...conditions.value,
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

function conditionsOf(
  query: ListRoundsQuery,
): Result<Pick<RoundFilter, 'statuses' | 'seriesId' | 'opensFromMs' | 'opensBeforeMs'>, Problem> {
  const errors: FieldError[] = [];
  const seriesId = query.seriesId === undefined ? undefined : uuidFromId('series', query.seriesId);
  if (query.seriesId !== undefined && seriesId === undefined) {
    errors.push({ pointer: 'query/seriesId', message: 'must be the id of a series' });
  }
  const [opensFromMs, opensBeforeMs] = [query.from, query.until].map((text) =>
    text === undefined ? undefined : Date.parse(text),
  );
  if (Number.isNaN(opensFromMs)) errors.push({ pointer: 'query/from', message: 'is not a time that exists' });
  if (Number.isNaN(opensBeforeMs)) errors.push({ pointer: 'query/until', message: 'is not a time that exists' });
  if (errors.length > 0) return refuse('invalid-request', 'The filters do not fit.', { errors });
  return ok({
    ...(query.status === undefined ? {} : { statuses: query.status }),
    ...(seriesId === undefined ? {} : { seriesId }),
    ...(opensFromMs === undefined ? {} : { opensFromMs }),
    ...(opensBeforeMs === undefined ? {} : { opensBeforeMs }),
  });
}
