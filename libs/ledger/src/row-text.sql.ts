// The text of a row that goes into the hash of its batch. Times are milliseconds, so no setting of a session changes it.

/** The text of a journal under this alias. */
export function journalText(alias: string): string {
  const columns = ['journal_id', 'kind', 'original', 'accounts', 'amounts', 'ttl_ms', 'reference', 'reason'];
  return `row(${columns.map((column) => `${alias}.${column}`).join(', ')}, ${ms(`${alias}.expires_at`)})::text`;
}

/** The text of an entry under this alias. */
export function entryText(alias: string): string {
  const columns = [
    'account_id',
    'sequence',
    'journal_id',
    'posted',
    'held_in',
    'held_out',
    'balance',
    'pending_in',
    'pending_out',
  ];
  return `row(${columns.map((column) => `${alias}.${column}`).join(', ')})::text`;
}

/** The hash of a batch as SQL, from the hash before it and what is in it. */
export function batchHash(parts: {
  readonly previous: string;
  readonly chainId: string;
  readonly number: string;
  readonly at: string;
  readonly journals: string;
  readonly entries: string;
}): string {
  const head = `row(${parts.chainId}, ${parts.number}, ${ms(parts.at)})::text`;
  return `sha256(${parts.previous} || convert_to(${head} || ${parts.journals} || ${parts.entries}, 'UTF8'))`;
}

function ms(time: string): string {
  return `(extract(epoch from ${time}) * 1000)::bigint`;
}
