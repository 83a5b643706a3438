// Kafka's jars from Maven Central, once per user, outside the tree. Beside them are an archive of loaded classes for
// this Java and a formatted log folder, which make a start quick.
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from './engine';
import { kafkaCommand, writeKafkaConfig } from './kafka-config';
import { cacheDir, projectRoot } from './paths';
import { freePort } from './ports';
import { mustRun, ServerProcess } from './process';
import { javaProgram, mavenProgram } from './requirements';

/** The release that pom.xml names. */
export const KAFKA_VERSION = '4.4.0';

const POM = join('libs', 'testing', 'src', 'engines', 'kafka', 'pom.xml');
const DOWNLOAD_WITHIN_MS = 600_000;
const FORMAT_WITHIN_MS = 60_000;
const DUMP_WITHIN_MS = 60_000;

export interface KafkaInstallation {
  readonly java: string;
  readonly classPath: string;
  /** Flags that make this Java use the class archive, if there is one. */
  readonly archiveFlags: readonly string[];
  /** The log folder of a formatted, empty broker. */
  readonly formatted: string;
}

/** True when the jars are installed. */
export function kafkaJarsCached(): boolean {
  return existsSync(join(kafkaCache(), 'libs'));
}

function kafkaCache(): string {
  return join(cacheDir(), `kafka-${KAFKA_VERSION}`);
}

/** Finds the files that a broker needs; downloads and prepares them on first use. */
export async function installKafka(log: Log): Promise<KafkaInstallation> {
  const java = await javaProgram();
  if (java === undefined) throw new Error('No Java 17 or later.');
  if (!kafkaJarsCached()) await downloadJars(log);
  const cache = kafkaCache();
  const libs = join(cache, 'libs');
  // The archive is valid for the same class path only, so the order must not depend on the file system.
  const jars = (await readdir(libs)).filter((name) => name.endsWith('.jar')).sort();
  const classPath = jars.map((name) => join(libs, name)).join(':');
  const key = createHash('sha256').update(`${java.version}\n${classPath}`).digest('hex').slice(0, 12);
  const archive = join(cache, `classes-${key}.jsa`);
  const formatted = join(cache, 'formatted');
  const plain = { java: java.path, classPath, archiveFlags: [], formatted };
  if (!existsSync(archive) || !existsSync(formatted)) await prepare(plain, archive, log);
  return { ...plain, archiveFlags: existsSync(archive) ? ['-Xshare:auto', `-XX:SharedArchiveFile=${archive}`] : [] };
}

async function downloadJars(log: Log): Promise<void> {
  const maven = mavenProgram();
  if (maven === undefined) throw new Error('No mvn on the PATH to fetch Kafka with.');
  log(`Fetching Apache Kafka ${KAFKA_VERSION} from Maven Central (44 MB, once) …`);
  const started = performance.now();
  const cache = kafkaCache();
  await mkdir(cache, { recursive: true });
  const partial = join(cache, `libs.${process.pid}.partial`);
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${partial}`];
  try {
    await mustRun(maven, ['-q', '-B', '-C', '-f', join(projectRoot(), POM), ...goal], {
      timeoutMs: DOWNLOAD_WITHIN_MS,
    });
    await moveUnlessThere(partial, join(cache, 'libs'));
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  log(`Kafka's jars are in ${cache} (${seconds(started)}).`);
}

/** Runs a broker once in a temporary folder, to format a log folder and to record the classes that a start loads. */
async function prepare(installation: KafkaInstallation, archive: string, log: Log): Promise<void> {
  log('Preparing Kafka for quick starts (once) …');
  const started = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'gravity-kafka-'));
  try {
    const config = await writeKafkaConfig(folder, { port: await freePort(), controllerPort: await freePort() });
    const id = kafkaUuid();
    const format = [
      '-XX:TieredStopAtLevel=1',
      '-cp',
      installation.classPath,
      'kafka.tools.StorageTool',
      'format',
      '-t',
      id,
      '-c',
      config.file,
    ];
    await mustRun(installation.java, format, { timeoutMs: FORMAT_WITHIN_MS });
    await keepFormatted(join(folder, 'log'), installation.formatted);
    const recording = `${archive}.${process.pid}.partial`;
    const server = new ServerProcess({
      ...kafkaCommand(installation, 'fast-start', folder, config.file, [`-XX:ArchiveClassesAtExit=${recording}`]),
      // The stop also writes the archive.
      stopWithinMs: DUMP_WITHIN_MS,
      probe: () => config.probe(),
    });
    await server.start();
    await server.stop();
    if (existsSync(recording)) await moveUnlessThere(recording, archive);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  log(`Kafka is prepared (${seconds(started)}).`);
}

async function keepFormatted(logFolder: string, target: string): Promise<void> {
  const partial = `${target}.${process.pid}.partial`;
  await cp(logFolder, partial, { recursive: true });
  await moveUnlessThere(partial, target);
}

/** Makes a formatted log folder with new ids, as `kafka-storage format` does, without another start of Java. */
export async function formatLogFolder(installation: KafkaInstallation, logFolder: string): Promise<void> {
  const partial = `${logFolder}.partial`;
  for (const path of [partial, logFolder]) await rm(path, { recursive: true, force: true });
  await cp(installation.formatted, partial, { recursive: true });
  const file = join(partial, 'meta.properties');
  const meta = await readFile(file, 'utf8');
  const ids = { 'cluster.id': kafkaUuid(), 'directory.id': kafkaUuid() };
  const kept = meta.split('\n').filter((line) => !Object.keys(ids).some((key) => line.startsWith(`${key}=`)));
  await writeFile(file, [...kept, ...Object.entries(ids).map(([key, id]) => `${key}=${id}`), ''].join('\n'));
  await rename(partial, logFolder);
}

/** 128 random bits in Kafka's notation, without a leading dash, which would be read as an option. */
function kafkaUuid(): string {
  const text = randomBytes(16).toString('base64url');
  return text.startsWith('-') ? kafkaUuid() : text;
}

async function moveUnlessThere(from: string, to: string): Promise<void> {
  await rename(from, to).catch(async (error: unknown) => {
    await rm(from, { recursive: true, force: true });
    if (!existsSync(to)) throw error;
  });
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1_000).toFixed(1)} s`;
}
