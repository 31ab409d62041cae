import type { Clock } from "../clock.js";
import type { RealServerConfig } from "../config/model.js";
import { type Milliseconds, ms } from "../units.js";
import { realServerKey } from "./names.js";
import { type Moment, nextDue } from "./removal-floor.js";
import type { LiveServer } from "./virtual-server-state.js";

/** Outlives a crash. By virtual server and real server. */
export interface HeldMemory {
  /** Everything that the daemon before this one knew; it is forgotten here. */
  takeAll(): (name: string) => Milliseconds | undefined;
  set(name: string, since: Milliseconds): void;
  delete(name: string): void;
}

/** Virtual servers that hold back failed servers, and the timer for those that are to go. */
export class HeldServers implements Disposable {
  readonly #clock: Clock;
  readonly #memory: HeldMemory | undefined;
  readonly #onDue: () => void;
  #frozen: boolean = false;
  readonly #holding = new Set<LiveServer>();
  #timer: { readonly at: number; readonly end: Disposable } | undefined;

  constructor(clock: Clock, memory: HeldMemory | undefined, onDue: () => void) {
    this.#clock = clock;
    this.#memory = memory;
    this.#onDue = onDue;
  }

  moment(): Moment {
    return { now: this.#clock.now(), frozen: this.#frozen };
  }

  /** Of a first configuration: who was held back when the daemon before this one died. */
  known(): (live: Pick<LiveServer, "key">, server: RealServerConfig) => Milliseconds | undefined {
    const since = this.#memory?.takeAll();
    return (live, server) => since?.(nameOf(live, server));
  }

  /** Its state is another one than before. */
  follow(live: LiveServer): void {
    const { state, context } = live;
    if (state.retention === undefined) return;
    if (state.retention.held.size === 0) this.#holding.delete(live);
    else {
      this.#holding.add(live);
      this.#armAt(nextDue(context, state));
    }
  }

  remember(live: LiveServer, server: number, since: Milliseconds | undefined): void {
    const config = live.context.config.realServers[server];
    if (config === undefined) return;
    if (since === undefined) this.#memory?.delete(nameOf(live, config));
    else this.#memory?.set(nameOf(live, config), since);
  }

  /** A configuration is in force: what was of `replaced` is of their successors among `changed`. In steps of one server. */
  *replace(replaced: readonly LiveServer[], changed: readonly LiveServer[]): Generator<void> {
    for (const live of replaced) if (this.#holding.delete(live)) yield* this.#each(live, () => undefined);
    for (const live of changed) {
      if (live.state.retention === undefined) continue;
      yield* this.#each(live, (server) => live.state.servers[server]?.heldSince);
      this.follow(live);
    }
  }

  /** As they are now; some may be among them no longer when it is their turn. */
  all(): readonly LiveServer[] {
    return [...this.#holding];
  }

  /** Some may go that could not until now. */
  lookNow(): void {
    if (this.#holding.size > 0) this.#armAt(this.#clock.now());
  }

  /** While the self check holds the table nobody is due. */
  freeze(): void {
    this.#frozen = true;
    this.#disarm();
  }

  thaw(): void {
    this.#frozen = false;
    this.lookNow();
  }

  /** After those who were due: the next ones. */
  lookAgain(): void {
    for (const { context, state } of this.#holding) this.#armAt(nextDue(context, state));
  }

  [Symbol.dispose](): void {
    this.freeze();
  }

  /** Unless it comes earlier anyway. */
  #armAt(at: number | undefined): void {
    if (at === undefined || this.#frozen || (this.#timer !== undefined && this.#timer.at <= at)) return;
    this.#disarm();
    const end = this.#clock.after(ms(Math.max(0, at - this.#clock.now())), () => {
      this.#timer = undefined;
      this.#onDue();
    });
    this.#timer = { at, end };
  }

  #disarm(): void {
    this.#timer?.end[Symbol.dispose]();
    this.#timer = undefined;
  }

  *#each(live: LiveServer, since: (server: number) => Milliseconds | undefined): Generator<void> {
    for (const server of live.state.retention?.held ?? []) {
      this.remember(live, server, since(server));
      yield;
    }
  }
}

const nameOf = ({ key }: Pick<LiveServer, "key">, server: RealServerConfig): string =>
  `${key} ${realServerKey(server)}`;
