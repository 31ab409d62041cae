import type {
  Encap,
  Metric,
  NextHop,
  NumberRange,
  PlainMetric,
  Prefix,
  Realms,
  RouteConfig,
  RuleConfig,
} from "../config/model-routes.js";

/** Routes and rules as dump files show them. Order and words are keepalived's; times and labels are shown as they are written. */

/** RTN_* of linux/rtnetlink.h; unicast is not named. */
const types = ["unspec", "", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit"];
const laterTypes = ["throw", "nat", "xresolve"];

const UNICAST = 1;
const MAIN_TABLE = 254;
/** RTPROT_KEEPALIVED: keepalived shows it only where it matters, with what is tracked. */
const KEEPALIVED = 18;
const preferences: Readonly<Record<number, string>> = { 0: "medium", 1: "high", 3: "low" };

/** In the order of keepalived's dumps. */
const metricOrder: readonly PlainMetric[] = [
  "mtu",
  "window",
  "ssthresh",
  "cwnd",
  "advmss",
  "reordering",
  "hoplimit",
  "initcwnd",
  "initrwnd",
  "quickack",
  "fastopen_no_cookie",
];

export function routeText(route: RouteConfig): string {
  const { metrics } = route;
  const silent = route.protocol === KEEPALIVED && !route.tracked && route.device !== undefined;
  return words([
    route.type !== UNICAST && route.insertion === "prepend" ? "add" : route.insertion, // as keepalived shows them
    types[route.type] ?? laterTypes[route.type - types.length],
    prefix(route.destination),
    given("src", route.source),
    given("from", route.from && prefix(route.from)),
    route.tos === 0 ? undefined : `tos ${route.tos}`,
    encap(route.encap),
    via(route.gateway),
    given("dev", route.device),
    route.table === MAIN_TABLE || route.vrf !== undefined ? undefined : `table ${route.table}`,
    given("vrf", route.vrf),
    route.protocol === 0 || silent ? undefined : `proto ${route.protocol}`,
    given("scope", route.scope),
    given("metric", route.metric),
    route.onlink ? "onlink" : undefined,
    realms(route.realms),
    given("expires", route.expires === undefined ? undefined : `${route.expires / 1000}sec`),
    metrics.congestionControl && metric("congctl", metrics.congestionControl),
    ...Object.entries(metrics.times).map(([name, { value, locked }]) => metric(name, { value: `${value}ms`, locked })),
    metrics.ecn ? "features ecn" : undefined,
    ...metricOrder.map((name) => metrics.plain[name] && metric(name, metrics.plain[name])),
    route.ttlPropagate === undefined ? undefined : `ttl-propagate ${route.ttlPropagate ? "enabled" : "disabled"}`,
    given("pref", route.preference === undefined ? undefined : preferences[route.preference]),
    ...route.hops.map(hop),
    route.tracked ? undefined : "no_track",
    given("track_group", route.trackGroup),
  ]);
}

export function ruleText(rule: RuleConfig): string {
  const { fwmark, action } = rule;
  const silent = rule.protocol === KEEPALIVED && !rule.tracked;
  const mask = fwmark === undefined || fwmark.mask === 0xffff_ffff ? "" : `/0x${fwmark.mask.toString(16)}`;
  return words([
    rule.not ? "not" : undefined,
    `from ${rule.from === undefined ? "all" : prefix(rule.from)}`,
    given("to", rule.to && prefix(rule.to)),
    `priority ${rule.preference}`,
    `tos 0x${rule.tos.toString(16)}`,
    fwmark && `fwmark 0x${fwmark.mark.toString(16)}${mask}`,
    given("iif", rule.inputDevice),
    given("oif", rule.outputDevice),
    given("suppress_prefixlen", rule.suppressPrefixLength),
    given("suppress_ifgroup", rule.suppressGroup),
    given("tunnel-id", rule.tunnelId),
    range("uidrange", rule.uids),
    action.do === "l3mdev" ? "l3mdev" : undefined,
    rule.protocol === 0 || silent ? undefined : `protocol ${rule.protocol}`,
    given("ipproto", rule.ipProtocol),
    range("sport", rule.sourcePorts),
    range("dport", rule.destinationPorts),
    realms(rule.realms),
    ruleAction(action),
    rule.tracked ? undefined : "no_track",
    given("track_group", rule.trackGroup),
  ]);
}

function ruleAction(action: RuleConfig["action"]): string {
  switch (action.do) {
    case "table":
      return `lookup ${action.table}`;
    case "goto":
      return `goto ${action.preference}`;
    case "nop":
      return "nop";
    case "l3mdev":
      return "lookup 0";
    default:
      return `type ${action.do}`;
  }
}

const words = (all: readonly (string | undefined)[]): string => all.filter((word) => word).join(" ");

const given = (word: string, value: string | number | undefined): string | undefined =>
  value === undefined ? undefined : `${word} ${value}`;

/** A host has no length. */
function prefix({ address, length }: Prefix): string {
  return length === (address.includes(":") ? 128 : 32) ? address : `${address}/${length}`;
}

const via = (gateway: string | undefined): string | undefined =>
  gateway === undefined ? undefined : `via ${gateway.includes(":") ? "inet6" : "inet"} ${gateway}`;

const realms = (given_: Realms | undefined): string | undefined =>
  given_ === undefined ? undefined : `realms ${given_.from}/${given_.to}`;

const range = (word: string, given_: NumberRange | undefined): string | undefined =>
  given_ === undefined ? undefined : `${word} ${given_.from}-${given_.to}`;

const metric = (name: string, { value, locked }: Metric<string | number>): string =>
  `${name} ${locked ? "lock " : ""}${value}`;

const hop = ({ gateway, device, weight, onlink, realms: through, encap: tunnel }: NextHop): string =>
  words([
    "nexthop",
    via(gateway),
    given("dev", device),
    `weight ${weight}`,
    onlink ? "onlink" : undefined,
    realms(through),
    encap(tunnel),
  ]);

function encap(tunnel: Encap | undefined): string | undefined {
  if (tunnel === undefined) return undefined;
  if (tunnel.kind === "mpls") return `encap mpls ${tunnel.labels.join("/")}`;
  if (tunnel.kind === "ila") return `encap ila ${tunnel.locator}`;
  const v4 = tunnel.kind === "ip";
  return words([
    `encap ${tunnel.kind}`,
    given("id", tunnel.id),
    given("dst", tunnel.destination),
    given("src", tunnel.source),
    given(v4 ? "tos" : "tc", tunnel.trafficClass),
    given(v4 ? "ttl" : "hoplimit", tunnel.hopLimit),
    given("flags", tunnel.flags === undefined ? undefined : `0x${tunnel.flags.toString(16)}`),
  ]);
}
