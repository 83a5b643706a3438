// Postgres as the service sees it: statements wait for locks; commits may be lost, late, or done although their answer is
// lost. Each statement and each commit is one step. An unknown statement is an error, so the model follows the service.
import type { Database, Tx } from '@gravity/persistence';
import { type PostgresMutation, type Statement, decideClaims } from './model-decide';
import { gateStatements } from './model-gate-statements';
import { orderStatements } from './model-order-statements';
import { ModelSqlError, ModelStore, Session } from './model-tables';
import { always, type Life, type Scheduler } from './scheduler';

type Settle = { readonly resolve: (rows: object[]) => void; readonly reject: (error: Error) => void };

const unknownOutcome = (): Error => new ModelSqlError('08006', 'connection lost');
const notDone = (): Error => new ModelSqlError('57P03', 'connection lost before COMMIT');

/** All statements that the model knows. They keep no state, so all schedules share them. */
class Statements {
  private readonly starts: readonly (readonly [string, Statement])[];
  private readonly decide: Statement;
  private readonly known = new Map<string, Statement>();

  constructor(mutation: PostgresMutation) {
    this.starts = [...gateStatements(mutation), ...orderStatements()];
    this.decide = decideClaims(mutation);
  }

  find(text: string): Statement {
    let found = this.known.get(text);
    if (found === undefined) {
      const plain = text.replace(/\s+/g, ' ').trim();
      found = plain.includes('decide_claims(')
        ? this.decide
        : this.starts.find(([start]) => plain.startsWith(start))?.[1];
      if (found === undefined) throw new Error(`the model of Postgres does not know the statement: ${plain}`);
      this.known.set(text, found);
    }
    return found;
  }
}

const NO_MUTATION: PostgresMutation = {};
const statementsOf = new WeakMap<PostgresMutation, Statements>();

export class ModelPostgres {
  readonly store = new ModelStore();
  private readonly statements: Statements;

  constructor(readonly mutation: PostgresMutation = NO_MUTATION) {
    let statements = statementsOf.get(mutation);
    if (statements === undefined) statementsOf.set(mutation, (statements = new Statements(mutation)));
    this.statements = statements;
  }

  /** The effect of a statement. Throws for one that the model does not know. */
  statement(text: string): Statement {
    return this.statements.find(text);
  }
}

/** The database of one process, in place of `Database`: every statement is a step of the scheduler. */
export class ModelDatabase {
  private readonly open = new Set<Session>();

  constructor(
    private readonly postgres: ModelPostgres,
    private readonly scheduler: Scheduler,
    private readonly life: Life,
  ) {}

  /** The same object, as the service's classes take it. */
  get asDatabase(): Database {
    return this as unknown as Database;
  }

  query<T>(text: string, params: readonly unknown[] = []): Promise<T[]> {
    const session = new Session(this.postgres.store, this.scheduler.wallMs());
    const statement = this.statement(text);
    return new Promise<object[]>((resolve, reject) => {
      const settle = { resolve, reject };
      this.execute(session, statement, params, {
        resolve: (rows) => this.finish(session, statement, rows, settle),
        reject: (error) => this.tell(() => reject(error)),
        lost: () => this.tell(() => reject(/^\s*select\b/i.test(text) ? notDone() : unknownOutcome())),
      });
    }) as Promise<T[]>;
  }

  async transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const session = new Session(this.postgres.store, this.scheduler.wallMs());
    this.open.add(session);
    let result: T;
    try {
      result = await work({ query: (text: string, params) => this.inside(session, text, params) } as Tx);
    } catch (error) {
      session.rollback();
      throw error;
    } finally {
      this.open.delete(session);
    }
    await new Promise<object[]>((resolve, reject) => this.commit(session, 'commit', [], { resolve, reject }));
    return result;
  }

  /** The process is gone: Postgres notices it at any later step, and rolls back what has not reached its COMMIT. */
  abandon(): void {
    for (const session of this.open) {
      this.scheduler.add({
        label: 'Postgres drops a transaction of a dead process',
        life: undefined,
        ready: always,
        run: () => session.rollback(),
      });
    }
  }

  private statement(text: string): Statement {
    try {
      return this.postgres.statement(text);
    } catch (error) {
      // The service may treat it as an outage; the schedule must fail.
      this.scheduler.complain((error as Error).message);
      throw error;
    }
  }

  private inside<T>(session: Session, text: string, params: readonly unknown[] = []): Promise<T[]> {
    const statement = this.statement(text);
    return new Promise<object[]>((resolve, reject) => {
      this.execute(session, statement, params, {
        resolve: (rows) => this.tell(() => resolve(rows)),
        reject: (error) => this.tell(() => reject(error)),
        lost: () => this.tell(() => reject(notDone())),
      });
    }) as Promise<T[]>;
  }

  private execute(
    session: Session,
    statement: Statement,
    params: readonly unknown[],
    to: Settle & { readonly lost: () => void },
  ): void {
    this.scheduler.add({
      label: `${this.life.name} sql ${statement.name}`,
      life: undefined,
      ready: () => {
        session.arrivedMs ??= this.scheduler.wallMs();
        return session.isOver || mayRun(session, statement, params);
      },
      run: () => {
        if (session.isOver) return;
        if (this.scheduler.fault()) {
          this.scheduler.note(`  the connection of ${this.life.name} is lost`);
          session.rollback();
          to.lost();
          return;
        }
        let rows: object[];
        try {
          rows = statement.run(session, params, this.scheduler.wallMs());
        } catch (error) {
          if (!(error instanceof ModelSqlError)) throw error;
          session.rollback();
          if (error.code.startsWith('23')) this.scheduler.complain(`Postgres had to refuse: ${error.message}`);
          to.reject(error);
          return;
        }
        to.resolve(rows);
      },
    });
  }

  /** Commits a statement outside a transaction, unless it changed nothing. */
  private finish(session: Session, statement: Statement, rows: object[], settle: Settle): void {
    if (!session.hasChanges) {
      session.rollback();
      this.tell(() => settle.resolve(rows));
      return;
    }
    if (this.postgres.mutation.acknowledgesBeforeCommit === true && statement.name === 'decide-claims') {
      this.tell(() => settle.resolve(rows));
    }
    this.commit(session, `commit of ${statement.name}`, rows, settle);
  }

  private commit(session: Session, label: string, rows: object[], settle: Settle): void {
    const lose = (what: string): void => {
      this.scheduler.note(`  ${what}`);
      this.tell(() => settle.reject(unknownOutcome()));
    };
    const run = (): void => {
      if (session.isOver) return this.tell(() => settle.reject(notDone()));
      const fate = this.scheduler.fault() ? this.scheduler.pick(3) : 3;
      if (fate === 0) {
        session.rollback();
        lose('the commit is lost');
      } else if (fate === 1) {
        lose('the answer is lost, the commit comes later');
        this.later(session, label);
      } else {
        session.commit();
        if (fate === 2) lose('committed, the answer is lost');
        else this.tell(() => settle.resolve(rows));
      }
    };
    this.scheduler.add({ label: `${this.life.name} ${label}`, life: undefined, ready: always, run });
  }

  private later(session: Session, label: string): void {
    const run = (): void => session.commit();
    this.scheduler.add({ label: `${this.life.name} late ${label}`, life: undefined, ready: always, run });
  }

  private tell(what: () => void): void {
    this.scheduler.as(this.life, what);
  }
}

/** Takes the locks of the statement, stage by stage, as far as they are free; true when it has them all. */
function mayRun(session: Session, statement: Statement, params: readonly unknown[]): boolean {
  for (const stage of statement.locks ?? []) {
    const locks = stage(session, params);
    if (!locks.every((lock) => session.canLock(lock))) return false;
    for (const lock of locks) session.lock(lock);
  }
  return true;
}
