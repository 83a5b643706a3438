import { plannedAnew, serviceDatabaseUrl } from './database-url';
import { parseInt8 } from './sql-types';

describe('serviceDatabaseUrl', () => {
  it('prefers the own URL of the service', () => {
    const env = { DATABASE_URL: 'postgres://a@h/x', PAYMENTS_SANDBOX_DATABASE_URL: 'postgres://b@h/own' };
    expect(serviceDatabaseUrl(env, 'payments-sandbox')).toBe('postgres://b@h/own');
  });

  it('names the database after the service otherwise, and keeps the rest', () => {
    const env = { DATABASE_URL: 'postgres://a:p%40@h:5433/x?sslmode=require' };
    expect(serviceDatabaseUrl(env, 'payments-sandbox')).toBe(
      'postgres://a:p%40@h:5433/gravity_payments_sandbox?sslmode=require',
    );
  });

  it.each([{}, { DATABASE_URL: '' }, { DATABASE_URL: 'mysql://h/x' }, { DATABASE_URL: 'secret-without-scheme' }])(
    'refuses %j',
    (env) => {
      expect(() => serviceDatabaseUrl(env, 'orders')).toThrow(/DATABASE_URL/);
      expect(() => serviceDatabaseUrl(env, 'orders')).not.toThrow(/secret/);
    },
  );
});

describe('plannedAnew', () => {
  it.each([
    ['postgres://a:p%40@h/x', '-c plan_cache_mode=force_custom_plan'],
    ['postgres://a:p%40@h/x?options=-c%20work_mem%3D8MB', '-c work_mem=8MB -c plan_cache_mode=force_custom_plan'],
  ])('keeps what %s says', (url, options) => {
    const planned = new URL(plannedAnew(url));
    expect(planned.searchParams.get('options')).toBe(options);
    expect(planned.toString().startsWith('postgres://a:p%40@h/x?')).toBe(true);
  });
});

describe('parseInt8', () => {
  it('never rounds', () => {
    expect(parseInt8('9007199254740991')).toBe(9_007_199_254_740_991);
    expect(parseInt8('9007199254740993')).toBe(9_007_199_254_740_993n);
    expect(parseInt8('-9223372036854775808')).toBe(-9_223_372_036_854_775_808n);
  });
});
