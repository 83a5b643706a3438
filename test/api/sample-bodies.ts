// Valid request bodies, made from the examples, bounds and first choices of the API document.
import type { ApiDescription, ApiOperation } from '../../tools/contracts/served-api';

export interface Schema {
  readonly $ref?: string;
  readonly allOf?: readonly Schema[];
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly example?: unknown;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
}

/** The schema with resolved references and single-part `allOf`. */
export function resolved(api: ApiDescription, schema: Schema): Schema {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split('/').at(-1)!;
    return resolved(api, api.components.schemas[name] as Schema);
  }
  return schema.allOf?.length === 1 ? { ...schema, ...resolved(api, schema.allOf[0]!), allOf: undefined } : schema;
}

/** The schema of the JSON body, if the operation has one. */
export function bodySchema(operation: ApiOperation): Schema | undefined {
  return operation.requestBody?.content['application/json']?.schema;
}

/** A valid value with the required members only. */
export function sampleOf(api: ApiDescription, given: Schema): unknown {
  const schema = resolved(api, given);
  if (schema.example !== undefined) return schema.example;
  if (schema.enum !== undefined) return schema.enum[0];
  switch (schema.type) {
    case 'object':
      return Object.fromEntries(
        (schema.required ?? []).map((name) => [name, sampleOf(api, schema.properties?.[name] ?? {})]),
      );
    case 'array':
      return [sampleOf(api, schema.items ?? {})];
    case 'integer':
    case 'number':
      return schema.minimum ?? 1;
    case 'boolean':
      return true;
    default:
      return schema.format === 'date-time' ? '2027-01-01T00:00:00.000Z' : 'text';
  }
}
