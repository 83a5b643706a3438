// Checks the key of the merchant's server. Callers hold no token of Gravity: the provider plays an outside company.
import { ProblemError } from '@gravity/contracts';
import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { SANDBOX_CONFIG, type SandboxConfig } from './sandbox-config';
import { sameSecret } from './sandbox-ids';

interface RequestWithHeaders {
  readonly headers: { readonly authorization?: string };
}

/** The text after `Bearer `; throws `unauthenticated` when there is none. */
export function bearerOf(authorization: string | undefined): string {
  const match = /^Bearer (\S{1,512})$/i.exec(authorization ?? '');
  if (match === null)
    throw new ProblemError({ code: 'unauthenticated', detail: 'Send a key as "Authorization: Bearer <key>".' });
  return match[1]!;
}

@Injectable()
export class ServerKeyGuard implements CanActivate {
  constructor(@Inject(SANDBOX_CONFIG) private readonly config: SandboxConfig) {}

  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<RequestWithHeaders>();
    if (sameSecret(bearerOf(headers.authorization), this.config.serverKey.reveal())) return true;
    throw new ProblemError({ code: 'unauthenticated', detail: 'The provider key is not valid.' });
  }
}
