import { routeTypes } from "../keywords/route-line.js";
import type { Encap, NextHop, Prefix, Realms, RouteConfig, RuleAction, RuleConfig } from "../model-routes.js";
import { inSeconds } from "./seconds.js";

type Words = readonly (string | number)[];

const prefix = ({ address, length }: Prefix): string => `${address}/${length}`;
const realmsWords = (realms: Realms | undefined): Words =>
  realms === undefined ? [] : ["realms", `${realms.from}/${realms.to}`];

/** The word and its value; nothing when there is none. */
const given = (word: string, value: string | number | undefined): Words => (value === undefined ? [] : [word, value]);
const flag = (word: string, on: boolean): Words => (on ? [word] : []);

/** The words of one line. Hops end it, and encapsulation stands before them: both take what follows. */
export function routeWords(route: RouteConfig): Words {
  const { metrics, type } = route;
  const locked = (word: string, metric: { value: string | number; locked: boolean }): Words =>
    metric.locked ? [word, "lock", metric.value] : [word, metric.value];
  return [
    ...(type === 1 ? [] : [routeTypes[type] ?? type]),
    prefix(route.destination),
    ...given("src", route.source),
    ...given("from", route.from && prefix(route.from)),
    ...given("via", route.gateway),
    ...given("dev", route.device),
    ...flag("onlink", route.onlink),
    ...["tos", route.tos, "table", route.table],
    ...given("vrf", route.vrf),
    ...["protocol", route.protocol],
    ...given("scope", route.scope),
    ...given("metric", route.metric),
    ...given("expires", route.expires === undefined ? undefined : inSeconds(route.expires)),
    ...given("pref", route.preference),
    ...realmsWords(route.realms),
    ...given(
      "ttl-propagate",
      route.ttlPropagate === undefined ? undefined : route.ttlPropagate ? "enabled" : "disabled",
    ),
    ...Object.entries(metrics.plain).flatMap(([word, metric]) => locked(word, metric)),
    ...Object.entries(metrics.times).flatMap(([word, { value, locked: l }]) =>
      locked(word, { value: `${value}ms`, locked: l }),
    ),
    ...(metrics.congestionControl === undefined ? [] : locked("congctl", metrics.congestionControl)),
    ...(metrics.ecn ? ["features", "ecn"] : []),
    route.insertion,
    ...flag("no_track", !route.tracked),
    ...given("track_group", route.trackGroup),
    ...encapWords(route.encap),
    ...route.hops.flatMap(hopWords),
  ];
}

const hopWords = ({ gateway, device, weight, onlink, realms, encap }: NextHop): Words => [
  "nexthop",
  ...given("via", gateway),
  ...given("dev", device),
  "weight",
  weight,
  ...flag("onlink", onlink),
  ...realmsWords(realms),
  ...encapWords(encap),
];

function encapWords(encap: Encap | undefined): Words {
  if (encap === undefined) return [];
  switch (encap.kind) {
    case "mpls":
      return ["encap", "mpls", encap.labels.join("/")];
    case "ila":
      return ["encap", "ila", encap.locator];
    default:
      return [
        "encap",
        encap.kind,
        ...given("id", encap.id),
        ...given("dst", encap.destination),
        ...given("src", encap.source),
        ...given(encap.kind === "ip" ? "tos" : "tc", encap.trafficClass),
        ...given(encap.kind === "ip" ? "ttl" : "hoplimit", encap.hopLimit),
        ...given("flags", encap.flags),
      ];
  }
}

export function ruleWords(rule: RuleConfig): Words {
  const { fwmark, uids, sourcePorts, destinationPorts } = rule;
  const range = (word: string, r: { from: number; to: number } | undefined): Words =>
    given(word, r && `${r.from}-${r.to}`);
  // The word after a family is lost.
  const family = rule.family === "inet6" && rule.from === undefined && rule.to === undefined ? ["inet6", "inet6"] : [];
  return [
    ...family,
    ...flag("not", rule.not),
    ...given("from", rule.from && prefix(rule.from)),
    ...given("to", rule.to && prefix(rule.to)),
    ...["preference", rule.preference, "tos", rule.tos],
    ...given("fwmark", fwmark && `0x${fwmark.mark.toString(16)}/0x${fwmark.mask.toString(16)}`),
    ...given("iif", rule.inputDevice),
    ...given("oif", rule.outputDevice),
    ...given("tunnel-id", rule.tunnelId),
    ...range("uidrange", uids),
    ...given("ipproto", rule.ipProtocol),
    ...range("sport", sourcePorts),
    ...range("dport", destinationPorts),
    ...realmsWords(rule.realms),
    ...given("suppress_prefixlength", rule.suppressPrefixLength),
    ...given("suppress_ifgroup", rule.suppressGroup),
    ...["protocol", rule.protocol],
    ...flag("no_track", !rule.tracked),
    ...given("track_group", rule.trackGroup),
    ...actionWords(rule.action),
  ];
}

function actionWords(action: RuleAction): Words {
  switch (action.do) {
    case "table":
      return ["table", action.table];
    case "goto":
      return ["goto", action.preference];
    default:
      return [action.do];
  }
}
