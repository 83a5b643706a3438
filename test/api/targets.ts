// Requests to every operation of the served document, with an allowed caller and existing objects.
import { newUuid } from '@gravity/kernel';
import type { Role } from '@gravity/http';
import { operationsOf } from '../../tools/contracts/lint-api';
import type { ApiOperation } from '../../tools/contracts/served-api';
import { type Answer, type ApiStack, type CallOptions, PROVIDER_KEY } from './api-stack';
import { bodySchema, type Schema } from './sample-bodies';
import type { Fixtures } from './fixtures';

export interface Target {
  readonly place: string;
  readonly method: string;
  readonly path: string;
  readonly operation: ApiOperation;
  readonly schema: Schema | undefined;
}

/** The operations, with the objects of the fixtures. */
export class Targets {
  constructor(
    private readonly stack: ApiStack,
    private readonly fixtures: Fixtures,
  ) {}

  all(): Target[] {
    return operationsOf(this.stack.api).map((one) => ({ ...one, schema: bodySchema(one.operation) }));
  }

  withBody(): (Target & { schema: Schema })[] {
    return this.all().filter((one): one is Target & { schema: Schema } => one.schema !== undefined);
  }

  /** A token of an allowed caller who owns the fixtures. */
  async tokenFor({ path, operation }: Target): Promise<string> {
    const callers = operation['x-callers'] ?? [];
    if (callers.includes('anybody')) return path.endsWith('/confirmation') ? this.fixtures.clientSecret : PROVIDER_KEY;
    const role = (['operator', 'buyer', 'merchant'] as Role[]).find((one) => callers.includes(one))!;
    return this.stack.token(role, role === 'buyer' ? this.fixtures.ownerBuyer : undefined);
  }

  /** The path with the ids of the fixtures. Claims go to the open round. */
  realPath(path: string): string {
    const { fixtures } = this;
    const ids: Record<string, string> = {
      merchantId: fixtures.ownerMerchant,
      productId: fixtures.productId,
      skuId: fixtures.skuId,
      seriesId: fixtures.seriesId,
      roundId: path.endsWith('/claims') ? fixtures.openRoundId : fixtures.roundId,
      orderId: fixtures.orderId,
      intentId: fixtures.intentId,
      provider: 'sandbox',
    };
    return path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => {
      if (ids[name] === undefined) throw new Error(`${path}: there is no fixture for {${name}}; add one to realPath`);
      return ids[name];
    });
  }

  /** Sends a request with the path, token and headers that the operation requires, unless the options override them. */
  async send(target: Target, options: CallOptions): Promise<Answer> {
    const headers = { ...validHeaders(target.operation), ...options.headers };
    const token = await this.tokenFor(target);
    return this.stack.call(target.method, this.realPath(target.path), { token, ...options, headers });
  }
}

/** The headers that an operation requires. */
export function validHeaders(operation: ApiOperation): Record<string, string> {
  const names = (operation.parameters ?? []).filter((one) => one.in === 'header').map((one) => one.name);
  return {
    ...(names.includes('Idempotency-Key') ? { 'idempotency-key': newUuid() } : {}),
    // No object has this version.
    ...(names.includes('If-Match') ? { 'if-match': '"999"' } : {}),
  };
}
