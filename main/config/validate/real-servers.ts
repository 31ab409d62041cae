import { familyOf } from "../../address.js";
import { port } from "../../units.js";
import type { CheckDraft } from "../keywords/checks.js";
import type { RealServerDraft } from "../keywords/real-server.js";
import { smtpCheckers } from "../keywords/smtp-hosts.js";
import type { VirtualServerDraft } from "../keywords/virtual-server.js";
import type { RealServerConfig } from "../model.js";
import type { ServerCheckConfig } from "../model-checks.js";
import type { DestinationIpvsConfig, ForwardingConfig } from "../model-lvs.js";
import { finishCheck } from "./checks.js";
import { noteFastInterval } from "./fast-interval.js";
import type { Service } from "./service.js";
import type { LvsContext } from "./virtual-server.js";

/** What the real servers take from their virtual server. */
export interface RealServerContext extends LvsContext {
  readonly draft: VirtualServerDraft;
  readonly service: Service;
  readonly forwarding: ForwardingConfig;
}

/** Real servers that fit the service, in the order of the file; repeated ones are left out. */
export function finishRealServers(context: RealServerContext): readonly RealServerConfig[] {
  const servers = new Map<string, RealServerConfig>();
  // Most servers say nothing of their own, and share one object.
  const plain: DestinationIpvsConfig = { forwarding: context.forwarding, upperThreshold: 0, lowerThreshold: 0 };
  for (const draft of context.draft.realServers) {
    if (!familyFits(draft, context)) continue;
    const server = finishRealServer(draft, context, plain);
    // Most have the port of the service, and the address alone tells them apart.
    const short = server.port === context.service.port ? server.address : `${server.address} ${server.port}`;
    if (!servers.has(short)) servers.set(short, server);
    else {
      const key = `[${server.address}]:${context.service.protocol}:${server.port}`;
      const message = `VS ${context.service.name}: real server ${key} is duplicated - removing second rs`;
      context.diagnostics.error("CFG_DUPLICATE", draft.at, message, "remove one of them");
    }
  }
  return [...servers.values()];
}

/** Only a tunnel can carry one family in the other. */
function familyFits(draft: RealServerDraft, { service, forwarding, diagnostics }: RealServerContext): boolean {
  const method = draft.forwarding?.method ?? forwarding.method;
  if (familyOf(draft.address) === service.family || method === "TUN") return true;
  const message = `Address family of virtual server and real server ${draft.address} don't match - skipping real server.`;
  diagnostics.error("CFG_BAD_VALUE", draft.at, message, "only lb_kind TUN joins IPv4 and IPv6");
  return false;
}

function finishRealServer(
  draft: RealServerDraft,
  context: RealServerContext,
  plain: DestinationIpvsConfig,
): RealServerConfig {
  const { draft: virtualServer, global, resolver, service, diagnostics } = context;
  noteFastInterval(draft, [virtualServer], diagnostics);
  const made = finishChecks(draft, context);
  // What filter() returns has room for 17: it is asked only where something is to be left out.
  const finished = made.every(isThere) ? made : made.filter(isThere);
  return {
    at: draft.at,
    address: draft.address,
    port: port(destinationPort(draft, context)),
    weight: draft.weight ?? virtualServer.weight ?? 1,
    inhibitOnFailure: draft.inhibitOnFailure ?? virtualServer.inhibitOnFailure ?? false,
    virtualhost: draft.virtualhost ?? virtualServer.virtualhost,
    notifyUp: draft.notifyUp && resolver.resolve(draft.notifyUp, `notify_up ${scriptOf(draft, service)}`),
    notifyDown: draft.notifyDown && resolver.resolve(draft.notifyDown, `notify_down ${scriptOf(draft, service)}`),
    smtpAlert: draft.smtpAlert ?? global.smtpAlertChecker ?? global.smtpAlert ?? true,
    ipvs: ipvsOf(draft, plain),
    snmpName: draft.snmpName,
    ...(draft.alpha === undefined ? {} : { alpha: draft.alpha }),
    checks: finished,
  };
}

/** What map() returns counts as a list with holes, and such a list takes five times the room when it has crossed threads. */
function finishChecks(draft: RealServerDraft, context: RealServerContext): readonly (ServerCheckConfig | undefined)[] {
  const { checks = [] } = draft;
  const [first] = checks;
  if (checks.length === 1 && first !== undefined && first.type !== "SMTP_CHECK")
    return [finishCheck(first, draft, context)];
  return checks.length === 0
    ? noChecks
    : checks.flatMap((check) => oneOrMore(check).map((one) => finishCheck(one, draft, context)));
}

const oneOrMore = (check: CheckDraft): readonly CheckDraft[] =>
  check.type === "SMTP_CHECK" ? smtpCheckers(check) : [check];

const scriptOf = ({ address }: RealServerDraft, { name }: Service): string =>
  `script of real_server ${address} of ${name}`;

const noChecks: readonly ServerCheckConfig[] = [];
const isThere = (check: ServerCheckConfig | undefined): check is ServerCheckConfig => check !== undefined;

function ipvsOf(draft: RealServerDraft, plain: DestinationIpvsConfig): DestinationIpvsConfig {
  const { forwarding, upperThreshold, lowerThreshold } = draft;
  if (forwarding === undefined && upperThreshold === undefined && lowerThreshold === undefined) return plain;
  return {
    forwarding: forwarding ?? plain.forwarding,
    upperThreshold: upperThreshold ?? 0,
    lowerThreshold: lowerThreshold ?? 0,
  };
}

/** NAT may translate the port; the other methods cannot, and a fwmark service has none. */
function destinationPort(draft: RealServerDraft, context: RealServerContext): number {
  const { forwarding, service } = context;
  if (draft.port === undefined) return service.port;
  const method = draft.forwarding?.method ?? forwarding.method;
  if (method === "NAT") return draft.port;
  const isPlain = !service.marksOnly && service.config.kind !== "group";
  return isPlain && draft.port === service.port ? draft.port : adjustedPort(draft, draft.port, context);
}

/** What becomes of a port that the method or the service does not allow. */
function adjustedPort(draft: RealServerDraft, given: number, context: RealServerContext): number {
  const { service, diagnostics } = context;
  const { name } = service;
  const server = `[${draft.address}]:${service.protocol}:${given}`;
  const adjust = (message: string, hint: string): void =>
    diagnostics.warn("CFG_ADJUSTED", draft.at, `WARNING - ${message}`, hint);
  if (service.marksOnly) {
    const message = `fwmark virtual server ${name}, real server ${server} has port specified - clearing`;
    adjust(message, `write: real_server ${draft.address}`);
    return 0;
  }
  if (service.config.kind === "group") {
    noteGroupPorts(draft, server, context);
    return given;
  }
  const message = `virtual server ${name} and real server ${server} ports don't match - resetting`;
  adjust(message, `write: real_server ${draft.address} ${service.port}, or lb_kind NAT`);
  return service.port;
}

/** Every address of a group has a port of its own; the server keeps the one it was given. */
function noteGroupPorts(draft: RealServerDraft, server: string, { service, diagnostics }: RealServerContext): void {
  for (const entry of service.entries) {
    if (diagnostics.full) return; // a large group with many servers
    if (entry.kind === "fwmark") {
      const message = `WARNING - fwmark virtual server ${service.name}, real server ${server} has port specified - port will be ignored`;
      diagnostics.warn("CFG_ADJUSTED", draft.at, message, `write: real_server ${draft.address}`);
    } else if (entry.port !== draft.port) {
      const message = `virtual server ${service.name}:[${entry.first},${entry.port}] and real server ${server} ports don't match`;
      diagnostics.warn("CFG_ADJUSTED", draft.at, message, "write one port everywhere, or lb_kind NAT");
    }
  }
}
