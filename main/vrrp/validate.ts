import { timingSafeEqual } from "node:crypto";
import type { IpAddress } from "../address.js";
import type { Milliseconds } from "../units.js";
import { AH_BYTES, checkValue, readAh } from "./ah.js";
import { advertChecksum, type ChecksumForm } from "./checksum.js";
import type { CounterName } from "./counters.js";
import { HMAC_BYTES } from "./hmac-trailer.js";
import { IPPROTO_AH, IPPROTO_VRRP, toGroup } from "./ip-header.js";
import { AUTH_DATA, authData, authTypeOf, authTypes, messageBytes, type ReceivedAdvert, VRRP_TTL } from "./packet.js";
import { type HmacExpectation, hmacRules } from "./validate-hmac.js";

/** What an instance accepts at this moment. */
export interface Expectation {
  readonly name: string;
  readonly version: 2 | 3;
  readonly authPass: string | undefined;
  readonly interval: Milliseconds;
  readonly addresses: readonly IpAddress[];
  readonly unicast: boolean;
  /** owner_ignore_adverts, and we are the owner at full priority. */
  readonly ignoreAdverts: boolean;
  /** skip_check_adv_addr in BACKUP: adverts of this master have been compared before. */
  readonly knownMaster: IpAddress | undefined;
  /** auth_type AH: the highest sequence number that was sent or heard. */
  readonly ah?: { readonly sequence: number } | undefined;
  readonly hmac?: HmacExpectation | undefined;
  readonly checksum?: ChecksumForm;
  /** check_unicast_src: from whom adverts are taken, and how far away each may be. */
  readonly peers?: readonly PeerLimits[] | undefined;
}

export interface PeerLimits {
  readonly address: IpAddress;
  readonly leastTtl: number;
  readonly mostTtl: number;
}

/** One rule that an advert broke. */
export interface Finding {
  readonly rule: RuleName;
  readonly counter: CounterName | undefined;
  readonly sentence: string;
}

export type Verdict =
  | { readonly is: "accepted"; readonly warnings: readonly Finding[] }
  | { readonly is: "dropped"; readonly finding: Finding };

export interface Rule {
  readonly name: string;
  readonly counter: CounterName | undefined;
  /** A warning is logged and counted, and the advert is used all the same. */
  readonly onFailure: "drop" | "warn";
  /** @returns what is wrong, undefined when nothing */
  readonly check: (advert: ReceivedAdvert, expect: Expectation) => string | undefined;
}

/** Smallest payload of an Ethernet frame: shorter packets may come with padding. */
const ETHERNET_MINIMUM = 46;

/** Applied in this order, which is keepalived's: the first failure decides which counter grows. RFC 5798 §7.1. */
const rules = [
  {
    name: "ah-present",
    counter: "authtype_mismatch",
    onFailure: "drop",
    check: (a, e) => {
      if ((a.protocol === IPPROTO_AH) === (e.ah !== undefined)) return undefined;
      return e.ah === undefined ? "Received AH header but auth type not AH" : "No AH header but auth type AH";
    },
  },
  { name: "length", counter: "packet_len_err", onFailure: "drop", check: wrongLength },
  {
    name: "ttl",
    counter: "ip_ttl_err",
    onFailure: "drop",
    check: (a, e) =>
      e.unicast || a.ttl === VRRP_TTL ? undefined : `invalid TTL/HL. Received ${a.ttl} and expect ${VRRP_TTL}`,
  },
  {
    name: "version",
    counter: "vers_err",
    onFailure: "drop",
    check: (a, e) =>
      a.version === e.version ? undefined : `wrong version. Received ${a.version} and expect ${e.version}`,
  },
  ...hmacRules,
  {
    name: "auth-type-known",
    counter: "invalid_authtype",
    onFailure: "drop",
    check: (a, e) => (e.version === 3 || a.authType <= authTypes.ah ? undefined : `Invalid auth type: ${a.authType}`),
  },
  { name: "auth-type", counter: "authtype_mismatch", onFailure: "drop", check: wrongAuthType },
  {
    name: "auth-data",
    counter: "auth_failure",
    onFailure: "drop",
    check: (a, e) => (e.version === 3 || passwordMatches(a, e) ? undefined : "received an invalid passwd!"),
  },
  {
    name: "ah",
    counter: "auth_failure",
    onFailure: "drop",
    check: (a, e) => (e.ah === undefined ? undefined : wrongAh(a, e, e.ah.sequence)),
  },
  {
    name: "interval-v2",
    counter: "advert_interval_err", // keepalived counts it nowhere
    onFailure: "drop",
    check: (a, e) => (e.version === 2 ? wrongInterval(a, e, 1000, "sec") : undefined),
  },
  {
    name: "type",
    counter: "invalid_type_rcvd",
    onFailure: "drop",
    check: (a) => (a.type === 1 ? undefined : `Invalid packet type. ${a.type} and expect 1`),
  },
  { name: "total-length", counter: "packet_len_err", onFailure: "drop", check: wrongTotalLength },
  {
    name: "interval-v3",
    counter: undefined,
    onFailure: "warn",
    check: (a, e) => (e.version === 3 ? wrongInterval(a, e, 1, "milli-sec") : undefined),
  },
  { name: "checksum", counter: "chk_err", onFailure: "drop", check: wrongChecksum },
  { name: "cast", counter: "addr_list_err", onFailure: "drop", check: wrongCast },
  {
    name: "owner-ignores",
    counter: undefined,
    onFailure: "drop",
    check: (a, e) => (e.ignoreAdverts ? `ignoring advert from ${a.source}: owner_ignore_adverts is set` : undefined),
  },
  { name: "address-count", counter: "addr_list_err", onFailure: "warn", check: wrongAddressCount },
  { name: "address-set", counter: "addr_list_err", onFailure: "warn", check: missingAddress },
  {
    name: "unicast-source",
    counter: undefined,
    onFailure: "drop",
    check: (a, e) =>
      e.peers === undefined || e.peers.some((peer) => peer.address === a.source)
        ? undefined
        : `unicast source address ${a.source} not a unicast peer`,
  },
  { name: "unicast-ttl", counter: "ip_ttl_err", onFailure: "drop", check: outsideTtlLimits },
] as const satisfies readonly Rule[];

export type RuleName = (typeof rules)[number]["name"];
export const ruleNames: readonly RuleName[] = rules.map((rule) => rule.name);

/** Pure; never throws, whatever the advert holds. */
export function validate(advert: ReceivedAdvert, expect: Expectation): Verdict {
  const warnings: Finding[] = [];
  for (const rule of rules) {
    const problem = rule.check(advert, expect);
    if (problem === undefined) continue;
    const finding = { rule: rule.name, counter: rule.counter, sentence: `(${expect.name}) ${problem}` };
    if (rule.onFailure === "drop") return { is: "dropped", finding };
    warnings.push(finding);
  }
  return { is: "accepted", warnings };
}

const expectedLength = (a: ReceivedAdvert, e: Expectation): number =>
  a.messageAt + messageBytes(a.family, e.version, a.addressCount);

/** A trailer is one only where auth_hmac is configured, and nothing else is added. */
const hasTrailer = (a: ReceivedAdvert, e: Expectation): boolean =>
  e.hmac !== undefined && a.bytes.length === expectedLength(a, e) + HMAC_BYTES;

function wrongLength(a: ReceivedAdvert, e: Expectation): string | undefined {
  const expected = expectedLength(a, e);
  const received = a.bytes.length;
  const padded = expected < ETHERNET_MINIMUM && received > expected && (received - expected) % 4 === 2;
  if (received === expected || padded || hasTrailer(a, e)) return undefined;
  return `vrrp packet too ${received < expected ? "short" : "long"}, length ${received} and expect ${expected}`;
}

function wrongTotalLength(a: ReceivedAdvert): string | undefined {
  const received = a.bytes.length;
  if (a.totalLength === received || (a.totalLength < received && received <= ETHERNET_MINIMUM)) return undefined;
  return `ip_tot_len mismatch against received length. ${a.totalLength} and received ${received}`;
}

function wrongAuthType(a: ReceivedAdvert, e: Expectation): string | undefined {
  const own = authTypeOf({ authPass: e.authPass, ah: e.ah !== undefined });
  return e.version === 3 || a.authType === own ? undefined : `received a ${a.authType} auth, expecting ${own}!`;
}

/** In constant time, so that answers do not tell how many octets were right. */
function passwordMatches(a: ReceivedAdvert, e: Expectation): boolean {
  if (e.authPass === undefined || e.ah !== undefined || a.family === "inet6") return true;
  const end = expectedLength(a, e);
  return timingSafeEqual(a.bytes.subarray(end - AUTH_DATA, end), authData(e.authPass));
}

function wrongInterval(a: ReceivedAdvert, e: Expectation, unit: number, name: string): string | undefined {
  const [mine, theirs] = [Math.round(e.interval / unit), Math.round(a.interval / unit)];
  return mine === theirs ? undefined : `advertisement interval mismatch mine=${mine} ${name} rcv'd=${theirs} ${name}`;
}

/** RFC 4302 §3.4: check value first, then who sent it, then whether it is new. */
function wrongAh(a: ReceivedAdvert, e: Expectation, last: number): string | undefined {
  const at = a.messageAt - AH_BYTES;
  const ah = readAh(a.bytes, at);
  if (ah.nextHeader !== IPPROTO_VRRP) return `IPSEC-AH : next header is ${ah.nextHeader} and not VRRP`;
  const want = checkValue(a.bytes.subarray(0, expectedLength(a, e)), at, authData(e.authPass), e.unicast);
  if (!timingSafeEqual(ah.icv, want))
    return "IPSEC-AH : invalid IPSEC HMAC-MD5 value. Due to fields mutation or bad password !";
  if (!ah.fromSource) return "IPSEC-AH : Invalid IPSEC SPI value. it is not the source address";
  if (ah.sequence > last) return undefined;
  return `IPSEC-AH : sequence number ${ah.sequence} already processed. Packet dropped. Local(${last})`;
}

function wrongChecksum(a: ReceivedAdvert, e: Expectation): string | undefined {
  // Over IPv6 the trailer is covered too. The kernel has dropped what is wrong there; nobody else need to trust it.
  const to = a.family === "inet6" ? a.bytes.length : expectedLength(a, e);
  const form = e.version === 3 ? e.checksum : undefined;
  const isRight = (one: ChecksumForm | undefined): boolean =>
    advertChecksum(e.version, a.bytes, a.messageAt, to, one) === 0;
  // Routers change to v3_checksum_as_v2 one after the other: either form is right then.
  return isRight(form) || (form === "as-v2" && isRight("standard")) ? undefined : `Invalid VRRPv${e.version} checksum`;
}

function outsideTtlLimits(a: ReceivedAdvert, e: Expectation): string | undefined {
  const peer = e.peers?.find(({ address }) => address === a.source);
  if (peer === undefined || (a.ttl >= peer.leastTtl && a.ttl <= peer.mostTtl)) return undefined;
  return `TTL/HL ${a.ttl} of unicast peer ${a.source} is outside of ${peer.leastTtl}..${peer.mostTtl}`;
}

function wrongCast(a: ReceivedAdvert, e: Expectation): string | undefined {
  const unicast = !toGroup(a.bytes);
  if (unicast === e.unicast) return undefined;
  const name = (is: boolean) => (is ? "unicast" : "multicast");
  return `Expected ${name(e.unicast)} packet but received ${name(unicast)} packet`;
}

function wrongAddressCount(a: ReceivedAdvert, e: Expectation): string | undefined {
  if (a.addressCount === e.addresses.length) return undefined;
  return `received an unexpected ip number count ${a.addressCount}, expected ${e.addresses.length}!`;
}

function missingAddress(a: ReceivedAdvert, e: Expectation): string | undefined {
  if (a.addressCount !== e.addresses.length || a.source === e.knownMaster) return undefined;
  const missing = e.addresses.find((address) => !a.addresses.includes(address));
  if (missing === undefined) return undefined;
  return `ip address associated with VRID ${a.vrid} not present in MASTER advert: ${missing}`;
}
