// Redis as the gate's scripts see it: one function per script on plain data. A script runs as a whole, so a function is
// one step. `model-redis.int.spec.ts` compares these functions with the scripts on a real Redis.
import type { GateReply, GateScript } from '../../apps/orders/src/gate/gate-connection';
import { GATE_CODE, GATE_REPLY, SOLD_OUT_FLAG_MS } from '../../apps/orders/src/gate/gate-scripts';

interface ItemHash {
  epoch: string;
  state: string;
  opensAt: number;
  closesAt: number;
  available: number;
  cooling: number;
  coolUntil: number;
  claimed: number;
  perBuyer: number;
  winLimit: number;
  admissions: number;
}

interface Memory {
  readonly series: Map<string, { epoch: string; state: string }>;
  readonly items: Map<string, ItemHash>;
  readonly wins: Map<string, Map<string, number>>;
  readonly claims: Map<string, Map<string, string>>;
  readonly pending: Map<string, Map<string, number>>;
  readonly buyers: Map<string, Map<string, number>>;
}

type Arg = string | number;

/** Bugs of the model, for the specs that show that the simulation finds them. */
export interface RedisMutation {
  /** A returned claim keeps its units in the note, so a report that comes twice gives them back twice. */
  readonly releasesTwice?: boolean;
  /** A report counts for the admission with its number, in any epoch. */
  readonly ignoresReportEpoch?: boolean;
}

export class ModelRedis {
  private runs = 1;

  constructor(
    private readonly nowMs: () => number,
    private readonly mutation: RedisMutation = {},
    private memory = emptyMemory(),
    private readonly name = 'run',
  ) {}

  /** A replica that has just been promoted, with the data of this server or an older copy of it. */
  promoted(memory = this.snapshot()): ModelRedis {
    return new ModelRedis(this.nowMs, this.mutation, copyOf(memory), `${this.runId}'`);
  }

  /** Names this run of the server, as `run_id` does. */
  get runId(): string {
    return `${this.name}-${this.runs}`;
  }

  /** A copy of all data, like a snapshot on disk. */
  snapshot(): Memory {
    return copyOf(this.memory);
  }

  /** Starts again, empty or with an old snapshot. */
  restart(snapshot: Memory = emptyMemory()): void {
    this.memory = copyOf(snapshot);
    this.runs += 1;
  }

  /** Runs one script, as GateConnection.run does. */
  run(script: GateScript, keys: readonly string[], args: readonly Arg[]): GateReply {
    const at = new Keys(this.memory, keys);
    switch (script) {
      case 'gateClaim':
        return this.claim(at, args);
      case 'gateSettle':
        return this.settle(at, args);
      case 'gateLoadBegin':
        return this.loadBegin(at, args);
      case 'gateLoadChunk':
        return [this.loadChunk(at, args)];
      case 'gateSetState':
        if (at.item !== undefined) at.item.state = String(args[0]);
        return [1];
      case 'gateView':
        return this.view(at);
      case 'gateStalePending':
        return this.stalePending(at, args);
      case 'gateSoldOut':
        return this.soldOut(at, args);
    }
  }

  private claim(at: Keys, [epoch, json]: readonly Arg[]): GateReply {
    const { series, item } = at;
    if (series === undefined) return [GATE_REPLY.ABSENT];
    if (series.epoch !== String(epoch)) return [GATE_REPLY.OTHER_EPOCH, series.epoch];
    if (series.state !== 'open') return [GATE_REPLY.LOADING];
    if (item?.epoch !== String(epoch)) return [GATE_REPLY.ABSENT];
    const now = this.nowMs();
    cool(item, now);
    const window = windowOf(item, now);
    const asked = JSON.parse(String(json)) as (string | number)[];
    const reply: Arg[] = [GATE_REPLY.ANSWERED, now, 0, String(item.opensAt), 0];
    for (let index = 0; index < asked.length; index += 3) {
      reply.push(...admit(at, item, now, window, asked.slice(index, index + 3) as [string, string, number]));
    }
    reply[2] = item.available;
    if (item.available === 0 && window === 0) reply[4] = flagMs(item, now);
    return reply;
  }

  private settle(at: Keys, [json]: readonly Arg[]): GateReply {
    const { item } = at;
    if (at.series?.state === 'loading') return [0];
    const now = this.nowMs();
    const reports = JSON.parse(String(json)) as string[];
    let back = 0;
    const reply: Arg[] = [1];
    for (let index = 0; index < reports.length; index += 3) {
      const report = reports.slice(index, index + 3) as [string, string, string];
      if (this.isForAnother(report, item)) reply.push(index / 3 + 1);
      else if (item !== undefined) back += this.settleOne(at, item, report);
    }
    if (item !== undefined && back > 0) {
      cool(item, now);
      if (item.cooling === 0) item.coolUntil = now + SOLD_OUT_FLAG_MS;
      item.cooling += back;
      item.claimed -= back;
    }
    return reply;
  }

  private isForAnother([, admission, verdict]: readonly [string, string, string], item: ItemHash | undefined): boolean {
    if (verdict === 'confirmed' || !admission.endsWith('|')) return false;
    return admission !== `${item?.epoch ?? ''}|`;
  }

  private settleOne(at: Keys, item: ItemHash, [id, admission, verdict]: readonly [string, string, string]): number {
    if (verdict === 'confirmed') {
      at.pending.delete(id);
      return 0;
    }
    const note = at.claims.get(id);
    if (note === undefined) return 0;
    const { quantity, buyer, number } = readNote(note);
    if (!this.isOf(admission, item.epoch, number)) return 0;
    at.pending.delete(id);
    if (quantity > 0) {
      add(at.buyers, buyer, -quantity);
      if (item.winLimit > 0) add(at.wins, buyer, -1);
    }
    if (verdict === 'cancelled') at.claims.delete(id);
    else if (this.mutation.releasesTwice !== true) at.claims.set(id, `0|${buyer}|${number}`);
    return quantity;
  }

  private isOf(admission: string, epoch: string, number: string): boolean {
    if (admission.endsWith('|')) return true;
    if (this.mutation.ignoresReportEpoch === true) return admission.endsWith(`|${number}`);
    return admission === `${epoch}|${number}`;
  }

  private loadBegin(at: Keys, [epoch]: readonly Arg[]): GateReply {
    const current = at.series?.epoch;
    if (current !== undefined && Number(current) >= Number(epoch)) return [0, current];
    at.reset('wins');
    at.series = { epoch: String(epoch), state: 'loading' };
    return [1];
  }

  private loadChunk(at: Keys, [epoch, kind, , ...values]: readonly Arg[]): number {
    if (at.series === undefined || at.series.epoch !== String(epoch)) return 0;
    if (kind === 'item') {
      for (const name of ['claims', 'pending', 'buyers'] as const) at.reset(name);
      const fields = new Map<Arg, Arg>();
      for (let index = 0; index < values.length; index += 2) fields.set(values[index]!, values[index + 1]!);
      at.item = itemOf(String(epoch), fields);
    } else if (kind === 'claims') {
      for (let index = 0; index < values.length; index += 4) {
        const [id, note, buyer, quantity] = values.slice(index, index + 4);
        at.claims.set(String(id), String(note));
        if (Number(quantity) > 0) at.buyers.set(String(buyer), (at.buyers.get(String(buyer)) ?? 0) + Number(quantity));
      }
    } else if (kind === 'wins') {
      for (let index = 0; index < values.length; index += 2)
        at.wins.set(String(values[index]), Number(values[index + 1]));
    } else {
      at.series.state = 'open';
    }
    return 1;
  }

  private view(at: Keys): GateReply {
    const { item } = at;
    if (item === undefined) return [];
    const state = at.series?.state === 'open' ? item.state : 'loading';
    const pending = inOrder(at.pending).flatMap((id) => [id, at.claims.get(id) ?? '0||0']);
    return [item.epoch, state, item.available + item.cooling, String(item.claimed), ...pending];
  }

  private stalePending(at: Keys, [olderThanMs, claimsMax]: readonly Arg[]): GateReply {
    if (at.item === undefined) return [];
    const untilMs = this.nowMs() - Number(olderThanMs);
    const reply: Arg[] = [at.item.epoch];
    for (const id of inOrder(at.pending)
      .filter((known) => at.pending.get(known)! <= untilMs)
      .slice(0, Number(claimsMax))) {
      const note = at.claims.get(id);
      if (note === undefined) at.pending.delete(id);
      else reply.push(id, note);
    }
    return reply;
  }

  private soldOut(at: Keys, [epoch, claimsMax]: readonly Arg[]): GateReply {
    const { item } = at;
    if (item?.epoch !== String(epoch) || item.state !== 'open') return [0];
    const now = this.nowMs();
    cool(item, now);
    if (item.available > 0 || at.claims.size > Number(claimsMax)) return [0];
    return [flagMs(item, now), ...at.claims.values()];
  }
}

/** The data behind the six keys of a call. */
class Keys {
  constructor(
    private readonly memory: Memory,
    private readonly keys: readonly string[],
  ) {}

  get series(): { epoch: string; state: string } | undefined {
    return this.memory.series.get(this.keys[0]!);
  }

  set series(value: { epoch: string; state: string }) {
    this.memory.series.set(this.keys[0]!, value);
  }

  get item(): ItemHash | undefined {
    return this.memory.items.get(this.keys[2]!);
  }

  set item(value: ItemHash) {
    this.memory.items.set(this.keys[2]!, value);
  }

  get wins(): Map<string, number> {
    return mapAt(this.memory.wins, this.keys[1]!);
  }

  get claims(): Map<string, string> {
    return mapAt(this.memory.claims, this.keys[3]!);
  }

  get pending(): Map<string, number> {
    return mapAt(this.memory.pending, this.keys[4]!);
  }

  get buyers(): Map<string, number> {
    return mapAt(this.memory.buyers, this.keys[5]!);
  }

  reset(name: 'wins' | 'claims' | 'pending' | 'buyers'): void {
    this[name].clear();
  }
}

function emptyMemory(): Memory {
  const [series, items, wins, claims, pending, buyers] = [1, 2, 3, 4, 5, 6].map(() => new Map());
  return { series, items, wins, claims, pending, buyers } as unknown as Memory;
}

function copyOf({ series, items, wins, claims, pending, buyers }: Memory): Memory {
  return {
    series: mapped(series, (value) => ({ ...value })),
    items: mapped(items, (item) => ({ ...item })),
    wins: mapped(wins, (map) => new Map(map)),
    claims: mapped(claims, (map) => new Map(map)),
    pending: mapped(pending, (map) => new Map(map)),
    buyers: mapped(buyers, (map) => new Map(map)),
  };
}

function mapped<V>(map: ReadonlyMap<string, V>, copy: (value: V) => V): Map<string, V> {
  return new Map(Array.from(map, ([key, value]) => [key, copy(value)]));
}

function mapAt<V>(maps: Map<string, Map<string, V>>, key: string): Map<string, V> {
  let found = maps.get(key);
  if (found === undefined) maps.set(key, (found = new Map<string, V>()));
  return found;
}

function itemOf(epoch: string, fields: ReadonlyMap<Arg, Arg>): ItemHash {
  const number = (name: string): number => Number(fields.get(name));
  return {
    epoch,
    state: String(fields.get('state')),
    opensAt: number('opensAt'),
    closesAt: number('closesAt'),
    available: number('available'),
    cooling: number('cooling'),
    coolUntil: number('coolUntil'),
    claimed: number('claimed'),
    perBuyer: number('perBuyer'),
    winLimit: number('winLimit'),
    admissions: number('admissions'),
  };
}

function windowOf(item: ItemHash, now: number): number {
  if (now >= item.closesAt) return GATE_CODE.CLOSED;
  if (item.state !== 'open') return GATE_CODE.STOPPED;
  return now < item.opensAt ? GATE_CODE.NOT_OPEN : 0;
}

function admit(
  at: Keys,
  item: ItemHash,
  now: number,
  window: number,
  [id, buyer, quantity]: readonly [string, string, number],
): [code: number, admission: number] {
  const known = at.claims.get(id);
  if (known !== undefined) {
    const note = readNote(known);
    const other = note.quantity > 0 && note.quantity !== quantity;
    return [other ? GATE_CODE.OTHER_QUANTITY : GATE_CODE.KNOWN, Number(note.number)];
  }
  if (window !== 0) return [window, 0];
  if (item.available < quantity) return [GATE_CODE.SOLD_OUT, 0];
  if ((at.buyers.get(buyer) ?? 0) + quantity > item.perBuyer) return [GATE_CODE.LIMIT_REACHED, 0];
  if (item.winLimit > 0 && (at.wins.get(buyer) ?? 0) >= item.winLimit) return [GATE_CODE.ALREADY_WON, 0];
  item.admissions += 1;
  item.available -= quantity;
  item.claimed += quantity;
  at.claims.set(id, `${quantity}|${buyer}|${item.admissions}`);
  at.pending.set(id, now);
  at.buyers.set(buyer, (at.buyers.get(buyer) ?? 0) + quantity);
  if (item.winLimit > 0) at.wins.set(buyer, (at.wins.get(buyer) ?? 0) + 1);
  return [GATE_CODE.ADMITTED, item.admissions];
}

function cool(item: ItemHash, now: number): void {
  if (item.cooling === 0 || now < item.coolUntil) return;
  item.available += item.cooling;
  item.cooling = 0;
}

function flagMs(item: ItemHash, now: number): number {
  return item.cooling > 0 ? Math.min(item.coolUntil - now, SOLD_OUT_FLAG_MS) : SOLD_OUT_FLAG_MS;
}

function add(numbers: Map<string, number>, name: string, step: number): void {
  const value = (numbers.get(name) ?? 0) + step;
  if (value <= 0) numbers.delete(name);
  else numbers.set(name, value);
}

function readNote(note: string): { quantity: number; buyer: string; number: string } {
  const [first, last] = [note.indexOf('|'), note.lastIndexOf('|')];
  return { quantity: Number(note.slice(0, first)), buyer: note.slice(first + 1, last), number: note.slice(last + 1) };
}

/** Members of a sorted set: by score, then by name. */
function inOrder(set: ReadonlyMap<string, number>): string[] {
  return [...set.entries()].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1)).map(([id]) => id);
}
