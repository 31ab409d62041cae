import type { Family } from "../../address.js";
import type { NameTable } from "../iproute-names.js";
import type { Named } from "../keywords/named.js";
import type { RuleDraft } from "../keywords/rule-line.js";
import type { RuleAction, RuleConfig } from "../model-routes.js";
import { interfaceIsThere, type LookUp, numberOf, realmsOf } from "./names.js";
import { PROTOCOL } from "./routes.js";

/** Positions of rules that name none: downwards, in each family. One per load. */
export class RulePreferences {
  readonly #next: Record<Family, number> = { inet: 16_384, inet6: 16_384 };

  take(family: Family): number {
    return this.#next[family]--;
  }
}

/** A rule with its names looked up; undefined when keepalived drops it too, after reporting. */
export function finishRule(draft: RuleDraft, preferences: RulePreferences, lookUp: LookUp): RuleConfig | undefined {
  const family = draft.family ?? "inet";
  const action = actionOf(draft, lookUp);
  const selectors = action === undefined ? undefined : selectorsOf(draft, family, lookUp);
  if (action === undefined || selectors === undefined) return undefined;
  const { tracked, protocol } = trackingOf(draft, lookUp);
  return {
    family,
    ...selectors,
    from: draft.from,
    to: draft.to,
    not: draft.not ?? false,
    preference: preferenceOf(draft, family, preferences, lookUp),
    fwmark: draft.fwmark,
    tunnelId: draft.tunnelId,
    uids: draft.uids,
    sourcePorts: draft.sourcePorts,
    destinationPorts: draft.destinationPorts,
    action,
    suppressPrefixLength: draft.suppressPrefixLength,
    protocol,
    tracked,
    trackGroup: tracked && draft.inputDevice !== undefined ? draft.trackGroup?.text : undefined,
  };
}

function actionOf({ action, at }: RuleDraft, lookUp: LookUp): RuleAction | undefined {
  if (action === undefined || action.do !== "table") return action;
  const says = `Routing table ${action.table.text} not found for rule - the rule is left out`;
  const table = numberOf("rt_tables", action.table, 0xffff_ffff, says, lookUp);
  if (table === undefined) return undefined;
  if (table > 0) return { do: "table", table };
  lookUp.diagnostics.error("CFG_BAD_VALUE", at, "Table 0 is not valid - the rule is left out", "write 1..4294967295");
  return undefined;
}

type Selectors = Pick<RuleConfig, "tos" | "inputDevice" | "outputDevice" | "ipProtocol" | "realms" | "suppressGroup">;

function selectorsOf(draft: RuleDraft, family: Family, lookUp: LookUp): Selectors | undefined {
  const { tos, realms, suppressGroup, ipProtocol, inputDevice, outputDevice } = draft;
  /** Null: it is not given. Undefined: it cannot be found. */
  const find = (table: NameTable, given: Named | undefined, most: number, says: string): number | null | undefined =>
    given === undefined ? null : numberOf(table, given, most, says, lookUp);
  for (const device of [inputDevice, outputDevice]) {
    if (device !== undefined && !interfaceIsThere(device, "rule", lookUp)) return undefined;
  }
  const dropped = "the rule is left out";
  const tosNumber = find("rt_dsfield", tos, 255, `TOS value ${tos?.text} is invalid - ${dropped}`);
  const group = find(
    "group",
    suppressGroup,
    0xffff_ffff,
    `suppress_group ${suppressGroup?.text} is invalid - ${dropped}`,
  );
  const found = realms === undefined ? null : realmsOf(realms, dropped, lookUp);
  if (tosNumber === undefined || group === undefined || found === undefined) return undefined;
  if (found !== null && family === "inet6") {
    lookUp.diagnostics.error("CFG_BAD_VALUE", draft.at, `realms is only valid for IPv4 - ${dropped}`, "remove realms");
    return undefined;
  }
  return {
    tos: tosNumber ?? 0,
    inputDevice: inputDevice?.text,
    outputDevice: outputDevice?.text,
    ipProtocol: ipProtocol && protocolOf(ipProtocol.text, ipProtocol.at, lookUp),
    realms: found ?? undefined,
    suppressGroup: group ?? undefined,
  };
}

/** What every host has; /etc/protocols adds the rest. */
const protocols: Readonly<Record<string, number>> = {
  icmp: 1,
  tcp: 6,
  udp: 17,
  dccp: 33,
  gre: 47,
  esp: 50,
  ah: 51,
  "ipv6-icmp": 58,
  icmpv6: 58,
  vrrp: 112,
  sctp: 132,
  udplite: 136,
};

function protocolOf(text: string, at: RuleDraft["at"], { host, diagnostics }: LookUp): number | undefined {
  const number = /^\d{1,3}$/.test(text) ? Number(text) : (protocols[text.toLowerCase()] ?? listed(text, host));
  if (number !== undefined && number <= 255) return number;
  const message = `Invalid ipproto ${text} - ignoring`;
  diagnostics.error("CFG_BAD_VALUE", at, message, "write 0..255, or a name of /etc/protocols");
  return undefined;
}

function listed(name: string, host: LookUp["host"]): number | undefined {
  const file = host.readFile("/etc/protocols");
  if (file.kind !== "content") return undefined;
  for (const line of Buffer.from(file.bytes).toString().split("\n")) {
    const [first, number, ...aliases] = line.replace(/#.*$/, "").trim().split(/\s+/);
    if (first === name || aliases.includes(name)) return Number(number);
  }
  return undefined;
}

function preferenceOf(
  { preference, at }: RuleDraft,
  family: Family,
  preferences: RulePreferences,
  { diagnostics }: LookUp,
): number {
  if (preference !== undefined) return preference;
  const taken = preferences.take(family);
  const message = `Rule has no preference specified - setting to ${taken}. This is probably not what you want.`;
  diagnostics.warn("CFG_ADJUSTED", at, message, "write: preference <number>");
  return taken;
}

function trackingOf(draft: RuleDraft, { diagnostics }: LookUp): { tracked: boolean; protocol: number } {
  if (draft.noTrack === true) return { tracked: false, protocol: draft.protocol ?? PROTOCOL };
  if (draft.protocol !== undefined && draft.protocol !== PROTOCOL) {
    const message = "Rule cannot be tracked if protocol is not RTPROT_KEEPALIVED(18), resetting protocol";
    diagnostics.warn("CFG_ADJUSTED", draft.at, message, "write no_track, or remove protocol");
  }
  return { tracked: true, protocol: PROTOCOL };
}
