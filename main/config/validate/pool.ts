import { familyOf } from "../../address.js";
import { port } from "../../units.js";
import type { Diagnostics } from "../diagnostics.js";
import type { VirtualServerDraft } from "../keywords/virtual-server.js";
import type { Forwarding, RealServerConfig, VirtualServerConfig } from "../model.js";
import type { Service } from "./service.js";

type Persistence = Pick<VirtualServerConfig, "persistenceTimeoutSeconds" | "persistenceGranularity">;

/** A service of all ports is always persistent (the kernel insists), and a granularity implies persistence: 360 s. */
export function persistenceOf(
  { at, persistenceTimeoutSeconds: given, persistenceGranularity }: VirtualServerDraft,
  { name, family, allPorts }: Service,
  diagnostics: Diagnostics,
): Persistence {
  const fits = persistenceGranularity === undefined || persistenceGranularity.includes(".") === (family === "inet");
  if (!fits) {
    const message = `persistence_granularity ${persistenceGranularity} is not for this address family - ignoring`;
    const hint = family === "inet" ? "write a netmask: 255.255.255.0" : "write a prefix length: 64";
    diagnostics.error("CFG_BAD_VALUE", at, message, hint);
  }
  const granularity = fits ? persistenceGranularity : undefined;
  if (given !== undefined || granularity !== undefined) {
    return { persistenceTimeoutSeconds: given ?? 360, persistenceGranularity: granularity };
  }
  if (allPorts) {
    const message = `Virtual server ${name}: zero port only valid for persistent services - setting`;
    diagnostics.warn("CFG_ADJUSTED", at, message, "write: persistence_timeout 360, or a port");
  }
  return { persistenceTimeoutSeconds: allPorts ? 360 : 0, persistenceGranularity: undefined };
}

/** keepalived.conf(5): a quorum that can never be reached is lowered, and hysteresis stays below it. */
export function quorumOf(
  draft: VirtualServerDraft,
  name: string,
  realServers: readonly RealServerConfig[],
  diagnostics: Diagnostics,
): Pick<VirtualServerConfig, "quorum" | "hysteresis"> {
  let total = 0;
  for (const { weight } of realServers) total += weight;
  let quorum = draft.quorum ?? 1;
  if (quorum > total && total === 0) {
    const message = `Warning - quorum ${quorum} for ${name} exceeds total weight of real servers 0: it is never reached`;
    diagnostics.warn("CFG_ADJUSTED", draft.at, message, "give one real server a weight above 0");
  } else if (quorum > total) {
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

export function sorryServerOf(
  { sorryServer, at }: VirtualServerDraft,
  service: Service,
  method: Forwarding,
  diagnostics: Diagnostics,
): VirtualServerConfig["sorryServer"] {
  if (sorryServer === undefined) return undefined;
  const { name, family } = service;
  if (familyOf(sorryServer.address) !== family && method !== "TUN") {
    const message = `Address family of virtual server ${name} and sorry server ${sorryServer.address} don't match - skipping it`;
    diagnostics.error("CFG_BAD_VALUE", at, message, "only lb_kind TUN joins IPv4 and IPv6");
    return undefined;
  }
  const wanted = sorryServer.port ?? service.port;
  if (method === "NAT" || wanted === service.port || service.config.kind !== "address") {
    return { address: sorryServer.address, port: port(wanted) };
  }
  const message = `WARNING - virtual server ${name} and sorry server ${sorryServer.address} ports don't match - resetting`;
  diagnostics.warn("CFG_ADJUSTED", at, message, `write: sorry_server ${sorryServer.address} ${service.port}`);
  return { address: sorryServer.address, port: service.port };
}
