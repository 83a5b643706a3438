// Real engines, faults, tokens and waits for specs. The tools of the local stack use the engines too.
export { ENGINE_NAMES, ENGINE_TITLES, NotOwnedError } from './engines/engine';
export type { EngineHandle, EngineName, EngineSource, Log, RedisHandle } from './engines/engine';
export {
  engines,
  freshDatabase,
  freshKafka,
  freshKafkaBehindProxy,
  freshPostgres,
  freshRedis,
  temporaryFolder,
  uniquePrefix,
} from './engines/fresh';
export type { Engines, FreshDatabase, FreshOptions } from './engines/fresh';
export type { KafkaJit } from './engines/kafka-config';
export { isRoot, projectRoot } from './engines/paths';
export { freePort, isPortFree, preferredPort } from './engines/ports';
export { synchronousStandby } from './engines/postgres-standby';
export type { PostgresStandby } from './engines/postgres-standby';
export { defaultDataDir, resetStack, runningStack, startStack } from './engines/stack';
export type { Stack, StackOptions } from './engines/stack';
export type { StackRecord } from './engines/stack-file';
export { EventProbe } from './event-probe';
export type { ProbedEvent } from './event-probe';
export { eventually } from './eventually';
export { KafkaRival } from './kafka-rival';
export type { RivalMembership } from './kafka-rival';
export { ClaimClient } from './cluster/claim-client';
export type { ClaimClientOptions } from './cluster/claim-client';
export { FaultCluster, PENDING_GRACE_MS } from './cluster/fault-cluster';
export type { FaultClusterOptions, OrdersNode } from './cluster/fault-cluster';
export { openSale } from './cluster/fault-sale';
export type { FaultSale, FaultSaleOptions } from './cluster/fault-sale';
export { ClaimHistory } from './cluster/history';
export type { ClaimAttempt, ClaimOutcome, ClaimRecord, ClaimWish } from './cluster/history';
export { checkPromises, describePromises } from './cluster/promises';
export type { ConservationItem, PromiseName, PromiseOptions, PromiseReport, SqlClient } from './cluster/promises';
export { chosenSeed, seeded, SeededRandom } from './cluster/seed';
export { settled } from './cluster/settled';
export { buildServices, ServiceProcess } from './cluster/service-process';
export type { Readiness, ServiceProcessOptions } from './cluster/service-process';
export { TcpProxy } from './faults/tcp-proxy';
export type { PlannedCut, RequestMatch, TcpProxyOptions } from './faults/tcp-proxy';
export { DEFAULT_AUDIENCE, LOCAL_ISSUER, localIssuer } from './tokens';
export type { BadTokens, LocalIssuer, TokenRequest } from './tokens';
