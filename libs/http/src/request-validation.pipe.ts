// Input declared as class-validator DTOs. Unknown properties are refused, and every fault names its place.
import { type ArgumentMetadata, Injectable, type PipeTransform, type Type } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { type ValidationError, validateSync } from 'class-validator';
import type { FieldError } from '@gravity/contracts';
import { err, ok, type Result } from '@gravity/kernel';
import { invalidRequest } from './problem-reply';

/** @internal Faults named in one answer. */
export const FAULTS_MAX = 50;
// class-transformer skips members with names of the object prototype, so validation would not see them.
const INHERITED = new Set(Object.getOwnPropertyNames(Object.prototype));
const NOT_A_DTO = new Set<unknown>([String, Number, Boolean, Array, Object, undefined]);

/** The global pipe. Parameters whose type is no class pass unchanged. */
@Injectable()
export class RequestValidation implements PipeTransform {
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if (type === 'custom' || NOT_A_DTO.has(metatype)) return value;
    const prefix = type === 'query' ? 'query' : type === 'param' ? 'path' : '';
    const checked = validateDto(metatype as Type<object>, value, prefix);
    if (!checked.ok) throw invalidRequest(checked.error);
    return checked.value;
  }
}

/** Checks a value against a DTO class and converts it. Faults are placed under the prefix, or at JSON pointers. */
export function validateDto<T extends object>(type: Type<T>, value: unknown, prefix = ''): Result<T, FieldError[]> {
  // A missing query is an empty one; a missing body is a fault.
  const input = value ?? (prefix === '' ? undefined : {});
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return err([{ pointer: prefix, message: 'must be an object' }]);
  }
  const smuggled = inheritedNames(input, prefix);
  if (smuggled.length > 0) return err(smuggled.slice(0, FAULTS_MAX));
  const instance = plainToInstance(type, input);
  const faults = validateSync(instance, {
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    stopAtFirstError: true,
    validationError: { target: false, value: false },
  });
  return faults.length === 0 ? ok(instance) : err(flatten(faults, prefix).slice(0, FAULTS_MAX));
}

/**
 * Members with names of the object prototype (`__proto__`, `toString`), at any depth. The depth of bodies is bounded
 * before.
 */
function inheritedNames(value: unknown, pointer: string): FieldError[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const place = `${pointer}/${escapePointer(name)}`;
    if (!Array.isArray(value) && INHERITED.has(name))
      return [{ pointer: place, message: 'is not a name for a member' }];
    return inheritedNames(member, place);
  });
}

function flatten(faults: readonly ValidationError[], prefix: string): FieldError[] {
  return faults.flatMap((fault) => {
    const pointer = `${prefix}/${escapePointer(fault.property)}`;
    const own = Object.values(fault.constraints ?? {}).map((message) => ({ pointer, message }));
    return [...own, ...flatten(fault.children ?? [], pointer)];
  });
}

/** One segment of a JSON pointer (RFC 6901). */
export function escapePointer(segment: string): string {
  return segment.replaceAll('~', '~0').replaceAll('/', '~1');
}
