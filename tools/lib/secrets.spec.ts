// Goal: the keys of the local stack are made locally, belong to one data folder and one user, and are in no commit. Method:
// the first start of several folders on a real file system, and a search of every file that git tracks.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { issuerOf, loadSecrets, readSecrets } from './secrets';

const ROOT = join(__dirname, '..', '..');
const FILE_BYTES_MAX = 4_194_304;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gravity-secrets-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const dataDir = (name: string): string => join(folder, name);

describe('the keys of a data folder', () => {
  it('are made at the first start and kept', async () => {
    expect(await readSecrets(dataDir('a'))).toBeUndefined();
    const made = await loadSecrets(dataDir('a'));
    expect(made.webhookSecret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    for (const text of [made.cursorSecret, made.providerKey, made.issuerKey.d!])
      expect(Buffer.from(text, 'base64url').length).toBeGreaterThanOrEqual(24);
    expect(await loadSecrets(dataDir('a'))).toEqual(made);
    expect(await readSecrets(dataDir('a'))).toEqual(made);
  });

  it('are readable by their owner only, in a folder without other files', async () => {
    await loadSecrets(dataDir('a'));
    expect(readdirSync(dataDir('a'))).toEqual(['secrets.json']);
    expect(statSync(join(dataDir('a'), 'secrets.json')).mode & 0o777).toBe(0o600);
  });

  it('differ from those of every other folder, each one of them', async () => {
    const [a, b] = [await loadSecrets(dataDir('a')), await loadSecrets(dataDir('b'))];
    const texts = [a, b].flatMap(({ issuerKey, cursorSecret, webhookSecret, providerKey }) => [
      issuerKey.d,
      cursorSecret,
      webhookSecret,
      providerKey,
    ]);
    expect(new Set(texts).size).toBe(8);
    // A stack does not accept the tokens of another one, because the public keys differ too.
    const publicKeys = [await issuerOf(a), await issuerOf(b)].map(({ env }) => env['AUTH_JWKS']);
    expect(publicKeys[0]).not.toEqual(publicKeys[1]);
  });

  it('are one set for processes that start at the same time', async () => {
    const made = await Promise.all(Array.from({ length: 8 }, () => loadSecrets(dataDir('a'))));
    expect(new Set(made.map((secrets) => JSON.stringify(secrets))).size).toBe(1);
    expect(readdirSync(dataDir('a'))).toEqual(['secrets.json']);
  });

  it('are not replaced when their file is damaged, and its text is not shown', async () => {
    await loadSecrets(dataDir('a'));
    const file = join(dataDir('a'), 'secrets.json');
    chmodSync(file, 0o600);
    writeFileSync(file, '{"webhookSecret":"whsec_cut');
    await expect(loadSecrets(dataDir('a'))).rejects.toThrow(/is damaged/);
    await expect(loadSecrets(dataDir('a'))).rejects.not.toThrow(/whsec_cut/);
  });
});

describe('what git tracks', () => {
  // The patterns match complete keys, because comments and patterns contain the words too.
  const KEYS: readonly (readonly [string, RegExp])[] = [
    ['a PEM private key', /-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{16,}/],
    // JSON Web Keys: `d` is the private half, 32 bytes at least.
    ['a private JWK', /["']?\bd["']?\s*:\s*["'][\w-]{43,}["']/],
    ['an Age or OpenSSH key', /AGE-SECRET-KEY-1[0-9A-Z]{20,}|openssh-key-v1\u0000/],
    ['a cloud access key', /\bAKIA[0-9A-Z]{16}\b/],
    ['a repository token', /\b(ghp|gho|ghs|glpat|npm)_[A-Za-z0-9]{30,}\b/],
    ['a webhook secret', /\bwhsec_[A-Za-z0-9+/]{42,}={0,2}/],
  ];
  const tracked = (): string[] =>
    execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' }).split('\0').filter(Boolean);
  /** The kinds of keys in a text. */
  const keysIn = (text: string): string[] => KEYS.filter(([, look]) => look.test(text)).map(([what]) => what);

  it('holds no key', () => {
    const found = tracked().flatMap((path) => {
      const size = statSync(join(ROOT, path), { throwIfNoEntry: false })?.size ?? 0;
      // Larger files are not source text.
      if (size === 0 || size > FILE_BYTES_MAX) return [];
      return keysIn(readFileSync(join(ROOT, path), 'utf8')).map((what) => `${path}: ${what}`);
    });
    expect(found).toEqual([]);
  });

  it('has no file of a data folder and no environment file, and would not take one', () => {
    const kept = tracked().filter((path) =>
      /(^|\/)(\.gravity\/|secrets\.json$|\.env(\.|$)|[^/]*\.(pem|p12|key)$)/.test(path),
    );
    expect(kept).toEqual([]);
    const ignored = execFileSync('git', ['check-ignore', '.gravity/secrets.json'], { cwd: ROOT, encoding: 'utf8' });
    expect(ignored.trim()).toBe('.gravity/secrets.json');
  });

  it('would be noticed to hold one', async () => {
    const { issuerKey, webhookSecret } = await loadSecrets(dataDir('a'));
    expect(keysIn(JSON.stringify({ issuerKey }, null, 2))).toEqual(['a private JWK']);
    expect(keysIn(`PAYMENTS_WEBHOOK_SECRETS=${webhookSecret}`)).toEqual(['a webhook secret']);
    const pem = ['-----BEGIN', 'PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA'].join(' ');
    expect(keysIn(pem)).toEqual(['a PEM private key']);
  });
});
