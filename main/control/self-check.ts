import type { CheckEdge } from "../../workers/protocol.js";
import type { Clock } from "../clock.js";
import type { Config } from "../config/model.js";
import type { ServerCheckConfig } from "../config/model-checks.js";
import type { SelfCheckConfig } from "../config/model-lvs.js";
import type { ServerCheckSpec } from "../health/director.js";
import { isPooled } from "../health/pooled.js";
import { lookAtSelf, type SelfCheckState } from "../health/self-check.js";
import { TargetCensus } from "../health/target-census.js";
import type { Log } from "../observe/log.js";
import { type CheckId, type Milliseconds, ms } from "../units.js";
import type { HostNetwork } from "../vrrp/ports.js";

/** The links of this host. */
export interface Uplinks extends Pick<HostNetwork, "link" | "subscribe">, Disposable {}

export interface SelfCheckDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Called when interfaces are named. */
  readonly open: () => Promise<Uplinks>;
  /** Every checker thread answers. */
  readonly poolAlive: () => boolean;
  readonly freeze: (frozen: boolean) => void;
  readonly onChange: (event: SelfCheckEvent) => void;
}

export interface SelfCheckEvent {
  readonly holds: boolean;
  readonly sentence: string;
  readonly config: SelfCheckConfig;
}

const LOOK_EVERY = ms(500);
const [shortestRound, longestRound] = [1000, 60_000];

/** self_check: looks after this host's own uplinks, checker threads and the crowd of failures, and holds the table. */
export class SelfCheck implements Disposable {
  readonly #deps: SelfCheckDeps;
  readonly #census = new TargetCensus();
  #config: SelfCheckConfig | undefined;
  #state: SelfCheckState = { at: "watching" };
  /** How long it takes until every check has been made, and has been tried again. */
  #round = ms(shortestRound);
  #network: Uplinks | undefined;
  #subscription: Disposable | undefined;
  #timer: Disposable | undefined;
  #holds = 0;
  #ended: boolean = false;

  constructor(deps: SelfCheckDeps) {
    this.#deps = deps;
  }

  /** Before the first edge, so that an uplink that is down already is known. */
  async configure({ global: { selfCheck } }: Pick<Config, "global">): Promise<void> {
    this.#config = selfCheck;
    if (selfCheck === undefined) return this.#letGo();
    if (selfCheck.interfaces.length > 0 && this.#network === undefined) await this.#openNetwork();
    if (this.#ended) return this[Symbol.dispose]();
    this.#look();
    this.#timer ??= this.#later();
  }

  /** What fails here must not keep a reload from what it has still to write and to check. */
  async #openNetwork(): Promise<void> {
    try {
      this.#network = await this.#deps.open();
      this.#subscription = this.#network.subscribe(() => this.#look());
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const sentence = `self_check: the uplinks cannot be looked at: ${why}: nothing is held when one is down - reload to try again`;
      this.#deps.log("error", "self-check.blind", sentence, { why });
    }
  }

  /** @param checks all that there are; read a step at a time */
  *count(checks: Iterable<ServerCheckSpec>): Generator<void> {
    if (this.#config === undefined) return;
    const hosts = new Set<string>();
    let round = shortestRound;
    for (const { check } of checks) {
      const host = hostOf(check);
      if (host !== undefined) hosts.add(host);
      if (isPooled(check)) {
        const { delayLoop, retry, connectTimeout, delayBeforeRetry } = check.timing;
        round = Math.max(round, delayLoop + (retry + 1) * (connectTimeout + delayBeforeRetry));
      }
      yield;
    }
    this.#census.hosts = hosts.size;
    this.#round = ms(Math.min(longestRound, round));
  }

  /** Before the director hears of them. */
  onEdges(edges: readonly CheckEdge[], specOf: (id: CheckId) => ServerCheckSpec | undefined): void {
    if (this.#config === undefined) return;
    const now = this.#deps.clock.now();
    for (const { id, up } of edges) {
      const spec = specOf(id);
      const host = spec && hostOf(spec.check);
      if (spec !== undefined && host !== undefined) this.#census.edge({ id, host, groups: spec.groups }, up, now);
    }
    this.#look();
  }

  forget(removed: Iterable<CheckId>): void {
    for (const id of removed) this.#census.forget(id);
  }

  /** Undefined: it is off. */
  status(): { readonly state: SelfCheckState["at"]; readonly holds: number; readonly trouble: string } | undefined {
    if (this.#config === undefined) return undefined;
    return { state: this.#state.at, holds: this.#holds, trouble: this.#trouble(this.#config) };
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    this.#timer?.[Symbol.dispose]();
    this.#subscription?.[Symbol.dispose]();
    this.#network?.[Symbol.dispose]();
    this.#network = undefined;
  }

  #later(): Disposable {
    return this.#deps.clock.after(LOOK_EVERY, () => {
      if (this.#config === undefined) {
        this.#timer = undefined;
        return;
      }
      this.#timer = this.#later();
      this.#look();
    });
  }

  #letGo(): void {
    if (this.#state.at === "holding") this.#deps.freeze(false);
    this.#state = { at: "watching" };
    this.#census.clear();
  }

  /** Empty: none. */
  #trouble({ interfaces, most }: SelfCheckConfig): string {
    const uplinks = interfaces.map((name) => ({ name, link: this.#network?.link(name) }));
    const down = uplinks.filter(({ link }) => link?.running !== true);
    const crowd = this.#census.crowd(ms(this.#deps.clock.now() - this.#round), most);
    return [
      ...(this.#network === undefined
        ? []
        : down.map(({ name, link }) => `uplink ${name} ${link ? "is down" : "does not exist"}`)),
      ...(this.#deps.poolAlive() ? [] : ["a checker thread does not answer"]),
      ...(crowd === undefined
        ? []
        : [`${crowd.failed} of ${crowd.of} hosts have failed within ${this.#round / 1000} s`]),
    ].join(", ");
  }

  #look(): void {
    const config = this.#config;
    if (config === undefined || this.#ended) return;
    const trouble = this.#trouble(config);
    const now: Milliseconds = this.#deps.clock.now();
    const { state, change } = lookAtSelf(config, this.#round, this.#state, trouble !== "", now);
    this.#state = state;
    const seconds = config.hold / 1000;
    switch (change) {
      case "none":
        return;
      case "hold":
        this.#holds += 1;
        this.#deps.freeze(true);
        this.#tell(config, true, `self_check: ${trouble}: holding the table, for ${seconds} s at most`);
        return;
      case "over":
        this.#deps.freeze(false);
        this.#tell(config, false, "self_check: the trouble is over: the table is no longer held");
        return;
      case "spent":
        this.#deps.freeze(false);
        this.#tell(config, false, `self_check: held for ${seconds} s, which is all that may be: who is down goes now`);
        return;
      case "rearmed":
        this.#deps.log("notice", "self-check.rearmed", "self_check: the trouble is over");
    }
  }

  #tell(config: SelfCheckConfig, holds: boolean, sentence: string): void {
    this.#deps.log("warning", holds ? "self-check.hold" : "self-check.end", sentence);
    this.#deps.onChange({ holds, sentence, config });
  }
}

/** What is on this host, as a file is, says nothing of the network. */
const hostOf = (check: ServerCheckConfig): string | undefined => ("target" in check ? check.target.address : undefined);
