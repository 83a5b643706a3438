// Creates a series and wakes the generator of its rounds.
import { Injectable } from '@nestjs/common';
import { type FieldError, type Problem, refuse } from '@gravity/contracts';
import type { CallerIdentity } from '@gravity/http';
import { err, newUuid, ok, type Result } from '@gravity/kernel';
import { transactional, type Write } from '@gravity/service';
import { recurrenceFaults } from '../../domain/recurrence';
import { recurrenceFromJson } from '../../recurrence-json';
import { type SeriesView, seriesView } from '../../round-view';
import { findSeries, insertSeries } from '../../storage/series.repository';
import type { Queryable } from '../../storage/sku-snapshots.repository';
import { RoundGenerator } from '../../workers/round-generator';
import type { CreateSeriesBody } from './create-series.dto';
import { readSaleItems } from './sale-items';

@Injectable()
export class CreateSeries {
  constructor(private readonly generator: RoundGenerator) {}

  /** Refusals: `invalid-request`, `sku-unknown`. */
  execute(caller: CallerIdentity, body: CreateSeriesBody): Write<SeriesView> {
    return transactional(body, (tx) => this.create(tx, caller, body), { committed: () => this.generator.wake() });
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
  return recurrenceFaults(recurrenceFromJson(body.recurrence)).map(({ field, message }) => ({
    pointer: `/recurrence/${field}`,
    message,
  }));
}
