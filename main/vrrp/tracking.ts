import type { IpAddress } from "../address.js";
import type { VrrpInstanceConfig } from "../config/model.js";
import { type Priority, priority } from "../units.js";
import { unreachable } from "../unreachable.js";
import { entryLinks } from "./entry-links.js";
import type { MoreTracking } from "./more-tracking.js";
import { advertInterface, vipInterface } from "./vip-interface.js";

/** Why an instance may not take part. Several can hold at once; it recovers when none does. */
export type Fault =
  | { readonly kind: "interface-down"; readonly name: string }
  /** Family absent: IPv4. */
  | { readonly kind: "no-source-address"; readonly family?: "inet6" }
  /** track_src_ip */
  | { readonly kind: "source-address-lost"; readonly address: IpAddress }
  /** unicast_fault_no_peer */
  | { readonly kind: "no-peer" }
  | { readonly kind: "script"; readonly name: string }
  | { readonly kind: "socket"; readonly problem: string }
  | { readonly kind: "tracker"; readonly tracker: "file" | "process" | "bfd" | "quorum"; readonly name: string }
  /** Another member of its sync group has a fault. */
  | { readonly kind: "sync-group"; readonly group: string; readonly member: string };

/** `init`: it has not reported yet. */
export type Standing = "up" | "down" | "init";

/** One tracker's share of the effective priority, for people who ask why. */
export interface Contribution {
  readonly tracker: "interface" | "script" | "file" | "process" | "bfd" | "quorum";
  readonly name: string;
  readonly state: Standing;
  /** The number in a file. */
  readonly value?: number;
  readonly delta: number;
}

export interface Tracking {
  readonly effective: Priority;
  readonly faults: readonly Fault[];
  /** Scripts and other trackers without weight that have not reported yet: the instance waits for them. */
  readonly waiting: readonly string[];
  readonly contributions: readonly Contribution[];
}

/** What trackers see of the host. */
export interface HostView {
  linkUp(name: string): boolean;
  script(name: string): "init" | "up" | "down";
  readonly hasSource: boolean;
  /** Why adverts cannot be sent or received, undefined when they can. */
  readonly socketProblem: string | undefined;
}

type Config = Pick<
  VrrpInstanceConfig,
  | "interface"
  | "basePriority"
  | "dontTrackPrimary"
  | "trackInterfaces"
  | "trackScripts"
  | "virtualAddresses"
  | "excludedAddresses"
  | "routes"
  | "rules"
  | "virtualInterface"
  | "family"
  | "sourceAddress"
  | "unicastPeers"
  | "unicast"
>;

/** Pure: effective priority and faults of an instance on this host. `more`: what its other trackers say. */
export function track(config: Config, view: HostView, more?: MoreTracking): Tracking {
  const own = [...interfaceContributions(config, view), ...scriptContributions(config, view)];
  const contributions = [...own, ...(more?.contributions ?? [])];
  const waiting = config.trackScripts.filter((t) => t.weight === 0 && view.script(t.name) === "init");
  return {
    effective: effectivePriority(config.basePriority, contributions),
    faults: [
      ...linkFaults(config, view),
      ...scriptFaults(config, view),
      ...(more?.faults ?? []),
      ...pathFaults(config, view),
    ],
    waiting: [...waiting.map((t) => t.name), ...(more?.waiting ?? [])],
    contributions,
  };
}

/** Clamped to 1..254; the address owner's 255 is never changed (RFC 5798 §5.2.4). */
export function effectivePriority(base: Priority, contributions: readonly Contribution[]): Priority {
  if (base === 255) return base;
  const total = contributions.reduce((sum, c) => sum + c.delta, base as number);
  return priority(Math.min(254, Math.max(1, total)));
}

/** Interfaces whose failure is a fault: the instance's own, those tracked without weight, those that carry addresses. */
function essentialLinks(config: Config): ReadonlySet<string> {
  const names = new Set<string>();
  if (!config.dontTrackPrimary && config.interface !== "") names.add(config.interface).add(vipInterface(config));
  for (const t of config.trackInterfaces) if (t.weight === 0 && !t.reverse) names.add(t.name);
  for (const a of [...config.virtualAddresses, ...config.excludedAddresses]) {
    if (a.dev !== undefined && a.dev !== config.interface && a.more.tracked) names.add(a.dev);
  }
  for (const name of entryLinks(config)) if (name !== config.interface) names.add(name);
  return names;
}

/** Every interface whose state matters to the instance. */
export function trackedLinks(config: Config): ReadonlySet<string> {
  return new Set([
    ...essentialLinks(config),
    ...[config.interface, vipInterface(config), advertInterface(config)].filter((name) => name !== ""),
    ...config.trackInterfaces.map((t) => t.name),
  ]);
}

function linkFaults(config: Config, view: HostView): Fault[] {
  const reversed = config.trackInterfaces.filter((t) => t.weight === 0 && t.reverse && view.linkUp(t.name));
  const down = [...essentialLinks(config)].filter((name) => !view.linkUp(name));
  return [...down, ...reversed.map((t) => t.name)].map((name) => ({ kind: "interface-down", name }));
}

function scriptFaults(config: Config, view: HostView): Fault[] {
  return config.trackScripts
    .filter((t) => t.weight === 0 && view.script(t.name) === (t.reverse ? "up" : "down"))
    .map((t) => ({ kind: "script", name: t.name }));
}

/** unicast_fault_no_peer: it stays in FAULT for good, and has no socket. */
export const lacksPeers = ({ unicast, unicastPeers }: Pick<Config, "unicast" | "unicastPeers">): boolean =>
  unicast.faultWithoutPeer && unicastPeers.length === 0;

function pathFaults(config: Config, view: HostView): Fault[] {
  const { family, sourceAddress } = config;
  if (lacksPeers(config)) return [{ kind: "no-peer" }];
  if (!view.hasSource && sourceAddress !== undefined) return [{ kind: "source-address-lost", address: sourceAddress }];
  if (!view.hasSource) return [{ kind: "no-source-address", ...(family === "inet6" ? { family } : {}) }];
  return view.socketProblem === undefined ? [] : [{ kind: "socket", problem: view.socketProblem }];
}

function interfaceContributions(config: Config, view: HostView): Contribution[] {
  return config.trackInterfaces
    .filter((t) => t.weight !== 0 && t.name !== config.interface)
    .map((t) => contribution("interface", t, view.linkUp(t.name) ? "up" : "down"));
}

function scriptContributions(config: Config, view: HostView): Contribution[] {
  return config.trackScripts.filter((t) => t.weight !== 0).map((t) => contribution("script", t, view.script(t.name)));
}

/** A positive weight counts while up, a negative one while down; `reverse` turns the direction of the change. */
export function contribution(
  tracker: Contribution["tracker"],
  t: { readonly name: string; readonly weight: number; readonly reverse: boolean },
  state: Contribution["state"],
): Contribution {
  const counts = state === (t.weight > 0 ? "up" : "down");
  const delta = counts ? t.weight * (t.reverse ? -1 : 1) : 0;
  return { tracker, name: t.name, state, delta };
}

/** keepalived's sentence for a fault, without the instance's name. */
export function faultReason(fault: Fault): string {
  switch (fault.kind) {
    case "interface-down":
      return `(interface ${fault.name} down)`;
    case "no-source-address":
      return `(no IPv${fault.family === "inet6" ? 6 : 4} address for interface)`;
    case "source-address-lost":
      return `(source address ${fault.address} is on no interface)`;
    case "no-peer":
      return "(unicast without any peers)";
    case "script":
      return `due to script ${fault.name}`;
    case "socket":
      return `(${fault.problem})`;
    case "tracker":
      if (fault.tracker === "quorum") return `(virtual server ${fault.name} has no quorum)`;
      return `due to track ${fault.tracker} ${fault.name}`;
    case "sync-group":
      return `(${fault.member} of sync group ${fault.group} has a fault)`;
    default:
      return unreachable(fault);
  }
}
