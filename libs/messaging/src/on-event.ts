// The decorator of event handlers, and their binding to a consumer.
import { applyDecorators, Catch, type RpcExceptionFilter, type Type, UseFilters } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import { TRANSPORT_METADATA } from '@nestjs/microservices/constants';
import { type Observable, throwError } from 'rxjs';
import type { HandlerExtras } from './handlers';

/**
 * Passes a handler's exception on unchanged. Nest's own filter replaces it by "Internal server error", and operators
 * need the reason of a dead letter.
 */
@Catch()
export class KeepErrorFilter implements RpcExceptionFilter {
  catch(exception: unknown): Observable<never> {
    return throwError(() => exception);
  }
}

/** The id of handlers that are not bound yet; no consumer has it. */
const UNBOUND = Symbol('gravity.events.unbound');

/**
 * Marks a method as the event handler of one type: an `@EventPattern` that keeps the exception. The method takes
 * `(@Payload() event, @Ctx() context: EventContext)`, with `batch` an array of events. {@link bindEventHandlers} binds
 * it to a consumer.
 */
export function OnEvent(type: string, extras: HandlerExtras = {}): MethodDecorator {
  return applyDecorators(
    EventPattern(type, UNBOUND, { ...extras }) as MethodDecorator,
    UseFilters(new KeepErrorFilter()),
  );
}

/**
 * Binds the `@OnEvent` methods of these classes to the consumer with this transport id. Throws when a class has no such
 * method, or when all are bound to another consumer: two services never share a class of handlers.
 */
export function bindEventHandlers(classes: readonly Type[], transportId: symbol): void {
  for (const handlers of classes) {
    const methods = methodsOf(handlers);
    for (const method of methods.filter((each) => transportOf(each) === UNBOUND))
      Reflect.defineMetadata(TRANSPORT_METADATA, transportId, method);
    if (!methods.some((each) => transportOf(each) === transportId))
      throw new Error(`${handlers.name} has no @OnEvent method for ${String(transportId.description)}`);
  }
}

/** True when the class has `@OnEvent` methods that no consumer serves: their events would never be handled. */
export function hasUnboundHandlers(handlers: Type): boolean {
  return methodsOf(handlers).some((method) => transportOf(method) === UNBOUND);
}

function transportOf(method: object): unknown {
  return Reflect.getMetadata(TRANSPORT_METADATA, method) as unknown;
}

function methodsOf(handlers: Type): object[] {
  const methods: object[] = [];
  for (let prototype = handlers.prototype as object; prototype !== Object.prototype;) {
    for (const descriptor of Object.values(Object.getOwnPropertyDescriptors(prototype)))
      if (typeof descriptor.value === 'function') methods.push(descriptor.value as object);
    prototype = Object.getPrototypeOf(prototype) as object;
  }
  return methods;
}
