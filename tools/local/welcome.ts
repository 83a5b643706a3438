// The text that `npm start` prints: the addresses, and how to buy the first item.
import { relative } from 'node:path';
import { defaultDataDir } from '@gravity/testing';
import { type Paint, table } from '../lib/terminal';
import { JWKS_PATH } from './issuer.module';
import type { RoundView } from './round-watch';
import type { Local } from './start-local';

/** The text. `round` is the one to claim from, if there is one. */
export function welcome(local: Local, round: RoundView | undefined, paint: Paint): string {
  const { baseUrl, stack } = local;
  // Each data folder has its own issuer.
  const folder = stack.dataDir === defaultDataDir() ? '' : ` --data-dir ${stack.dataDir}`;
  const places = [
    ['API', baseUrl],
    ['API documentation', `${baseUrl}/docs`],
    ['OpenAPI', `${baseUrl}/openapi.json`],
    ['Metrics', `${baseUrl}/metrics`],
    ['Readiness', `${baseUrl}/health/ready`],
    ...(local.grpcAddress === undefined ? [] : [['gRPC, with reflection', local.grpcAddress]]),
    ['Keys of the issuer', `${baseUrl}${JWKS_PATH}`],
    [
      'Postgres',
      `${withoutPassword(stack.databaseUrl)}  ${paint.dim(`databases gravity_*; npm run stack -- env${folder} prints the password`)}`,
    ],
    ['Redis', withoutPassword(stack.redisUrl)],
    ['Kafka', stack.kafkaBrokers],
    ['Log', relative(process.cwd(), local.logFile)],
  ];
  const token = `npm run -s token --${folder}`;
  const tools = [
    ['A token', `${token} --role buyer --sub b_1`],
    ['Compare the stock', `npm run gravity -- reconcile${folder}`],
    ['A sale to 20,000 buyers', 'npm run demo'],
  ];
  return [
    `\n${paint.bold('Gravity is running.')} Ctrl-C stops it.\n`,
    table(places.map(([what = '', where = '']) => [paint.cyan(what), where])),
    table(tools.map(([what = '', how = '']) => [paint.cyan(what), how])),
    `${paint.bold('Buy something')}  ${paint.dim(round === undefined ? 'the first round is being prepared' : describe(round))}\n`,
    firstClaim(baseUrl, round, token),
  ].join('\n');
}

function describe(round: RoundView): string {
  const opensAt = new Date(round.opensAt);
  const time = opensAt.toLocaleTimeString('en-GB');
  return opensAt.getTime() > Date.now()
    ? `round ${round.number} opens at ${time}; before that the answer says so`
    : `round ${round.number} is open since ${time}`;
}

function firstClaim(baseUrl: string, round: RoundView | undefined, token: string): string {
  const roundId = round?.id ?? 'rnd_…';
  const itemId = round?.items[0]?.id ?? 'itm_…';
  const lines = [
    `TOKEN=$(${token} --role buyer --sub b_1)`,
    `curl -s ${baseUrl}/orders/v1/rounds/${roundId}/claims \\`,
    `  -H "Authorization: Bearer $TOKEN" -H 'Idempotency-Key: my-first-claim' -H 'Content-Type: application/json' \\`,
    `  -d '{"itemId":"${itemId}","quantity":1,"regionCode":"CN-11"}'`,
  ];
  return `${lines.map((line) => `  ${line}\n`).join('')}`;
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/([^:@/]*):[^@/]*@/, '//$1@');
}
