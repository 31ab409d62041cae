import type { IpAddress } from "../address.js";
import type { VrrpInstanceConfig } from "../config/model.js";
import type { AdvertLog } from "./advert-log.js";
import type { Counters } from "./counters.js";
import { compareIpv4 } from "./ipv4.js";
import type { AdvertEvent, State } from "./machine-types.js";
import type { ReceivedAdvert } from "./packet.js";
import type { Tracking } from "./tracking.js";
import { type Expectation, type Finding, type RuleName, validate } from "./validate.js";

/** What an instance knows when an advert comes in. */
export interface Receiver {
  readonly config: VrrpInstanceConfig;
  readonly state: State;
  readonly tracking: Tracking;
  readonly source: IpAddress;
}

/** Judges the adverts of one instance, counts them, and logs each kind of defect once until something changes. */
export class Intake {
  readonly #counters: Counters;
  readonly #log: AdvertLog;
  readonly #told = new Set<RuleName>();
  #lastSource: IpAddress | undefined;
  /** The last one that was not used; another object each time. */
  rejected: { readonly source: IpAddress; readonly reason: string } | undefined;

  constructor(counters: Counters, log: AdvertLog) {
    this.#counters = counters;
    this.#log = log;
  }

  /** @returns the event for the reducer; undefined when the advert is not used */
  judge(advert: ReceivedAdvert, receiver: Receiver): AdvertEvent | undefined {
    if (receiver.state.at !== "backup" && receiver.state.at !== "master") return undefined;
    const verdict = validate(advert, expectation(receiver));
    if (verdict.is === "dropped") {
      this.rejected = { source: advert.source, reason: verdict.finding.sentence };
      this.#note(verdict.finding, receiver);
      return undefined;
    }
    this.#counters.advert_rcvd++;
    if (advert.priority === 0) this.#counters.pri_zero_rcvd++;
    if (advert.source !== this.#lastSource) this.forgetTold();
    this.#lastSource = advert.source;
    for (const finding of verdict.warnings) this.#note(finding, receiver);
    return {
      on: "advert",
      priority: advert.priority,
      interval: advert.interval,
      source: advert.source,
      order: compareIpv4(advert.source, receiver.source),
    };
  }

  /** The state changed or a new master speaks: defects are worth telling again. */
  forgetTold(): void {
    this.#told.clear();
  }

  #note(finding: Finding, receiver: Receiver): void {
    if (finding.counter !== undefined) this.#counters[finding.counter]++;
    if (this.#told.has(finding.rule)) return;
    this.#told.add(finding.rule);
    const fields = { instance: receiver.config.name, rule: finding.rule };
    this.#log.write(`bad-advert ${finding.rule}`, "info", "vrrp.bad-advert", finding.sentence, fields);
  }
}

function expectation({ config, state, tracking }: Receiver): Expectation {
  return {
    name: config.name,
    version: config.version,
    authPass: config.authPass,
    interval: config.advertInterval,
    addresses: config.virtualAddresses.map((a) => a.address),
    unicast: config.unicastPeers.length > 0,
    ignoreAdverts: config.ownerIgnoreAdverts && tracking.effective === 255,
    knownMaster: config.skipCheckAdvAddr && state.at === "backup" ? state.master?.address : undefined,
  };
}
