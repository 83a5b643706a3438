// The API document that the services serve. The services start without their engines, which the document does not need.
import { openApiDocument } from '@gravity/http';
import { bootServices } from '@gravity/service';
import { localIssuer } from '@gravity/testing';
import { SERVICES } from '../../apps/services';

const UNUSED_ADDRESS = '127.0.0.1:1';

/** The parts of the document that the checks read. */
export interface ApiDescription {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, ApiOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

export interface ApiOperation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly ApiParameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: object }>> };
  readonly responses: Readonly<Record<string, ApiResponse>>;
  readonly 'x-callers'?: readonly string[];
}

export interface ApiParameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header' | 'cookie';
  readonly required?: boolean;
  readonly schema?: object;
}

export interface ApiResponse {
  readonly description?: string;
  readonly content?: Readonly<Record<string, { readonly schema?: object }>>;
}

/** Starts all services on a free loopback port, reads their document, and stops them. */
export async function servedApi(): Promise<ApiDescription> {
  const issuer = await localIssuer();
  const env = {
    ...issuer.env,
    DATABASE_URL: `postgres://unused@${UNUSED_ADDRESS}/unused`,
    REDIS_URL: `redis://${UNUSED_ADDRESS}`,
    KAFKA_BROKERS: UNUSED_ADDRESS,
    CURSOR_SECRET: 'only-for-the-document-'.repeat(2),
    PAYMENT_PROVIDER: 'sandbox',
    PAYMENTS_PROVIDER_URL: `http://${UNUSED_ADDRESS}`,
    PAYMENTS_PROVIDER_KEY: 'only-for-the-document',
    PAYMENTS_WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32).toString('base64')}`,
    PAYMENTS_CALLBACK_URL: `http://${UNUSED_ADDRESS}/`,
    LOG_LEVEL: 'silent',
  };
  const services = await bootServices(SERVICES, { env, host: '127.0.0.1', port: 0 });
  try {
    return openApiDocument(services.app) as unknown as ApiDescription;
  } finally {
    await services.close();
  }
}
