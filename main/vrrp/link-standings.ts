import type { Clock } from "../clock.js";
import type { VrrpInstanceConfig } from "../config/model.js";
import type { LinkSettingsConfig } from "../config/model-vrrp.js";
import type { Log } from "../observe/log.js";
import { type Milliseconds, ms } from "../units.js";
import { Deadline } from "./deadline.js";
import type { TrackRecall } from "./track-memory.js";

export type LinkDelay = LinkSettingsConfig["delays"][number];

export interface LinkStandingsDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** The link is up as it is, without any delay. */
  readonly running: (name: string) => boolean;
  readonly recall: TrackRecall;
  /** A delay is over, and the link counts as something else now. */
  readonly onDue: (name: string) => void;
}

interface Waiting {
  /** What the link counts as until the delay is over. */
  readonly up: boolean;
  readonly deadline: Deadline;
}

/** What links count as: interface_up_down_delays has them be down, or up, for some time before it matters. */
export class LinkStandings implements Disposable {
  readonly #deps: LinkStandingsDeps;
  #delays: ReadonlyMap<string, LinkDelay> = new Map();
  /** What was told last. */
  readonly #told = new Map<string, boolean>();
  readonly #waiting = new Map<string, Waiting>();

  constructor(deps: LinkStandingsDeps) {
    this.#deps = deps;
  }

  /** Start and reload. A delay that runs already ends as it began. */
  configure(delays: readonly LinkDelay[], instances: readonly VrrpInstanceConfig[]): void {
    const fit = delays.map((delay) => fittingDelay(delay, instances));
    for (const [i, { interface: name, down }] of fit.entries()) {
      if (down === delays[i]?.down) continue;
      const sentence = `${name}: its down delay is longer than backups wait for adverts - reducing it to ${down / 1000} s`;
      this.#deps.log("warning", "vrrp.link-delay", sentence, { interface: name });
    }
    this.#delays = new Map(fit.map((delay) => [delay.interface, delay]));
  }

  up(name: string): boolean {
    return this.#waiting.get(name)?.up ?? this.#deps.running(name);
  }

  /** What interface_up_down_delays makes of it, and whether a delay runs. */
  delay(name: string): { readonly up: Milliseconds; readonly down: Milliseconds; readonly running: boolean } {
    const { up = ms(0), down = ms(0) } = this.#delays.get(name) ?? {};
    return { up, down, running: this.#waiting.has(name) };
  }

  /** An instance begins to watch the link: what it is now is nothing to tell. */
  begin(name: string): void {
    if (!this.#waiting.has(name)) this.#recall(name);
    this.#told.set(name, this.up(name));
  }

  /** A delay that ran when the daemon before this one died ends when it would have, unless its link is as it was before. */
  #recall(name: string): void {
    const up = !this.#deps.running(name);
    const due = this.#deps.recall.known(memoryKey(name, up));
    if (due !== undefined && due > this.#deps.clock.now() && this.#delays.has(name)) this.#wait(name, up, ms(due));
  }

  /** The link may have changed. */
  look(name: string): void {
    const running = this.#deps.running(name);
    const waiting = this.#waiting.get(name);
    if (waiting !== undefined) {
      if (running === waiting.up) this.#forget(name, waiting);
      return;
    }
    const before = this.#told.get(name);
    if (running === before) return;
    const delay = before === undefined ? 0 : (this.#delays.get(name)?.[running ? "up" : "down"] ?? 0);
    if (delay === 0 || before === undefined) this.#tell(name, running);
    else this.#wait(name, before, ms(this.#deps.clock.now() + delay));
  }

  #wait(name: string, up: boolean, due: Milliseconds): void {
    const deadline = new Deadline(this.#deps.clock, () => this.#onDue(name));
    this.#waiting.set(name, { up, deadline });
    deadline.arm(due);
    this.#deps.recall.set(memoryKey(name, up), due);
  }

  #onDue(name: string): void {
    const waiting = this.#waiting.get(name);
    if (waiting !== undefined) this.#forget(name, waiting);
    this.#tell(name, this.#deps.running(name));
    this.#deps.onDue(name);
  }

  #tell(name: string, up: boolean): void {
    this.#told.set(name, up);
    this.#deps.log("info", "vrrp.link", `Netlink reports ${name} ${up ? "up" : "down"}`, { interface: name, up });
  }

  #forget(name: string, { up, deadline }: Waiting): void {
    deadline.disarm();
    this.#waiting.delete(name);
    this.#deps.recall.delete(memoryKey(name, up));
  }

  [Symbol.dispose](): void {
    for (const [name, waiting] of this.#waiting) this.#forget(name, waiting);
  }
}

/**
 * A link that is down for longer than backups wait makes a second master. So the delay stays below the time that
 * down_timer_adverts - 1 adverts take, less the shortest skew; with one advert there is no time for any (keepalived.conf(5)).
 */
export function fittingDelay(delay: LinkDelay, instances: readonly VrrpInstanceConfig[]): LinkDelay {
  const limits = instances
    .filter((instance) => instance.interface === delay.interface)
    .map(({ downTimerAdverts, advertInterval }) => (downTimerAdverts - 1) * advertInterval - advertInterval / 256);
  const limit = Math.max(0, Math.min(...limits));
  return delay.down < limit ? delay : { ...delay, down: floorMs(limit) };
}

const floorMs = (time: number): Milliseconds => ms(Math.max(0, Math.floor(time)));

/** @param up what the link counts as meanwhile */
const memoryKey = (name: string, up: boolean): string => `link ${name} ${up ? "up" : "down"}`;
