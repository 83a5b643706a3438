// Filters and cursors of the lists, the same for REST and gRPC.
import type { Problem } from '@gravity/contracts';
import { type CursorFilters, type CursorSigner, ListQuery } from '@gravity/http';
import { type IdKind, type Result, ok, uuidFromId } from '@gravity/kernel';
import { refuse } from '@gravity/contracts';
import { ApiProperty } from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsBoolean, IsOptional, IsString, MaxLength } from 'class-validator';
import { BooleanParameter, IsText, ListParameter, MAX_ATTRIBUTES, parseAttributeFilter } from './validation';

/** The filters that lists of products and SKUs share, as a request gives them. */
export interface ListFilter {
  readonly limit: number;
  readonly cursor?: string;
  readonly shopId?: string;
  readonly merchantId?: string;
  readonly productId?: string;
  readonly listed?: boolean;
  /** `name:value`, each of which must hold. */
  readonly attribute?: readonly string[];
}

/** The shared filters as query parameters. */
export class ListFilterQuery extends ListQuery implements ListFilter {
  @ApiProperty({ required: false, description: 'Only of this shop' })
  @IsOptional()
  @IsText({ max: 64 })
  shopId?: string;

  @ApiProperty({ required: false, description: 'Only of this merchant' })
  @IsOptional()
  @IsText({ max: 64 })
  merchantId?: string;

  @ApiProperty({ required: false, type: 'boolean', description: 'Only what is listed, or only what is not' })
  @IsOptional()
  @BooleanParameter()
  @IsBoolean()
  listed?: boolean;

  @ApiProperty({
    required: false,
    type: [String],
    example: ['volume:500ml'],
    description: '`name:value`; may be repeated, every one must hold',
  })
  @IsOptional()
  @ListParameter()
  @IsArray()
  @ArrayMaxSize(MAX_ATTRIBUTES)
  @IsString({ each: true })
  @MaxLength(256, { each: true })
  attribute?: string[];
}

/** The filters with ids as uuids; `bound` is what a cursor is tied to. */
export interface ParsedFilter {
  readonly shopId?: string;
  readonly merchantId?: string;
  readonly productId?: string;
  readonly listed?: boolean;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly bound: CursorFilters;
}

/** Reads the filters; refuses malformed ids and attributes. */
export function parseListFilter(filter: ListFilter): Result<ParsedFilter, Problem> {
  const shopId = parseFilterId('shop', 'shopId', filter.shopId);
  if (!shopId.ok) return shopId;
  const merchantId = parseFilterId('merchant', 'merchantId', filter.merchantId);
  if (!merchantId.ok) return merchantId;
  const productId = parseFilterId('product', 'productId', filter.productId);
  if (!productId.ok) return productId;
  const attributes = parseAttributeFilter(filter.attribute ?? []);
  if (attributes === undefined) return malformed('attribute', 'must be name:value');
  const parsed = {
    ...(shopId.value === undefined ? {} : { shopId: shopId.value }),
    ...(merchantId.value === undefined ? {} : { merchantId: merchantId.value }),
    ...(productId.value === undefined ? {} : { productId: productId.value }),
    ...(filter.listed === undefined ? {} : { listed: filter.listed }),
  };
  const names = Object.keys(attributes).sort();
  const bound = { ...parsed, attributes: JSON.stringify(names.map((name) => [name, attributes[name]])) };
  return ok({ ...parsed, attributes, bound });
}

/** An id in a filter as uuid; absent and empty do not filter. */
export function parseFilterId(kind: IdKind, name: string, id: string | undefined): Result<string | undefined, Problem> {
  if (id === undefined || id === '') return ok(undefined);
  const uuid = uuidFromId(kind, id);
  return uuid === undefined ? malformed(name, `must be the id of a ${kind}`) : ok(uuid);
}

/** Where the list goes on: the texts in the cursor, none at the start. */
export function positionOf(
  cursors: CursorSigner,
  list: string,
  filters: CursorFilters,
  cursor: string | undefined,
): Result<string[], Problem> {
  if (cursor === undefined || cursor === '') return ok([]);
  const position = cursors.decode(list, filters, cursor);
  return position.ok ? ok(position.value.map(String)) : position;
}

function malformed(name: string, message: string): { ok: false; error: Problem } {
  return refuse('invalid-request', `${name} ${message}.`, { errors: [{ pointer: `query/${name}`, message }] });
}
