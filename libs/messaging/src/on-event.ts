// The decorator for methods that handle events.
import { applyDecorators, Catch, type RpcExceptionFilter, type Type, UseFilters } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import { TRANSPORT_METADATA } from '@nestjs/microservices/constants';
import { type Observable, throwError } from 'rxjs';
import type { HandlerExtras } from './handlers';

/**
 * Passes a handler's exception on as it is. Nest's own filter replaces it by "Internal server error", which would be
 * all that operators see on a parked message.
 */
@Catch()
export class KeepErrorFilter implements RpcExceptionFilter {
  catch(exception: unknown): Observable<never> {
    return throwError(() => exception);
  }
}

/** Handlers that belong to no service yet; no consumer carries this id. */
const UNBOUND = Symbol('gravity.events.unbound');

/**
 * Handles events of one type: an `@EventPattern` that keeps the exception. The method takes
 * `(@Payload() event, @Ctx() context: EventContext)`, arrays of events with `batch`. {@link bindEventHandlers} says which
 * consumer brings the events.
 */
export function OnEvent(type: string, extras: HandlerExtras = {}): MethodDecorator {
  return applyDecorators(
    EventPattern(type, UNBOUND, { ...extras }) as MethodDecorator,
    UseFilters(new KeepErrorFilter()),
  );
}

/**
 * Binds the `@OnEvent` methods of these classes to the consumer with this transport id. Throws when a class has none that
 * is free or bound to it already: two services never share a class of handlers.
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
