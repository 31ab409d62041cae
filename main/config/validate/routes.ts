import type { EncapDraft } from "../keywords/encap.js";
import type { Named } from "../keywords/named.js";
import { anywhere } from "../keywords/net-args.js";
import type { HopDraft, RouteDraft } from "../keywords/route-draft.js";
import type { Encap, NextHop, RouteConfig } from "../model-routes.js";
import { interfaceIsThere, type LookUp, numberOf, realmsOf } from "./names.js";

const UNICAST = 1;
const MAIN = 254;
/** What rt_protos calls keepalived. */
export const PROTOCOL = 18;

/** A route with its names looked up; undefined when keepalived drops it too, after reporting. */
export function finishRoute(draft: RouteDraft, lookUp: LookUp): RouteConfig | undefined {
  const family = draft.family ?? "inet";
  const hops = hopsOf(draft, lookUp);
  const numbers = numbersOf(draft, lookUp);
  if (numbers === undefined || !fitsFamily(draft, family, lookUp)) return undefined;
  if (draft.device !== undefined && !interfaceIsThere(draft.device, "a route", lookUp)) return undefined;
  if (draft.vrf !== undefined && !vrfIsThere(draft.vrf, lookUp)) return undefined;
  const realms = draft.realms === undefined ? undefined : realmsOf(draft.realms, "the route is left out", lookUp);
  if (draft.realms !== undefined && realms === undefined) return undefined;
  const { tracked, protocol } = trackingOf(draft, numbers.protocol, lookUp);
  return {
    family,
    type: draft.type ?? UNICAST,
    destination: draft.destination?.prefix ?? anywhere(family),
    source: draft.source,
    from: draft.from,
    // `or` makes a multipath route of both gateways.
    gateway: draft.otherGateway === undefined ? draft.gateway : undefined,
    device: draft.device?.text,
    onlink: draft.onlink ?? false,
    encap: draft.encap === undefined ? undefined : finishEncap(draft.encap, lookUp),
    tos: numbers.tos ?? 0,
    table: numbers.table ?? MAIN,
    vrf: draft.vrf?.text,
    protocol,
    scope: numbers.scope,
    metric: draft.metric,
    expires: draft.expires,
    preference: draft.preference,
    realms,
    ttlPropagate: draft.ttlPropagate,
    metrics: {
      plain: draft.plain,
      times: draft.times,
      congestionControl: draft.congestionControl,
      ecn: draft.ecn ?? false,
    },
    insertion: draft.insertion ?? "prepend",
    tracked,
    trackGroup: tracked && draft.device !== undefined ? draft.trackGroup?.text : undefined,
    hops,
  };
}

type Numbers = Readonly<Record<"tos" | "table" | "protocol" | "scope", number | undefined>>;

function numbersOf({ tos, table, protocol, scope }: RouteDraft, lookUp: LookUp): Numbers | undefined {
  let ok = true;
  const find = (
    names: "rt_dsfield" | "rt_tables" | "rt_protos" | "rt_scopes",
    given: Named | undefined,
    most: number,
    what: string,
  ): number | undefined => {
    if (given === undefined) return undefined;
    const says = `${what} ${given.text} not found or invalid for route - the route is left out`;
    const number = numberOf(names, given, most, says, lookUp);
    ok &&= number !== undefined;
    return number;
  };
  const numbers = {
    tos: find("rt_dsfield", tos, 255, "TOS value"),
    table: find("rt_tables", table, 0xffff_ffff, "Routing table"),
    protocol: find("rt_protos", protocol, 255, "Protocol"),
    scope: find("rt_scopes", scope, 255, "Scope"),
  };
  return ok ? numbers : undefined;
}

function fitsFamily(draft: RouteDraft, family: "inet" | "inet6", { diagnostics }: LookUp): boolean {
  const [wrong, only] =
    family === "inet"
      ? [draft.expires !== undefined ? "expires" : draft.preference !== undefined ? "pref" : undefined, "IPv6"]
      : [draft.realms !== undefined ? "realms" : undefined, "IPv4"];
  if (wrong === undefined) return true;
  const message = `${wrong} is only valid for ${only} - the route is left out`;
  diagnostics.error("CFG_BAD_VALUE", draft.at, message, `remove ${wrong}`);
  return false;
}

/** Whether it is a VRF only the kernel knows. */
function vrfIsThere(vrf: Named, { host, dynamic, diagnostics }: LookUp): boolean {
  if (dynamic || host.interfaceExists(vrf.text)) return true;
  diagnostics.error(
    "CFG_INTERFACE",
    vrf.at,
    `VRF ${vrf.text} not found for route - it is left out`,
    "correct the name",
  );
  return false;
}

/** keepalived can only watch routes of its own protocol, with an interface. */
function trackingOf(
  draft: RouteDraft,
  given: number | undefined,
  { diagnostics }: LookUp,
): { tracked: boolean; protocol: number } {
  if (draft.noTrack === true) return { tracked: false, protocol: given ?? PROTOCOL };
  const text = draft.destination?.text ?? "";
  if (given !== undefined && given !== PROTOCOL) {
    const message = "Route cannot be tracked if protocol is not RTPROT_KEEPALIVED(18), resetting protocol";
    diagnostics.warn("CFG_ADJUSTED", draft.at, message, "write no_track, or remove protocol");
  }
  if (draft.device !== undefined) return { tracked: true, protocol: PROTOCOL };
  const message = `Warning - cannot track route ${text} with no interface specified, not tracking`;
  diagnostics.warn("CFG_ADJUSTED", draft.at, message, "write dev <interface>, or no_track");
  return { tracked: false, protocol: PROTOCOL };
}

/** A hop that cannot be used ends the list, as in keepalived. */
function hopsOf(draft: RouteDraft, lookUp: LookUp): readonly NextHop[] {
  const drafts: HopDraft[] = [...draft.hops];
  if (draft.otherGateway !== undefined) {
    drafts.unshift(...[draft.gateway, draft.otherGateway].flatMap((gateway) => (gateway ? [{ gateway }] : [])));
  }
  const hops: NextHop[] = [];
  for (const hop of drafts) {
    if (hop.device !== undefined && !interfaceIsThere(hop.device, "a next hop", lookUp)) break;
    const realms =
      hop.realms === undefined ? undefined : realmsOf(hop.realms, "this and later hops are left out", lookUp);
    if (hop.realms !== undefined && realms === undefined) break;
    hops.push({
      gateway: hop.gateway,
      device: hop.device?.text,
      weight: hop.weight ?? 1,
      onlink: hop.onlink ?? false,
      encap: hop.encap === undefined ? undefined : finishEncap(hop.encap, lookUp),
      realms,
    });
  }
  return hops;
}

function finishEncap(draft: EncapDraft, lookUp: LookUp): Encap | undefined {
  if (draft.kind === "mpls" || draft.kind === "ila") return draft;
  const { kind, id, destination, source, trafficClass, hopLimit, flags } = draft;
  const says = `encap ${kind} tos ${trafficClass?.text} is invalid - the encapsulation is left out`;
  const number = trafficClass === undefined ? undefined : numberOf("rt_dsfield", trafficClass, 255, says, lookUp);
  if (trafficClass !== undefined && number === undefined) return undefined;
  return { kind, id, destination, source, trafficClass: number, hopLimit, flags };
}
