import { type Family, familyOf } from "../../address.js";
import { ms, port } from "../../units.js";
import type { Diagnostics } from "../diagnostics.js";
import type { GlobalDraft } from "../keywords/global-defs.js";
import type { VirtualServerDraft } from "../keywords/virtual-server.js";
import type { Forwarding, RealServerConfig, VirtualServerConfig } from "../model.js";
import type { ScriptResolver } from "../scripts.js";
import { finishRealServers } from "./real-servers.js";

export interface LvsContext {
  readonly global: GlobalDraft;
  readonly resolver: ScriptResolver;
  readonly diagnostics: Diagnostics;
}

type Service = VirtualServerConfig["service"];

/** A service with inheritance and defaults; undefined when nothing is left to balance. */
export function finishVirtualServer(draft: VirtualServerDraft, context: LvsContext): VirtualServerConfig | undefined {
  const { global, resolver, diagnostics } = context;
  const service = serviceOf(draft, diagnostics);
  const name = nameOf(service);
  const family = service.kind === "address" ? familyOf(service.address) : service.family;
  if (draft.realServers.length === 0) return ignored(draft, nameOf(service, draft), diagnostics);
  const defaulted = (what: string, value: string): void =>
    diagnostics.warn("CFG_ADJUSTED", draft.at, `Virtual server ${name}: no ${what} set, setting default ${value}`);
  if (draft.scheduler === undefined) defaulted("scheduler", "'wlc'");
  if (draft.forwarding === undefined) defaulted("forwarding method", "NAT");
  const forwarding = draft.forwarding ?? "NAT";
  const servicePort = service.kind === "address" ? service.port : 0;
  const protocol = service.kind === "address" ? service.protocol.toLowerCase() : "none";
  const realServers = finishRealServers({ ...context, draft, name, protocol, family, forwarding, servicePort });
  if (realServers.length === 0) return ignored(draft, name, diagnostics);
  return {
    at: draft.at,
    service,
    scheduler: draft.scheduler ?? "wlc",
    forwarding,
    ...persistenceOf(draft, service, family, diagnostics),
    delayLoop: draft.delayLoop ?? ms(60_000),
    ...quorumOf(draft, name, realServers, diagnostics),
    quorumUp: draft.quorumUp && resolver.resolve(draft.quorumUp, `quorum_up script of virtual_server ${name}`),
    quorumDown: draft.quorumDown && resolver.resolve(draft.quorumDown, `quorum_down script of virtual_server ${name}`),
    sorryServer: sorryServerOf(draft, { name, family, forwarding, servicePort }, diagnostics),
    sorryServerInhibit: draft.sorryServerInhibit ?? false,
    alpha: draft.alpha ?? false,
    omega: draft.omega ?? false,
    virtualhost: draft.virtualhost,
    smtpAlert: draft.smtpAlert ?? global.smtpAlertChecker ?? global.smtpAlert ?? false,
    realServers,
  };
}

function ignored(draft: VirtualServerDraft, name: string, diagnostics: Diagnostics): undefined {
  const message = `Virtual server ${name} has no real servers - ignoring`;
  diagnostics.warn("CFG_ADJUSTED", draft.at, message, "write: real_server ADDRESS PORT { ... }");
  return undefined;
}

function serviceOf(draft: VirtualServerDraft, diagnostics: Diagnostics): Service {
  const { service } = draft;
  if (service.kind === "fwmark") {
    const result: Service = { kind: "fwmark", fwmark: service.fwmark, family: fwmarkFamily(draft) };
    if (draft.protocol !== undefined) {
      const message = `Warning: Virtual server ${nameOf(result)}: protocol specified for fwmark - protocol will be ignored`;
      diagnostics.warn("CFG_ADJUSTED", draft.at, message, "remove protocol");
    }
    return result;
  }
  const { address } = service;
  if (draft.protocol === undefined && draft.realServers.length > 0) {
    const message = `Virtual server [${address}]:none:${service.port ?? 0}: no protocol set - defaulting to UDP`;
    diagnostics.warn("CFG_ADJUSTED", draft.at, message, "write: protocol TCP");
  }
  if (draft.family !== undefined && draft.family.family !== familyOf(address)) {
    const message = `ip_family ${draft.family.family} does not match virtual server ${address} - ignoring`;
    diagnostics.error("CFG_BAD_VALUE", draft.family.at, message, "remove ip_family");
  }
  return { kind: "address", address, port: port(service.port ?? 0), protocol: draft.protocol ?? "UDP" };
}

function fwmarkFamily(draft: VirtualServerDraft): Family {
  const first = draft.realServers[0];
  // With tunnels the servers' family says nothing about the service's.
  const ofServers = first === undefined || draft.forwarding === "TUN" ? "inet" : familyOf(first.address);
  return draft.family?.family ?? ofServers;
}

function nameOf(service: Service, draft?: VirtualServerDraft): string {
  if (service.kind === "fwmark") return `FWM ${service.fwmark}`;
  const protocol = draft !== undefined && draft.protocol === undefined ? "none" : service.protocol.toLowerCase();
  return `[${service.address}]:${protocol}:${service.port}`;
}

type Persistence = Pick<VirtualServerConfig, "persistenceTimeoutSeconds" | "persistenceGranularity">;

/** A service of all ports is always persistent (the kernel insists), and a granularity implies persistence: 360 s. */
function persistenceOf(
  draft: VirtualServerDraft,
  service: Service,
  family: Family,
  diagnostics: Diagnostics,
): Persistence {
  let persistenceGranularity = draft.persistenceGranularity;
  if (persistenceGranularity !== undefined && persistenceGranularity.includes(".") !== (family === "inet")) {
    const message = `persistence_granularity ${persistenceGranularity} is not for this address family - ignoring`;
    const hint = family === "inet" ? "write a netmask: 255.255.255.0" : "write a prefix length: 64";
    diagnostics.error("CFG_BAD_VALUE", draft.at, message, hint);
    persistenceGranularity = undefined;
  }
  const implied = persistenceGranularity !== undefined || (service.kind === "address" && service.port === 0);
  return { persistenceTimeoutSeconds: draft.persistenceTimeoutSeconds ?? (implied ? 360 : 0), persistenceGranularity };
}

/** keepalived.conf(5): a quorum that can never be reached is lowered, and hysteresis stays below it. */
function quorumOf(
  draft: VirtualServerDraft,
  name: string,
  realServers: readonly RealServerConfig[],
  diagnostics: Diagnostics,
): Pick<VirtualServerConfig, "quorum" | "hysteresis"> {
  const total = realServers.reduce((sum, { weight }) => sum + weight, 0);
  let quorum = draft.quorum ?? 1;
  if (quorum > total && total > 0) {
    const message = `Warning - quorum ${quorum} for ${name} exceeds total weight of real servers ${total}, reducing quorum to ${total}`;
    diagnostics.warn("CFG_ADJUSTED", draft.at, message, `write: quorum ${total}`);
    quorum = total;
  }
  const hysteresis = draft.hysteresis ?? 0;
  if (hysteresis < quorum) return { quorum, hysteresis };
  const lowered = quorum - 1;
  const message = `Virtual server ${name}: hysteresis ${hysteresis} >= quorum ${quorum}; setting hysteresis to ${lowered}`;
  diagnostics.warn("CFG_ADJUSTED", draft.at, message, `write: hysteresis ${lowered}`);
  return { quorum, hysteresis: lowered };
}

function sorryServerOf(
  { sorryServer, at }: VirtualServerDraft,
  service: {
    readonly name: string;
    readonly family: Family;
    readonly forwarding: Forwarding;
    readonly servicePort: number;
  },
  diagnostics: Diagnostics,
): VirtualServerConfig["sorryServer"] {
  if (sorryServer === undefined) return undefined;
  const { name, family, forwarding, servicePort } = service;
  if (familyOf(sorryServer.address) !== family && forwarding !== "TUN") {
    const message = `Address family of virtual server ${name} and sorry server ${sorryServer.address} don't match - skipping it`;
    diagnostics.error("CFG_BAD_VALUE", at, message, "only lb_kind TUN joins IPv4 and IPv6");
    return undefined;
  }
  const wanted = sorryServer.port ?? servicePort;
  if (forwarding === "NAT" || wanted === servicePort) return { address: sorryServer.address, port: port(wanted) };
  const message = `WARNING - virtual server ${name} and sorry server ${sorryServer.address} ports don't match - resetting`;
  diagnostics.warn("CFG_ADJUSTED", at, message, `write: sorry_server ${sorryServer.address} ${servicePort}`);
  return { address: sorryServer.address, port: port(servicePort) };
}
