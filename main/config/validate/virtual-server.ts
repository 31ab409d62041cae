import type { Family, IpAddress } from "../../address.js";
import { bytesOfIp } from "../../ip-bytes.js";
import type { Diagnostics } from "../diagnostics.js";
import { plainTunnel } from "../keywords/forwarding.js";
import type { GlobalDraft } from "../keywords/global-defs.js";
import type { VirtualServerDraft } from "../keywords/virtual-server.js";
import type { VirtualServerConfig } from "../model.js";
import type {
  CheckerTlsConfig,
  ForwardingConfig,
  GroupEntry,
  ServiceIpvsConfig,
  VirtualServerGroupConfig,
} from "../model-lvs.js";
import type { ScriptResolver } from "../scripts.js";
import { DELAY_LOOP, noteFastInterval } from "./fast-interval.js";
import type { PatternChecker } from "./patterns.js";
import { persistenceOf, quorumOf, sorryServerOf } from "./pool.js";
import { finishRealServers } from "./real-servers.js";
import { removalFloorOf } from "./removal-floor.js";
import { entryOfOtherFamily, familyOfServers, groupServiceOf, type Service, serviceOf } from "./service.js";

export interface LvsContext {
  readonly global: GlobalDraft;
  readonly resolver: ScriptResolver;
  readonly diagnostics: Diagnostics;
  readonly groups: ReadonlyMap<string, VirtualServerGroupConfig>;
  readonly checkerTls: CheckerTlsConfig | undefined;
  readonly patterns: PatternChecker;
  /** Names of the BFD sessions and track files in which nothing is wrong. */
  readonly usable: { readonly sessions: ReadonlySet<string>; readonly trackFiles: ReadonlySet<string> };
  /** Places among those of their kind, by name. */
  readonly declared: {
    readonly bfdInstances: ReadonlyMap<string, number>;
    readonly trackFiles: ReadonlyMap<string, number>;
  };
}

/** A service with inheritance and defaults; undefined when nothing is left to balance. */
export function finishVirtualServer(
  draft: VirtualServerDraft,
  of: Exclude<VirtualServerDraft["service"], { readonly kind: "group" }>,
  context: LvsContext,
): VirtualServerConfig | undefined {
  const service = serviceOf(draft, of, context.diagnostics);
  const rest = finishService(draft, service, context);
  return rest && { at: draft.at, service: service.config, ...rest };
}

/** The same for a service of a group, which must exist. @param ordinal its place among those of the group */
export function finishGroupService(
  draft: VirtualServerDraft,
  name: string,
  ordinal: number,
  context: LvsContext,
): VirtualServerConfig | undefined {
  const { groups, diagnostics } = context;
  const group = groups.get(name);
  if (group === undefined) {
    // keepalived says it in its log only.
    const message = `Virtual server group ${name} does not exist - the service is left out`;
    diagnostics.warn("CFG_ADVICE", draft.at, message, `write: virtual_server_group ${name} { ADDRESS PORT }`);
    return undefined;
  }
  // Where ip_family says another family than the servers have, the servers are reported; else nothing but this is.
  const ofServers = familyOfServers(draft);
  const agreed = draft.family === undefined || draft.family === ofServers;
  if (ofServers !== undefined && agreed && !familiesFit(draft, group, ofServers, diagnostics)) return undefined;
  const service = groupServiceOf(draft, group, ordinal, diagnostics);
  const rest = finishService(draft, service, context);
  if (rest === undefined) return undefined;
  if (isTooLarge(group.entries)) {
    const message = `Virtual server group ${name} has more than ${MOST_SERVICES} addresses - the service is left out`;
    diagnostics.warn(
      "CFG_ADVICE",
      draft.at,
      message,
      "write nftables_ipvs into global_defs: it makes one service of them",
    );
    return undefined;
  }
  if (rest.forwarding !== "TUN" && !familiesFit(draft, group, service.family, diagnostics)) return undefined;
  return { at: draft.at, service: service.config, groupEntries: withFamilies(group.entries, service.family), ...rest };
}

/** Each would be a service in the kernel, of some 500 octets there and more here; an IPv6 prefix would never end. */
const MOST_SERVICES = 262_144;

function isTooLarge(entries: readonly GroupEntry[]): boolean {
  let left = BigInt(MOST_SERVICES);
  for (const entry of entries) {
    left -= entry.kind === "addresses" ? numberOf(entry.last) - numberOf(entry.first) + 1n : 1n;
    if (left < 0n) return true;
  }
  return false;
}

const numberOf = (address: IpAddress): bigint => BigInt(`0x${bytesOfIp(address).toString("hex")}`);

const withFamilies = (entries: readonly GroupEntry[], family: Family): readonly GroupEntry[] =>
  entries.map((entry) => (entry.kind === "fwmark" && entry.family === undefined ? { ...entry, family } : entry));

/** Only tunnels join families. keepalived leaves the service out and says so in its log only. */
function familiesFit(
  { at }: VirtualServerDraft,
  group: VirtualServerGroupConfig,
  family: Family,
  diagnostics: Diagnostics,
): boolean {
  const odd = entryOfOtherFamily(group, family);
  if (odd === undefined) return true;
  const message = `Virtual server group ${group.name} holds ${odd}, which is not of the family of its real servers - the service is left out`;
  diagnostics.warn("CFG_ADVICE", at, message, "write one group for IPv4 and one for IPv6");
  return false;
}

function finishService(
  draft: VirtualServerDraft,
  service: Service,
  context: LvsContext,
): Omit<VirtualServerConfig, "at" | "service"> | undefined {
  const { global, resolver, diagnostics } = context;
  const { name } = service;
  if (draft.realServers.length === 0) return ignored(draft, service, diagnostics);
  noteDefaults(draft, name, diagnostics);
  noteFastInterval(draft, [], diagnostics);
  const forwarding: ForwardingConfig = draft.forwarding ?? { method: "NAT", tunnel: plainTunnel };
  const realServers = finishRealServers({ ...context, draft, service, forwarding });
  if (realServers.length === 0) return ignored(draft, service, diagnostics);
  const wanted = draft.sorryForwarding ?? forwarding;
  const sorryServer = sorryServerOf(draft, service, wanted.method, diagnostics);
  const sorryForwarding = sorryServer === undefined ? forwarding : wanted;
  return {
    scheduler: draft.scheduler ?? "wlc",
    forwarding: forwarding.method,
    ...persistenceOf(draft, service, diagnostics),
    delayLoop: draft.delayLoop ?? DELAY_LOOP,
    ...quorumOf(draft, name, realServers, diagnostics),
    quorumUp: draft.quorumUp && resolver.resolve(draft.quorumUp, `quorum_up script of virtual_server ${name}`),
    quorumDown: draft.quorumDown && resolver.resolve(draft.quorumDown, `quorum_down script of virtual_server ${name}`),
    ...removalFloorOf(draft, name, global, diagnostics),
    sorryServer,
    sorryServerInhibit: sorryServer !== undefined && draft.sorryServerInhibit === true,
    alpha: draft.alpha ?? false,
    omega: draft.omega ?? false,
    virtualhost: draft.virtualhost,
    smtpAlert: draft.smtpAlert ?? global.smtpAlertChecker ?? global.smtpAlert ?? false,
    ipvs: ipvsOf(draft, service, forwarding, sorryForwarding, diagnostics),
    haSuspend: haSuspendOf(draft, service, diagnostics),
    snmpName: draft.snmpName,
    realServers,
  };
}

function ignored(draft: VirtualServerDraft, { name, protocol }: Service, diagnostics: Diagnostics): undefined {
  const shown = draft.protocol === undefined ? name.replace(`:${protocol}:`, ":none:") : name;
  const message = `Virtual server ${shown} has no real servers - ignoring`;
  diagnostics.warn("CFG_ADJUSTED", draft.at, message, "write: real_server ADDRESS PORT { ... }");
  return undefined;
}

function noteDefaults({ at, scheduler, forwarding }: VirtualServerDraft, name: string, diagnostics: Diagnostics): void {
  const note = (what: string, value: string, write: string): void => {
    const message = `Virtual server ${name}: no ${what} set, setting default ${value}`;
    diagnostics.warn("CFG_ADJUSTED", at, message, `write: ${write}`);
  };
  if (scheduler === undefined) note("scheduler", "'wlc'", "lb_algo wlc");
  if (forwarding === undefined) note("forwarding method", "NAT", "lb_kind NAT");
}

function ipvsOf(
  draft: VirtualServerDraft,
  service: Service,
  { tunnel }: ForwardingConfig,
  sorryForwarding: ForwardingConfig,
  diagnostics: Diagnostics,
): ServiceIpvsConfig {
  return {
    tunnel,
    sorryForwarding,
    onePacket: onePacketOf(draft, service, diagnostics),
    flag1: draft.flag1 ?? false,
    flag2: draft.flag2 ?? false,
    flag3: draft.flag3 ?? false,
    persistenceEngine: draft.persistenceEngine,
  };
}

function onePacketOf({ onePacket, at }: VirtualServerDraft, service: Service, diagnostics: Diagnostics): boolean {
  if (onePacket !== true || service.marksOnly || service.protocol === "udp") return onePacket ?? false;
  const message = `Virtual server ${service.name}: one packet scheduling requires UDP - resetting`;
  diagnostics.warn("CFG_ADJUSTED", at, message, "remove ops, or write: protocol UDP");
  return false;
}

function haSuspendOf({ haSuspend, at }: VirtualServerDraft, service: Service, diagnostics: Diagnostics): boolean {
  if (haSuspend !== true || !service.hasMarks) return haSuspend ?? false;
  const message = `Virtual server ${service.name}: cannot use ha_suspend with fwmarks - clearing ha_suspend`;
  diagnostics.warn("CFG_ADJUSTED", at, message, "remove ha_suspend: a mark has no address");
  return false;
}
