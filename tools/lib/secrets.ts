// The secrets of the local stack. They are made at the first start and kept in the data folder, readable by the owner only.
import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type LocalIssuer, localIssuer } from '@gravity/testing';

/** Contents of `secrets.json`. */
export interface LocalSecrets {
  /** Ed25519 key with which the local issuer signs tokens, as a private JWK. */
  readonly issuerKey: LocalIssuer['privateJwk'];
  /** Signs the cursors of lists. */
  readonly cursorSecret: string;
  /** Standard Webhooks secret between the payment sandbox and orders. */
  readonly webhookSecret: string;
  /** The key of orders for calls to the payment sandbox. */
  readonly providerKey: string;
}

const OWNER_ONLY = 0o600;

const fileIn = (dataDir: string): string => join(dataDir, 'secrets.json');

/** The secrets of a data folder; makes them when there are none. Processes that start at once get the same set. */
export async function loadSecrets(dataDir: string): Promise<LocalSecrets> {
  const known = await readSecrets(dataDir);
  if (known !== undefined) return known;
  await mkdir(dataDir, { recursive: true });
  const own = join(dataDir, `.secrets-${process.pid}-${randomBytes(4).toString('hex')}`);
  await writeFile(own, `${JSON.stringify(await newSecrets(), null, 2)}\n`, { mode: OWNER_ONLY });
  try {
    // A link is created atomically, and only by the first of several processes.
    await link(own, fileIn(dataDir)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(own, { force: true });
  }
  const made = await readSecrets(dataDir);
  if (made === undefined) throw new Error(`${fileIn(dataDir)} could not be written.`);
  return made;
}

/** The secrets of a data folder, or undefined before its first start. Throws when the file is damaged. */
export async function readSecrets(dataDir: string): Promise<LocalSecrets | undefined> {
  const text = await readFile(fileIn(dataDir), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as LocalSecrets;
  } catch {
    throw new Error(`${fileIn(dataDir)} is damaged. Remove it and start again. Existing tokens become invalid.`);
  }
}

/** The issuer that signs with the key of these secrets. */
export function issuerOf(secrets: LocalSecrets): Promise<LocalIssuer> {
  return localIssuer({ privateJwk: secrets.issuerKey });
}

async function newSecrets(): Promise<LocalSecrets> {
  const { privateJwk } = await localIssuer();
  return {
    issuerKey: privateJwk,
    cursorSecret: randomBytes(32).toString('base64url'),
    webhookSecret: `whsec_${randomBytes(32).toString('base64')}`,
    providerKey: randomBytes(24).toString('base64url'),
  };
}
