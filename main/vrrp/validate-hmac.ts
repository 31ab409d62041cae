import { timingSafeEqual } from "node:crypto";
import type { HmacConfig } from "../config/model-vrrp.js";
import { HMAC_BYTES, isWellFormed, readTrailer, secondsOf, type Trailer, trailerCode } from "./hmac-trailer.js";
import { messageBytes, type ReceivedAdvert } from "./packet.js";
import type { Expectation, Rule } from "./validate.js";
import type { ReplayMarks } from "./wire-state.js";

/** What an instance with auth_hmac accepts at this moment. */
export interface HmacExpectation {
  readonly config: HmacConfig;
  readonly marks: ReplayMarks;
  /** Seconds since 1970. */
  readonly now: number;
  /** Unicast: from whom adverts are taken. Undefined: from everybody. */
  readonly senders: readonly string[] | undefined;
}

/** An advert with a trailer, and what is expected of it. */
interface Signed {
  readonly advert: ReceivedAdvert;
  readonly end: number;
  readonly trailer: Trailer;
  readonly hmac: HmacExpectation;
}

/** Undefined when there is nothing to check: no auth_hmac, or no trailer (which is another rule's matter). */
export function signedPart(advert: ReceivedAdvert, expect: Expectation): Signed | undefined {
  const { hmac } = expect;
  const end = advert.messageAt + messageBytes(advert.family, expect.version, advert.addressCount);
  if (hmac === undefined || advert.bytes.length !== end + HMAC_BYTES) return undefined;
  return { advert, end, trailer: readTrailer(advert.bytes, end), hmac };
}

const signed =
  (check: (signed: Signed) => string | undefined): Rule["check"] =>
  (advert, expect) => {
    const part = signedPart(advert, expect);
    return part === undefined ? undefined : check(part);
  };

/** In keepalived's order: what costs little first, so that a flood of forged adverts costs no HMAC each. */
export const hmacRules = [
  {
    name: "hmac-sender",
    counter: undefined,
    onFailure: "drop",
    check: ({ source }, { hmac }) =>
      hmac?.senders === undefined || hmac.senders.includes(source)
        ? undefined
        : `auth_hmac: unicast source address ${source} not a unicast peer`,
  },
  {
    name: "hmac-missing",
    counter: "auth_ext_missing",
    onFailure: "drop",
    check: (advert, expect) =>
      expect.hmac?.config.mode === "enforce" && signedPart(advert, expect) === undefined
        ? "auth_hmac: the advert is not signed"
        : undefined,
  },
  {
    name: "hmac-malformed",
    counter: "auth_ext_malformed",
    onFailure: "drop",
    check: signed(({ trailer }) => (isWellFormed(trailer) ? undefined : "auth_hmac: the trailer is malformed")),
  },
  {
    name: "hmac-stale",
    counter: "auth_ext_stale",
    onFailure: "drop",
    check: signed(({ trailer, hmac: { config, now } }) => {
      if (config.antiReplay === "monotonic") return undefined;
      const skew = secondsOf(trailer.sequence) - Math.floor(now);
      if (Math.abs(skew) <= config.windowSeconds) return undefined;
      return `auth_hmac: the advert is ${Math.abs(skew)} s ${skew < 0 ? "old" : "ahead of our clock"}, time_window is ${config.windowSeconds} s - compare the clocks of the routers`;
    }),
  },
  {
    name: "hmac-key",
    counter: "auth_ext_unknown_key",
    onFailure: "drop",
    check: signed(({ trailer, hmac }) =>
      hmac.config.keys.some(({ id }) => id === trailer.keyId)
        ? undefined
        : `auth_hmac: key ${trailer.keyId} is not configured here`,
    ),
  },
  {
    name: "hmac",
    counter: "auth_ext_invalid_hmac",
    onFailure: "drop",
    check: signed(({ advert, end, trailer, hmac }) => {
      const key = hmac.config.keys.find(({ id }) => id === trailer.keyId);
      if (key === undefined) return undefined; // the rule before
      const want = trailerCode(advert.bytes, advert.messageAt, end, key.bytes);
      return timingSafeEqual(want, trailer.code) ? undefined : `auth_hmac: invalid HMAC with key ${trailer.keyId}`;
    }),
  },
  {
    name: "hmac-replay",
    counter: "auth_ext_replay",
    onFailure: "drop",
    check: signed(({ advert, trailer, hmac: { config, marks, now } }) => {
      const window = config.antiReplay === "time" ? config.windowSeconds : undefined;
      return marks.isReplay(advert.source, trailer.sequence, now, window)
        ? "auth_hmac: the advert is a replay"
        : undefined;
    }),
  },
] as const satisfies readonly Rule[];
