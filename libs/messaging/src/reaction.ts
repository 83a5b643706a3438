// The decorator for handlers of events.
import { applyDecorators, Catch, type RpcExceptionFilter, UseFilters } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
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

/**
 * Handles events of one type that reach the given consumer: an `@EventPattern` that keeps the exception. The method
 * takes `(@Payload() event, @Ctx() context: EventContext)`, arrays of events with `batch`.
 */
export function Reaction(type: string, consumer: symbol, extras: HandlerExtras = {}): MethodDecorator {
  return applyDecorators(
    EventPattern(type, consumer, { ...extras }) as MethodDecorator,
    UseFilters(new KeepErrorFilter()),
  );
}
