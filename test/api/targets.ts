// Every operation of the served document as something to send requests to: who may call it, on which objects.
import { newUuid } from '@gravity/kernel';
import type { Role } from '@gravity/http';
import { operationsOf } from '../../tools/contracts/lint-api';
import type { ApiOperation } from '../../tools/contracts/served-api';
import { type Answer, type ApiStack, type CallOptions, PROVIDER_KEY } from './api-stack';
import { bodySchema, type Schema } from './sample-bodies';
import type { Scene } from './scene';

export interface Target {
  readonly place: string;
  readonly method: string;
  readonly path: string;
  readonly operation: ApiOperation;
  readonly schema: Schema | undefined;
}

/** The operations, aimed at the objects of a scene. */
export class Targets {
  constructor(
    private readonly stack: ApiStack,
    private readonly scene: Scene,
  ) {}

  all(): Target[] {
    return operationsOf(this.stack.api).map((one) => ({ ...one, schema: bodySchema(one.operation) }));
  }

  withBody(): (Target & { schema: Schema })[] {
    return this.all().filter((one): one is Target & { schema: Schema } => one.schema !== undefined);
  }

  /** A token of somebody who may call the operation and owns the objects of the scene. */
  async tokenFor({ path, operation }: Target): Promise<string> {
    const callers = operation['x-callers'] ?? [];
    if (callers.includes('anybody')) return path.endsWith('/confirmation') ? this.scene.clientSecret : PROVIDER_KEY;
    const role = (['operator', 'buyer', 'merchant'] as Role[]).find((one) => callers.includes(one))!;
    return this.stack.token(role, role === 'buyer' ? this.scene.ownerBuyer : undefined);
  }

  /** The path with objects of the scene in it; the round is on sale. */
  realPath(path: string): string {
    const { scene } = this;
    const ids: Record<string, string> = {
      merchantId: scene.ownerMerchant,
      productId: scene.productId,
      skuId: scene.skuId,
      seriesId: scene.seriesId,
      roundId: path.endsWith('/claims') ? scene.openRoundId : scene.roundId,
      orderId: scene.orderId,
      intentId: scene.intentId,
      provider: 'sandbox',
    };
    return path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => {
      if (ids[name] === undefined) throw new Error(`${path}: there is no object for {${name}}; add one to realPath`);
      return ids[name];
    });
  }

  /** Sends a request with the path, the token and the headers that the operation wants, where the options say nothing else. */
  async send(target: Target, options: CallOptions): Promise<Answer> {
    const headers = { ...goodHeaders(target.operation), ...options.headers };
    const token = await this.tokenFor(target);
    return this.stack.call(target.method, this.realPath(target.path), { token, ...options, headers });
  }
}

/** The headers that an operation requires. */
export function goodHeaders(operation: ApiOperation): Record<string, string> {
  const names = (operation.parameters ?? []).filter((one) => one.in === 'header').map((one) => one.name);
  return {
    ...(names.includes('Idempotency-Key') ? { 'idempotency-key': newUuid() } : {}),
    // A version that none of the objects has reached.
    ...(names.includes('If-Match') ? { 'if-match': '"999"' } : {}),
  };
}
