// The database URL of each service.
import { ConfigurationError, type Environment } from '@gravity/kernel';

/**
 * `<SERVICE>_DATABASE_URL`, or else `DATABASE_URL` with the database named `gravity_<service>`. Throws
 * {@link ConfigurationError} when neither is set or the URL is malformed.
 */
export function serviceDatabaseUrl(env: Environment, service: string): string {
  const name = service.replaceAll('-', '_');
  const key = `${name.toUpperCase()}_DATABASE_URL`;
  const own = env[key];
  if (own !== undefined && own !== '') return parse(key, own).toString();
  const shared = env['DATABASE_URL'];
  if (shared === undefined || shared === '') {
    throw new ConfigurationError(`Configuration: neither ${key} nor DATABASE_URL is set.`);
  }
  const url = parse('DATABASE_URL', shared);
  url.pathname = `/gravity_${name}`;
  return url.toString();
}

/**
 * The same database, with sessions that plan a prepared statement anew each time it runs. By default, Postgres keeps
 * one plan until the statistics of the table change. A plan for a table of thirty rows reads the whole table, and would
 * stay in use after a sale has written a hundred thousand rows, until the table is analysed.
 */
export function plannedAnew(url: string): string {
  const parsed = new URL(url);
  const options = parsed.searchParams.get('options');
  parsed.searchParams.set('options', [options, '-c plan_cache_mode=force_custom_plan'].filter(Boolean).join(' '));
  return parsed.toString();
}

// The value is not repeated in the message: it holds a password.
function parse(key: string, value: string): URL {
  if (!URL.canParse(value) || !/^postgres(ql)?:/.test(value)) {
    throw new ConfigurationError(`Configuration: ${key} is not a postgres:// URL.`);
  }
  return new URL(value);
}
