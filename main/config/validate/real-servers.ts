import { type Family, familyOf } from "../../address.js";
import { port } from "../../units.js";
import type { Diagnostics } from "../diagnostics.js";
import type { GlobalDraft } from "../keywords/global-defs.js";
import type { RealServerDraft } from "../keywords/real-server.js";
import type { VirtualServerDraft } from "../keywords/virtual-server.js";
import type { Forwarding, RealServerConfig } from "../model.js";
import type { ScriptResolver } from "../scripts.js";
import { finishCheck } from "./checks.js";

/** What the real servers take from their virtual server. */
export interface RealServerContext {
  readonly draft: VirtualServerDraft;
  /** keepalived's name of the service, `[10.0.0.1]:tcp:80`. */
  readonly name: string;
  /** `tcp`, `udp`, `sctp` or `none`. */
  readonly protocol: string;
  readonly family: Family;
  readonly forwarding: Forwarding;
  /** 0 for a fwmark service and for a service of all ports. */
  readonly servicePort: number;
  readonly global: GlobalDraft;
  readonly resolver: ScriptResolver;
  readonly diagnostics: Diagnostics;
}

/** Real servers that fit the service, in the order of the file; repeated ones are left out. */
export function finishRealServers(context: RealServerContext): readonly RealServerConfig[] {
  const servers = new Map<string, RealServerConfig>();
  for (const draft of context.draft.realServers) {
    if (!familyFits(draft, context)) continue;
    const server = finishRealServer(draft, context);
    const key = `[${server.address}]:${context.protocol}:${server.port}`;
    if (!servers.has(key)) servers.set(key, server);
    else {
      const message = `VS ${context.name}: real server ${key} is duplicated - removing second rs`;
      context.diagnostics.error("CFG_DUPLICATE", draft.at, message, "remove one of them");
    }
  }
  return [...servers.values()];
}

/** Only a tunnel can carry one family in the other. */
function familyFits(draft: RealServerDraft, { family, forwarding, diagnostics }: RealServerContext): boolean {
  if (familyOf(draft.address) === family || forwarding === "TUN") return true;
  const message = `Address family of virtual server and real server ${draft.address} don't match - skipping real server.`;
  diagnostics.error("CFG_BAD_VALUE", draft.at, message, "only lb_kind TUN joins IPv4 and IPv6");
  return false;
}

function finishRealServer(draft: RealServerDraft, context: RealServerContext): RealServerConfig {
  const { draft: virtualServer, global, resolver, diagnostics, servicePort } = context;
  const of = `real_server ${draft.address} of ${context.name}`;
  const parents = { global, virtualServer, realServer: draft, servicePort };
  return {
    at: draft.at,
    address: draft.address,
    port: port(destinationPort(draft, context)),
    weight: draft.weight ?? virtualServer.weight ?? 1,
    inhibitOnFailure: draft.inhibitOnFailure ?? virtualServer.inhibitOnFailure ?? false,
    virtualhost: draft.virtualhost ?? virtualServer.virtualhost,
    notifyUp: draft.notifyUp && resolver.resolve(draft.notifyUp, `notify_up script of ${of}`),
    notifyDown: draft.notifyDown && resolver.resolve(draft.notifyDown, `notify_down script of ${of}`),
    smtpAlert: draft.smtpAlert ?? global.smtpAlertChecker ?? global.smtpAlert ?? true,
    checks: draft.checks.flatMap((check) => finishCheck(check, parents, diagnostics) ?? []),
  };
}

/** NAT may translate the port; the other methods cannot, and a fwmark service has none. */
function destinationPort(draft: RealServerDraft, context: RealServerContext): number {
  const { draft: virtualServer, forwarding, servicePort, diagnostics, name } = context;
  if (draft.port === undefined) return servicePort;
  const rs = `[${draft.address}]:${context.protocol}:${draft.port}`;
  if (virtualServer.service.kind === "fwmark") {
    const message = `WARNING - fwmark virtual server ${name}, real server ${rs} has port specified - clearing`;
    diagnostics.warn("CFG_ADJUSTED", draft.at, message, `write: real_server ${draft.address}`);
    return 0;
  }
  if (forwarding === "NAT" || draft.port === servicePort) return draft.port;
  const message = `WARNING - virtual server ${name} and real server ${rs} ports don't match - resetting`;
  diagnostics.warn(
    "CFG_ADJUSTED",
    draft.at,
    message,
    `write: real_server ${draft.address} ${servicePort}, or lb_kind NAT`,
  );
  return servicePort;
}
