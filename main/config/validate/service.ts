import { type Family, familyOf } from "../../address.js";
import { type Port, port } from "../../units.js";
import type { Diagnostics } from "../diagnostics.js";
import type { VirtualServerDraft } from "../keywords/virtual-server.js";
import type { Protocol, VirtualServerConfig } from "../model.js";
import type { GroupEntry, GroupService, VirtualServerGroupConfig } from "../model-lvs.js";

/** A service as its real servers and settings are judged by. */
export interface Service<Kind = VirtualServerConfig["service"]> {
  readonly config: Kind;
  /** keepalived's name: `[10.0.0.1]:tcp:80`, `FWM 7`, `[GROUP]`. */
  readonly name: string;
  /** `tcp`, `udp`, `sctp`, or `none` for marks. */
  readonly protocol: string;
  readonly family: Family;
  /** 0: none, or all. */
  readonly port: Port;
  readonly entries: readonly GroupEntry[];
  /** It has addresses, and one of them all ports: the kernel wants it persistent. */
  readonly allPorts: boolean;
  /** Packets are known by marks alone: ports and protocols mean nothing. */
  readonly marksOnly: boolean;
  readonly hasMarks: boolean;
}

/** The service of an address or a mark. */
export function serviceOf(
  draft: VirtualServerDraft,
  service: Exclude<VirtualServerDraft["service"], { readonly kind: "group" }>,
  diagnostics: Diagnostics,
): Service<VirtualServerConfig["service"]> {
  if (service.kind === "fwmark") {
    const { fwmark } = service;
    const name = `FWM ${fwmark}`;
    noteProtocolOfMark(draft, name, diagnostics);
    const family = draft.family ?? familyOfServers(draft) ?? "inet";
    const config = { kind: "fwmark", fwmark, family } as const;
    return { config, name, ...ofMarks, family, port: port(0), entries: [] };
  }
  const { address } = service;
  const number = port(service.port ?? 0);
  const protocol = protocolOf(draft, (text) => `[${address}]:${text}:${number}`, diagnostics);
  return {
    config: { kind: "address", address, port: number, protocol },
    name: `[${address}]:${protocol.toLowerCase()}:${number}`,
    protocol: protocol.toLowerCase(),
    family: familyOf(address),
    port: number,
    entries: [],
    allPorts: number === 0,
    marksOnly: false,
    hasMarks: false,
  };
}

const ofMarks = { protocol: "none", allPorts: false, marksOnly: true, hasMarks: true } as const;

/** The service of a group that exists. */
export function groupServiceOf(
  draft: VirtualServerDraft,
  { name: group, entries }: VirtualServerGroupConfig,
  ordinal: number,
  diagnostics: Diagnostics,
): Service<GroupService> {
  const addresses = entries.flatMap((entry) => (entry.kind === "addresses" ? entry : []));
  // Of two families the servers' counts: keepalived leaves out the entries that do not fit, and only logs it.
  const family = draft.family ?? familyOfServers(draft) ?? (addresses[0] && familyOf(addresses[0].first));
  const name = `[${group}]`;
  const common = { name, entries, family: family ?? "inet", port: port(0) } as const;
  if (addresses.length === 0) {
    noteProtocolOfMark(draft, name, diagnostics);
    return {
      config: { kind: "group", group, ordinal, protocol: undefined, family: draft.family },
      ...common,
      ...ofMarks,
    };
  }
  const protocol = protocolOf(draft, () => name, diagnostics);
  return {
    config: { kind: "group", group, ordinal, protocol, family: draft.family },
    ...common,
    protocol: protocol.toLowerCase(),
    allPorts: addresses.some((entry) => entry.port === 0),
    marksOnly: false,
    hasMarks: addresses.length < entries.length,
  };
}

/** The first entry of a group that is not of this family. */
export function entryOfOtherFamily({ entries }: VirtualServerGroupConfig, family: Family): string | undefined {
  const odd = entries.find((entry) => {
    const own = entry.kind === "addresses" ? familyOf(entry.first) : entry.family;
    return own !== undefined && own !== family;
  });
  return odd && (odd.kind === "addresses" ? odd.first : `fwmark ${odd.fwmark} ${odd.family ?? ""}`);
}

/** With tunnels the servers' family says nothing about the service's. */
export function familyOfServers({ forwarding, realServers: [first] }: VirtualServerDraft): Family | undefined {
  const method = first?.forwarding?.method ?? forwarding?.method;
  return first === undefined || method === "TUN" ? undefined : familyOf(first.address);
}

function protocolOf(draft: VirtualServerDraft, nameWith: (text: string) => string, diagnostics: Diagnostics): Protocol {
  if (draft.protocol === undefined && draft.realServers.length > 0) {
    const message = `Virtual server ${nameWith("none")}: no protocol set - defaulting to UDP`;
    diagnostics.warn("CFG_ADJUSTED", draft.at, message, "write: protocol TCP");
  }
  return draft.protocol ?? "UDP";
}

function noteProtocolOfMark({ protocol, at }: VirtualServerDraft, name: string, diagnostics: Diagnostics): void {
  if (protocol === undefined) return;
  const message = `Warning: Virtual server ${name}: protocol specified for fwmark - protocol will be ignored`;
  diagnostics.warn("CFG_ADJUSTED", at, message, "remove protocol");
}
