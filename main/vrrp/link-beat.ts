import type { Clock } from "../clock.js";
import type { Config } from "../config/model.js";
import type { LinkbeatMethod } from "../config/model-vrrp.js";
import type { Log } from "../observe/log.js";
import { type Milliseconds, ms } from "../units.js";
import { Deadline } from "./deadline.js";
import type { LinkPoller } from "./ports.js";
import { errnoText } from "./system-error.js";
import type { TrackRecall } from "./track-memory.js";
import { trackedLinks } from "./tracking.js";

/** From an answer to the next question, as in keepalived. */
const INTERVAL: Milliseconds = ms(1000);

export interface LinkBeatDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly poll: LinkPoller;
  readonly recall: TrackRecall;
  /** The link went up or down, as far as polling shows it. */
  readonly onEdge: (name: string) => void;
}

interface Polled {
  readonly method: LinkbeatMethod;
  answered: LinkbeatMethod | undefined;
  readonly wake: Deadline;
  /** Undefined: no answer yet, or none to be had. */
  up: boolean | undefined;
  told: string;
}

/** Pure: which interfaces are polled, and how. A virtual interface has no link of its own. */
export function polledLinks(config: Config): ReadonlyMap<string, LinkbeatMethod> {
  const { vrrpInstances, linkSettings } = config;
  const polled = new Map<string, LinkbeatMethod>();
  for (const instance of vrrpInstances) {
    if (instance.extras.linkbeatPolling && instance.interface !== "") polled.set(instance.interface, "auto");
    if (config.process.linkbeatUsePolling) for (const name of trackedLinks(instance)) polled.set(name, "auto");
  }
  for (const { interface: name, method } of linkSettings.linkbeat) polled.set(name, method);
  for (const { virtualInterface, virtualAddresses, excludedAddresses } of vrrpInstances) {
    if (virtualInterface.own?.name !== undefined) polled.delete(virtualInterface.own.name);
    for (const { dev, more } of [...virtualAddresses, ...excludedAddresses])
      if (dev !== undefined && more.base !== undefined) polled.delete(dev);
  }
  return polled;
}

/**
 * Links of drivers that tell nobody when the cable is pulled are asked for once a second, in other threads. What netlink says
 * counts beside it: a link is up when both say so.
 */
export class LinkBeat implements Disposable {
  readonly #deps: LinkBeatDeps;
  readonly #polled = new Map<string, Polled>();

  constructor(deps: LinkBeatDeps) {
    this.#deps = deps;
  }

  /** Start and reload. */
  configure(wanted: ReadonlyMap<string, LinkbeatMethod>): void {
    for (const [name, polled] of this.#polled) if (wanted.get(name) !== polled.method) this.#forget(name, polled);
    for (const [name, method] of wanted) {
      if (this.#polled.has(name)) continue;
      const wake = new Deadline(this.#deps.clock, () => void this.#ask(name, polled));
      const wasDown = this.#deps.recall.known(memoryKey(name)) !== undefined;
      const polled: Polled = {
        method,
        answered: undefined,
        wake,
        up: wasDown ? false : undefined,
        told: "",
      };

      this.#polled.set(name, polled);
      this.#remember(name);
      void this.#ask(name, polled);
    }
  }

  /** How it is asked for, as far as an answer has shown it; undefined: it is not. */
  method(name: string): LinkbeatMethod | undefined {
    const polled = this.#polled.get(name);
    return polled && (polled.answered ?? polled.method);
  }

  /** False: polling shows that the link is down. */
  up(name: string): boolean {
    return this.#polled.get(name)?.up !== false;
  }

  async #ask(name: string, polled: Polled): Promise<void> {
    const { errno, up, method } = await this.#deps.poll(name, polled.method);
    if (this.#polled.get(name) !== polled) return;
    polled.wake.arm(ms(this.#deps.clock.now() + INTERVAL));
    const before = this.up(name);
    polled.up = errno === 0 ? up : undefined;
    polled.answered = errno === 0 ? method : undefined;
    this.#tell(
      name,
      polled,
      errno === 0 ? `its link is asked for by ${method}` : `its link cannot be asked for: ${errnoText(errno)}`,
    );
    if (this.up(name) === before) return;
    this.#remember(name);
    const sentence = `Linkbeat reports ${name} ${before ? "down" : "up"}`;
    this.#deps.log("info", "vrrp.linkbeat", sentence, { interface: name, up: !before });
    this.#deps.onEdge(name);
  }

  /** Once, until it changes. */
  #tell(name: string, polled: Polled, what: string): void {
    if (polled.told === what) return;
    polled.told = what;
    this.#deps.log("info", "vrrp.linkbeat", `${name}: ${what}`, { interface: name });
  }

  #remember(name: string): void {
    if (this.up(name)) this.#deps.recall.delete(memoryKey(name));
    else this.#deps.recall.set(memoryKey(name), 0);
  }

  #forget(name: string, { wake }: Polled): void {
    wake.disarm();
    this.#polled.delete(name);
    this.#deps.recall.delete(memoryKey(name));
  }

  [Symbol.dispose](): void {
    for (const [name, polled] of this.#polled) this.#forget(name, polled);
  }
}

/** Of a link that is down: until the first answer a link counts as up. */
const memoryKey = (name: string): string => `linkbeat ${name}`;
