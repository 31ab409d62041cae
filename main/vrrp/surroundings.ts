import type { IpAddress } from "../address.js";
import type { VrrpInstanceConfig } from "../config/model.js";
import { type Milliseconds, ms } from "../units.js";
import type { Advertiser } from "./advertiser.js";
import { Deadline } from "./deadline.js";
import type { InstanceDeps } from "./instance-types.js";
import { trackMore } from "./more-tracking.js";
import { chooseSource, sourceIsLost } from "./source.js";
import { type HostView, lacksPeers, type Tracking, track } from "./tracking.js";
import { advertInterface } from "./vip-interface.js";

const SOCKET_RETRY: Milliseconds = ms(5000);

/** What one instance sees of its host: source address, way for adverts, trackers. Keeps the advertiser's socket fit. */
export class Surroundings implements Disposable {
  readonly #deps: InstanceDeps;
  readonly #advertiser: Advertiser;
  readonly #retry: Deadline;
  #source: IpAddress | undefined;
  #socketProblem: string | undefined;

  /** @param onRetry the socket could not be opened a while ago: look again */
  constructor(deps: InstanceDeps, advertiser: Advertiser, onRetry: () => void) {
    this.#deps = deps;
    this.#advertiser = advertiser;
    this.#retry = new Deadline(deps.clock, onRetry);
  }

  get source(): IpAddress | undefined {
    return this.#source;
  }

  look(key: string, config: VrrpInstanceConfig, group: IpAddress): Tracking {
    const { network, groups } = this.#deps;
    const link = network.link(config.interface);
    const addresses = link === undefined ? [] : network.addresses(link.index);
    const virtual = this.#deps.virtualAddresses();
    const lost = sourceIsLost(config, network, virtual);
    if (lost && this.#source !== undefined) this.#reportLoss(config);
    this.#source = lost ? undefined : chooseSource(config, addresses, virtual);
    const problem = this.#openSocket(config, group);
    if (problem !== undefined && problem !== this.#socketProblem) this.#report(config, problem);
    this.#socketProblem = problem;
    if (problem === undefined) this.#retry.disarm();
    else this.#retry.arm(ms(this.#deps.clock.now() + SOCKET_RETRY));
    const watched = groups.watched(key, config);
    const view: HostView = {
      linkUp: this.#deps.linkUp,
      script: this.#deps.script,
      hasSource: this.#source !== undefined,
      socketProblem: this.#socketProblem,
    };
    return groups.share(key, track(watched, view, trackMore(watched.track, this.#deps.trackers)));
  }

  /** Without source or interface the socket stays open only for a farewell; afterwards this closes it. */
  settle(config: VrrpInstanceConfig): void {
    if (this.#source === undefined || !this.#hasLink(config)) this.#advertiser.close();
  }

  #hasLink(config: VrrpInstanceConfig): boolean {
    const name = advertInterface(config);
    return name === "" || this.#deps.network.link(name) !== undefined;
  }

  #openSocket(config: VrrpInstanceConfig, group: IpAddress): string | undefined {
    if (this.#source === undefined || lacksPeers(config)) return undefined; // faults of their own
    if (!this.#hasLink(config)) return `interface ${advertInterface(config)} does not exist`;
    const link = this.#deps.network.link(advertInterface(config));
    return this.#advertiser.prepare(config, { link, source: this.#source, group });
  }

  #reportLoss({ name, sourceAddress }: VrrpInstanceConfig): void {
    const sentence = `(${name}) source address ${sourceAddress} was deleted and is on no interface, which track_src_ip makes a fault: put it back with \`ip addr add\``;
    this.#deps.log("warning", "vrrp.source-lost", sentence, { instance: name });
  }

  #report(config: VrrpInstanceConfig, problem: string): void {
    const seconds = SOCKET_RETRY / 1000;
    const sentence = `(${config.name}) cannot send or receive adverts: ${problem}; retrying every ${seconds} s`;
    this.#deps.log("error", "vrrp.socket-failed", sentence, { instance: config.name });
  }

  [Symbol.dispose](): void {
    this.#retry.disarm();
    this.#advertiser.close();
  }
}
