import { familyOf } from "../../address.js";
import { type Port, port } from "../../units.js";
import { unreachable } from "../../unreachable.js";
import type { Diagnostics } from "../diagnostics.js";
import { virtualServerKey } from "../identity.js";
import { type LvsDraft, trackFilesIn } from "../keywords/lvs-blocks.js";
import type { RealServerConfig, VirtualServerConfig } from "../model.js";
import type { ServerCheckConfig } from "../model-checks.js";
import type { CheckerTlsConfig, ForwardingConfig, LvsSections } from "../model-lvs.js";
import { finishBfdInstances } from "./bfd.js";
import { finishGroups } from "./groups.js";
import { PatternChecker } from "./patterns.js";
import { finishGroupService, finishVirtualServer, type LvsContext } from "./virtual-server.js";
import type { FinishContext } from "./vrrp.js";

/** The LVS side with inheritance, defaults and cross checks. */
export function finishLvs(
  draft: LvsDraft,
  context: FinishContext & { readonly trackFiles: readonly { readonly name: string }[] },
): LvsSections {
  const { global, host, resolver, diagnostics } = context;
  const bfdInstances = finishBfdInstances(draft.bfdInstances, diagnostics);
  const virtualServerGroups = finishGroups(draft.virtualServerGroups, diagnostics);
  const usable = { sessions: namesOf(bfdInstances), trackFiles: namesOf(context.trackFiles) };
  const groups = new Map(virtualServerGroups.map((group) => [group.name, group]));
  const checkerTls = draft.tls && tlsOf(draft.tls);
  const patterns = new PatternChecker(host, diagnostics);
  const declared = declaredIn(draft);
  const lvs: LvsContext = { global, resolver, diagnostics, groups, usable, checkerTls, patterns, declared };
  const servers: VirtualServerConfig[] = [];
  const ofGroups = new Map<string, number>();
  for (const server of draft.virtualServers) {
    const service =
      server.service.kind === "group"
        ? finishGroupService(server, server.service.group, ofGroups.get(server.service.group) ?? 0, lvs)
        : finishVirtualServer(server, server.service, lvs);
    if (service === undefined) continue;
    servers.push(service);
    if (service.service.kind === "group") ofGroups.set(service.service.group, service.service.ordinal + 1);
  }
  patterns.finish();
  return {
    virtualServers: mergeServices(servers, diagnostics),
    virtualServerGroups,
    bfdInstances,
    checkerTls,
  };
}

const namesOf = (list: readonly { readonly name: string }[]): ReadonlySet<string> =>
  new Set(list.map(({ name }) => name));

const tlsOf = ({ password, caFile, certificateFile, keyFile }: NonNullable<LvsDraft["tls"]>): CheckerTlsConfig => ({
  password,
  caFile,
  certificateFile,
  keyFile,
});

/** By name, the place of each session and track file among its kind: what stands later may not be named. */
function declaredIn(draft: LvsDraft): LvsContext["declared"] {
  const places = (list: readonly { readonly name: string }[]): ReadonlyMap<string, number> =>
    new Map(list.map(({ name }, place) => [name, place] as const).reverse()); // of equal names the first counts
  return { bfdInstances: places(draft.bfdInstances), trackFiles: places(trackFilesIn(draft)) };
}

/** Two blocks for one service are one service with the real servers of both; the settings are those of the first. */
function mergeServices(
  servers: readonly VirtualServerConfig[],
  diagnostics: Diagnostics,
): readonly VirtualServerConfig[] {
  const merged = new Map<string, { readonly first: VirtualServerConfig; readonly more: RealServerConfig[] }>();
  for (const server of servers) {
    const key = virtualServerKey(server);
    const known = merged.get(key);
    if (known === undefined) merged.set(key, { first: server, more: [] });
    else {
      const message = `virtual_server ${key} is given twice; its real servers are added to the first one`;
      diagnostics.warn("CFG_ADVICE", server.at, message, "write all real servers into one block");
      for (const realServer of adopted(server, known.first)) known.more.push(realServer);
    }
  }
  return [...merged.values()].map(({ first, more }) => (more.length === 0 ? first : withMore(first, more)));
}

function withMore(first: VirtualServerConfig, more: readonly RealServerConfig[]): VirtualServerConfig {
  const realServers = uniqueServers([...first.realServers, ...more]);
  const total = realServers.reduce((sum, { weight }) => sum + weight, 0);
  const quorum = total === 0 ? first.quorum : Math.min(first.quorum, total);
  return { ...first, quorum, hysteresis: Math.min(first.hysteresis, quorum - 1), realServers };
}

/** The real servers of a second block as they are in the first one: what they do not say themselves is as it is there. */
function adopted(second: VirtualServerConfig, first: VirtualServerConfig): readonly RealServerConfig[] {
  const { service, virtualhost } = first;
  const family = service.kind === "address" ? familyOf(service.address) : service.family;
  return second.realServers
    .map((server) => {
      const forwarding = adoptedForwarding(server, second, first);
      return {
        ...server,
        port: forwarding.method === "NAT" ? server.port : portOf(service, server.port),
        virtualhost: server.virtualhost ?? virtualhost,
        checks: server.checks.map((check) => adoptedCheck(check, first)),
        ipvs: { ...server.ipvs, forwarding },
      };
    })
    .filter(({ address, ipvs }) => ipvs.forwarding.method === "TUN" || familyOf(address) === family); // only tunnels join families
}

/** Without NAT nothing translates ports. Entries of a group have ports of their own. */
function portOf(service: VirtualServerConfig["service"], given: Port): Port {
  switch (service.kind) {
    case "address":
      return service.port;
    case "fwmark":
      return port(0);
    case "group":
      return given;
    default:
      return unreachable(service);
  }
}

/** misc_timeout is the interval of the service where nothing else is said. */
function adoptedCheck(check: ServerCheckConfig, first: VirtualServerConfig): ServerCheckConfig {
  const inherits = check.type === "MISC_CHECK" && check.inheritsTimeout;
  return inherits ? { ...check, timeout: first.delayLoop } : check;
}

function adoptedForwarding(
  { ipvs: { forwarding } }: RealServerConfig,
  second: VirtualServerConfig,
  first: VirtualServerConfig,
): ForwardingConfig {
  const isOwn = forwarding.method !== second.forwarding || forwarding.tunnel !== second.ipvs.tunnel;
  return isOwn ? forwarding : { method: first.forwarding, tunnel: first.ipvs.tunnel };
}

function uniqueServers(servers: readonly RealServerConfig[]): readonly RealServerConfig[] {
  const seen = new Map<string, RealServerConfig>();
  for (const server of servers) {
    const key = `${server.address} ${server.port}`;
    if (!seen.has(key)) seen.set(key, server);
  }
  return [...seen.values()];
}
