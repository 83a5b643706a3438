// The routes of every process: probes, metrics, the API document and the list of problem codes.
import { Controller, Get, Param, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { ERRORS, type ErrorCode } from '@gravity/contracts';
import { renderMetrics } from '@gravity/observability';
import { ApiDocument } from './api-document';
import { DOCS_CONTENT_SECURITY_POLICY, DOCS_PAGE } from './docs-page';
import type { HttpReply } from './fastify-types';
import { HealthRegistry } from './health-registry';
import { problemType, sendProblem } from './problem-reply';
import { OperationName, PublicRoute } from './route-policy';

/** Liveness, startup and readiness probes. */
@ApiExcludeController()
@Controller('health')
@PublicRoute('probes come from the cluster, which has no token')
export class HealthHttp {
  constructor(private readonly health: HealthRegistry) {}

  /** 200 while the event loop runs. It checks no dependency: a restart of this process would not repair one. */
  @Get('live')
  @OperationName('healthLive')
  live(): { status: string } {
    return { status: 'alive' };
  }

  /** 503 until the process has started. */
  @Get('startup')
  @OperationName('healthStartup')
  startup(@Res() reply: HttpReply): void {
    if (this.health.started) void reply.send({ status: 'started' });
    else sendProblem(reply, { code: 'unavailable', detail: 'The process is still starting.', retryAfterSeconds: 1 });
  }

  /** 503 while a critical dependency is down or the process drains; names what is down. */
  @Get('ready')
  @OperationName('healthReady')
  async ready(@Res() reply: HttpReply): Promise<void> {
    const report = await this.health.report();
    if (report.status === 'ready' || report.status === 'degraded') {
      await reply.send(report);
      return;
    }
    const down = report.checks.filter((check) => !check.ok).map((check) => check.name);
    const detail = down.length > 0 ? `Unusable: ${down.join(', ')}.` : `The process is ${report.status}.`;
    sendProblem(reply, {
      code: 'unavailable',
      detail,
      retryAfterSeconds: 1,
      extensions: { state: report.status, checks: report.checks },
    });
  }
}

/** What Prometheus scrapes. */
@ApiExcludeController()
@Controller('metrics')
@PublicRoute('scraped from inside the cluster; ADMIN_PORT moves it off the public port')
export class MetricsHttp {
  /** Every series in the text format of Prometheus. */
  @Get()
  @OperationName('metrics')
  async metrics(@Res() reply: HttpReply): Promise<void> {
    const { contentType, body } = await renderMetrics();
    await reply.header('content-type', contentType).send(body);
  }
}

/** The API described: OpenAPI, a page to read it, and the problem codes. */
@ApiExcludeController()
@Controller()
@PublicRoute('documentation')
export class DocumentationHttp {
  constructor(private readonly document: ApiDocument) {}

  /** The OpenAPI 3.1 document. */
  @Get('openapi.json')
  @OperationName('openApi')
  async openApi(@Res() reply: HttpReply): Promise<void> {
    await reply.header('content-type', 'application/json; charset=utf-8').send(this.document.text());
  }

  /** A page that shows the OpenAPI document. */
  @Get('docs')
  @OperationName('apiDocs')
  async docs(@Res() reply: HttpReply): Promise<void> {
    await reply
      .header('content-type', 'text/html; charset=utf-8')
      .header('content-security-policy', DOCS_CONTENT_SECURITY_POLICY)
      .send(DOCS_PAGE);
  }

  /** Every code that a refusal may carry. */
  @Get('problems')
  @OperationName('listProblems')
  problems(): object {
    return { items: (Object.keys(ERRORS) as ErrorCode[]).map(describeCode), hasMore: false };
  }

  /** One code with its statuses and whether repeating helps. */
  @Get('problems/:code')
  @OperationName('getProblem')
  async problem(@Param('code') code: string, @Res() reply: HttpReply): Promise<void> {
    if (Object.hasOwn(ERRORS, code)) await reply.send(describeCode(code as ErrorCode));
    else sendProblem(reply, { code: 'not-found', detail: 'There is no problem with this code.' });
  }
}

function describeCode(code: ErrorCode): object {
  const { status, grpc, title, retryable } = ERRORS[code];
  return { type: problemType(code), code, title, status, grpcStatus: grpc, retryable };
}
