// Creates a series. Its rounds follow from the generator, which is woken.
import { Injectable } from '@nestjs/common';
import { type FieldError, type Problem, refuse } from '@gravity/contracts';
import { type CallerIdentity, fingerprintOf, type IdempotentAnswer, runIdempotent } from '@gravity/http';
import { err, isTimeZone, newUuid, ok, type Result } from '@gravity/kernel';
import { Database } from '@gravity/persistence';
import { recurrenceFaults } from '../../domain/recurrence';
import { recurrenceFromJson } from '../../recurrence-json';
import { type SeriesView, seriesView } from '../../round-view';
import { findSeries, insertSeries } from '../../storage/series.repository';
import type { Queryable } from '../../storage/sku-snapshots.repository';
import { RoundGenerator } from '../../workers/round-generator';
import type { CreateSeriesBody, RecurrenceBody } from './create-series.dto';
import { readSaleItems } from './sale-items';

@Injectable()
export class CreateSeries {
  constructor(
    private readonly database: Database,
    private readonly generator: RoundGenerator,
  ) {}

  /** Refusals: `invalid-request`, `sku-unknown`, and those of a reused Idempotency-Key. */
  async execute(
    caller: CallerIdentity,
    key: string,
    body: CreateSeriesBody,
  ): Promise<Result<IdempotentAnswer<SeriesView>, Problem>> {
    const command = { caller: caller.sub, operation: 'createSeries', key, fingerprint: fingerprintOf(body) };
    const answer = await this.database.transaction((tx) =>
      runIdempotent(tx, command, async () => {
        const created = await this.create(tx, caller, body);
        return created.ok ? ok({ status: 201, body: created.value }) : created;
      }),
    );
    if (answer.ok) this.generator.wake();
    return answer;
  }

  private async create(
    tx: Queryable,
    caller: CallerIdentity,
    body: CreateSeriesBody,
  ): Promise<Result<SeriesView, Problem>> {
    const errors = faultsOf(body);
    if (errors.length > 0) return err({ code: 'invalid-request', detail: 'The recurrence is not possible.', errors });
    const sale = await readSaleItems(tx, body.items);
    if (!sale.ok) return sale;
    const seriesId = newUuid();
    await insertSeries(tx, {
      seriesId,
      title: body.title.trim(),
      timeZone: body.timeZone,
      recurrence: { ...body.recurrence },
      ...(body.winLimit === undefined ? {} : { winLimit: body.winLimit }),
      paymentWindowSeconds: body.paymentWindowSeconds ?? 300,
      leftover: body.leftover ?? 'END',
      admissionOrder: body.admissionOrder ?? 'FIRST_COME',
      autoApprove: body.autoApprove ?? false,
      warmAheadSeconds: body.warmAheadSeconds ?? 10,
      roundsAhead: body.roundsAhead ?? 6,
      items: sale.value.items,
      createdBy: caller.sub,
    });
    const series = await findSeries(tx, seriesId);
    return series === undefined ? refuse('internal', 'The series was not written.') : ok(seriesView(series));
  }
}

function faultsOf(body: CreateSeriesBody): FieldError[] {
  if (!isTimeZone(body.timeZone))
    return [{ pointer: '/timeZone', message: 'must be an IANA time zone such as Asia/Shanghai' }];
  const times = timeFaults(body.recurrence);
  if (times.length > 0) return times;
  return recurrenceFaults(recurrenceFromJson(body.recurrence)).map(({ field, message }) => ({
    pointer: `/recurrence/${field}`,
    message,
  }));
}

function timeFaults(recurrence: RecurrenceBody): FieldError[] {
  return (['startsAt', 'endsAt'] as const).flatMap((field) => {
    const text = recurrence[field];
    return text !== undefined && Number.isNaN(Date.parse(text))
      ? [{ pointer: `/recurrence/${field}`, message: 'is not a time that exists' }]
      : [];
  });
}
