import type { IpAddress } from "../address.js";
import type { AdvertLog } from "./advert-log.js";
import { AH_BYTES, readAh } from "./ah.js";
import type { Counters } from "./counters.js";
import { expectation, mayBeOld, type Receiver } from "./expectation.js";
import { secondsOf } from "./hmac-trailer.js";
import { compareIp } from "./ip-order.js";
import type { AdvertEvent } from "./machine-types.js";
import type { ReceivedAdvert } from "./packet.js";
import { type Expectation, type Finding, type RuleName, type Verdict, validate } from "./validate.js";
import { signedPart } from "./validate-hmac.js";

/** A verdict without any finding, and what it depends on. */
interface Accepted {
  readonly advert: ReceivedAdvert;
  readonly event: AdvertEvent;
  readonly config: Receiver["config"];
  readonly tracking: Receiver["tracking"];
  readonly source: IpAddress;
  readonly group: IpAddress;
}

/** Judges the adverts of one instance, counts them, and logs each kind of defect once until something changes. */
export class Intake {
  readonly #counters: Counters;
  readonly #log: AdvertLog;
  readonly #told = new Set<RuleName>();
  #lastSource: IpAddress | undefined;
  #lastEvent: AdvertEvent | undefined;
  /** The last one, until something else is heard or the state changes. */
  #accepted: Accepted | undefined;
  #skewTold: boolean = false;
  /** The last one that was not used; another object each time. */
  rejected: { readonly source: IpAddress; readonly reason: string } | undefined;

  constructor(counters: Counters, log: AdvertLog) {
    this.#counters = counters;
    this.#log = log;
  }

  /** @returns the event for the reducer; undefined when the advert is not used */
  judge(advert: ReceivedAdvert, receiver: Receiver): AdvertEvent | undefined {
    if (receiver.state.at !== "backup" && receiver.state.at !== "master") return undefined;
    const last = this.#accepted;
    if (last !== undefined && isAsBefore(last, advert, receiver)) {
      this.#counters.advert_rcvd++;
      return last.event;
    }
    this.#accepted = undefined;
    const expect = expectation(receiver);
    const verdict = this.#orOtherChecksum(validate(advert, expect), advert, receiver);
    if (verdict.is === "dropped") {
      this.rejected = { source: advert.source, reason: verdict.finding.sentence };
      this.#note(verdict.finding, receiver);
      return undefined;
    }
    this.#remember(advert, expect, receiver);
    this.#counters.advert_rcvd++;
    if (advert.priority === 0) this.#counters.pri_zero_rcvd++;
    if (advert.source !== this.#lastSource) this.forgetTold();
    this.#lastSource = advert.source;
    for (const finding of verdict.warnings) this.#note(finding, receiver);
    const event = this.#eventOf(advert, receiver.source);
    const { config, tracking, source, group } = receiver;
    if (verdict.warnings.length === 0 && isJudgedOnce(advert, config))
      this.#accepted = { advert, event, config, tracking, source, group };
    return event;
  }

  /** The same object as long as the same is said: it outlives the advert, and a thousand new ones a second would grow old. */
  #eventOf(advert: ReceivedAdvert, ownSource: IpAddress): AdvertEvent {
    const { priority, interval, source } = advert;
    const order = compareIp(source, ownSource);
    const last = this.#lastEvent;
    const isSame = last?.priority === priority && last.interval === interval && last.source === source;
    if (last !== undefined && isSame && last.order === order) return last;
    this.#lastEvent = { on: "advert", priority, interval, source, order };
    return this.#lastEvent;
  }

  /** The state changed or a new master speaks: defects are worth telling again. */
  forgetTold(): void {
    this.#told.clear();
    this.#accepted = undefined;
  }

  /** Unless told, we find out how unicast peers make their checksums; they may be of an old keepalived, or updated meanwhile. */
  #orOtherChecksum(verdict: Verdict, advert: ReceivedAdvert, receiver: Receiver): Verdict {
    const { config, wire } = receiver;
    const detects = config.unicast.oldChecksum === "detect" && mayBeOld(config) && !config.wire.checksumAsV2;
    if (verdict.is === "accepted" || verdict.finding.rule !== "checksum" || !detects) return verdict;
    wire.oldChecksum = !wire.oldChecksum;
    const other = validate(advert, expectation(receiver));
    if (other.is === "dropped") {
      wire.oldChecksum = !wire.oldChecksum;
      return verdict;
    }
    const sentence = `(${config.name}) Setting unicast VRRPv3 checksum to ${wire.oldChecksum ? "old" : "new"} version`;
    this.#log.write("checksum", "info", "vrrp.checksum", sentence, { instance: config.name });
    return other;
  }

  /** So that the same advert is not accepted again. */
  #remember(advert: ReceivedAdvert, expect: Expectation, { wire, config }: Receiver): void {
    if (expect.ah !== undefined) wire.heardAh(readAh(advert.bytes, advert.messageAt - AH_BYTES).sequence);
    const signed = signedPart(advert, expect);
    if (signed === undefined) return;
    const { trailer, hmac } = signed;
    wire.marks.accept(advert.source, trailer.sequence, config.unicastPeers.length);
    const skew = secondsOf(trailer.sequence) - Math.floor(hmac.now);
    if (hmac.config.antiReplay !== "time" || Math.abs(skew) <= hmac.config.windowSeconds / 2 || this.#skewTold) return;
    this.#skewTold = true;
    const sentence = `(${config.name}) auth_hmac: the clock of ${advert.source} differs by ${Math.abs(skew)} s from ours, adverts are dropped from ${hmac.config.windowSeconds} s on - let both follow the same time servers`;
    this.#log.write("skew", "warning", "vrrp.clock-skew", sentence, { instance: config.name });
  }

  #note(finding: Finding, { config }: Receiver): void {
    if (finding.counter !== undefined) this.#counters[finding.counter]++;
    if (this.#told.has(finding.rule)) return;
    this.#told.add(finding.rule);
    const fields = { instance: config.name, rule: finding.rule };
    this.#log.write(`bad-advert ${finding.rule}`, "info", "vrrp.bad-advert", finding.sentence, fields);
  }
}

/** The same object is the same advert (known-advert.ts). What is signed grows old, and a farewell is counted. */
const isJudgedOnce = ({ priority }: ReceivedAdvert, { wire }: Receiver["config"]): boolean =>
  priority !== 0 && !wire.ah && wire.hmac === undefined;

const isAsBefore = (last: Accepted, advert: ReceivedAdvert, { config, tracking, source, group }: Receiver): boolean =>
  last.advert === advert &&
  last.config === config &&
  last.tracking === tracking &&
  last.source === source &&
  last.group === group;
