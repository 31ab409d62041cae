import { type Family, familyOf } from "../../address.js";
import { anyCase, choice, integer, switchArg, text } from "../args.js";
import { type Context, keywordsFor, type Scope, type ScriptLine } from "../keyword.js";
import type { Protocol, SourcePosition } from "../model.js";
import { type ForwardingDraft, forwardingOptions, forwardingShape, readForwarding } from "./forwarding.js";
import { readGranularity } from "./granularity.js";
import { oneName } from "./one-name.js";
import { type RealServerDraft, realServerScope } from "./real-server.js";
import { type FloorDraft, removalFloorKeyword } from "./removal-floor.js";
import { type SchedulingDraft, schedulingKeywords } from "./scheduling.js";
import { adviseSurplus, parseServiceAddress, type ServiceAddress } from "./service-address.js";
import { type TimingDraft, virtualServerTiming } from "./timing.js";

/** What one `virtual_server` block said. */
export interface VirtualServerDraft extends TimingDraft, SchedulingDraft {
  readonly at: SourcePosition;
  readonly service:
    | ({ readonly kind: "address" } & ServiceAddress)
    | { readonly kind: "fwmark"; readonly fwmark: number }
    | { readonly kind: "group"; readonly group: string };
  /** How many sessions and track files stood before: only those may be named inside. */
  readonly declaredBefore: DeclaredBefore;
  /** As ip_family or persistence_granularity say it. */
  family?: Family;
  protocol?: Protocol;
  persistenceGranularity?: string;
  weight?: number;
  quorum?: number;
  hysteresis?: number;
  quorumUp?: ScriptLine;
  quorumDown?: ScriptLine;
  removalFloor?: FloorDraft | "off";
  sorryServer?: ServiceAddress;
  sorryForwarding?: ForwardingDraft;
  sorryServerInhibit?: boolean;
  inhibitOnFailure?: boolean;
  alpha?: boolean;
  omega?: boolean;
  haSuspend?: boolean;
  virtualhost?: string;
  smtpAlert?: boolean;
  snmpName?: string;
  readonly realServers: RealServerDraft[];
}

export interface DeclaredBefore {
  readonly bfdInstances: number;
  readonly trackFiles: number;
}

export const newVirtualServerDraft = (
  at: SourcePosition,
  service: VirtualServerDraft["service"],
  declaredBefore: DeclaredBefore,
): VirtualServerDraft => ({ at, service, declaredBefore, realServers: [] });

const keyword = keywordsFor<VirtualServerDraft>();
const COUNT = 0xffff_ffff;

const familyKnown = ({ service, family }: VirtualServerDraft): Family | undefined =>
  service.kind === "address" ? familyOf(service.address) : family;

const dispatching = {
  ...schedulingKeywords,
  persistence_granularity: keyword.value({
    args: [{ ...text, shape: "<IPv4 netmask | IPv6 prefix 1..128>" }],
    apply: (draft, [value], context) => {
      const granularity = readGranularity(value, familyKnown(draft), context);
      if (granularity === undefined) return;
      draft.persistenceGranularity = granularity.text;
      draft.family ??= granularity.family;
    },
    default: "every client by itself",
    doc: "Groups clients for persistence; turns it on for 360 s.",
  }),
  protocol: keyword.field("protocol", anyCase(choice("TCP", "UDP", "SCTP")), {
    default: "UDP, with a warning",
    doc: "Transport protocol; a fwmark service has none.",
  }),
  ip_family: keyword.value({
    args: [choice("inet", "inet6")],
    apply: (draft, [family], { at, diagnostics }) => {
      const known = familyKnown(draft);
      if (known === undefined || known === family) draft.family = family;
      else {
        const message = `Virtual server specified family ${family} conflicts with server family`;
        diagnostics.error("CFG_BAD_VALUE", at, message, "remove ip_family");
      }
    },
    default: "that of the address or the real servers, else inet",
    doc: "Address family of a fwmark or group service.",
  }),
};

const health = {
  ...virtualServerTiming,
  weight: keyword.field("weight", integer(1, 0x7fff_ffff), { default: "1", doc: "Default weight of real servers." }),
  quorum: keyword.field("quorum", integer(1, COUNT), {
    onInvalid: { use: 1, says: "1 is used" },
    default: "1",
    doc: "Total weight that must be alive.",
  }),
  hysteresis: keyword.field("hysteresis", integer(0, COUNT), {
    default: "0",
    doc: "How far the weight must pass the quorum before anything changes.",
  }),
  quorum_up: keyword.scriptField("quorumUp", { doc: "Script run when the quorum is gained." }),
  quorum_down: keyword.scriptField("quorumDown", { doc: "Script run when the quorum is lost." }),
  removal_floor: removalFloorKeyword(
    "that of global_defs, else off",
    "Not more than so much of the real servers go at once; the others stay until they have failed for a while.",
  ),
  inhibit_on_failure: keyword.flag("inhibitOnFailure", {
    default: "off",
    doc: "Weight 0 on failure instead of removal; no value is read.",
  }),
  alpha: keyword.flag("alpha", { default: "off", doc: "Servers are down until checked; no value is read." }),
  omega: keyword.flag("omega", { default: "off", doc: "Down notifications are run at shutdown." }),
  ha_suspend: keyword.flag("haSuspend", {
    default: "off",
    doc: "No checks while the service's address is not on this host.",
  }),
  smtp_alert: keyword.field("smtpAlert", switchArg, {
    default: "smtp_alert_checker, else smtp_alert, else off",
    doc: "Mail on changes of the quorum.",
  }),
  virtualhost: keyword.field("virtualhost", text, {
    repeat: "last-wins-reported",
    missing: "virtual server virtualhost missing",
    doc: "Host header of the checks.",
  }),
  snmp_name: oneName<VirtualServerDraft>("virtual server", {
    since: "2.2.3",
    effect: "accepted",
    doc: "Name of this service in SNMP tables.",
  }),
};

const servers = {
  sorry_server: keyword.words({
    shape: "<address> [<port>]",
    apply: (draft, words, context) => {
      const server = parseServiceAddress(words, context);
      if (server !== undefined) draft.sorryServer = server;
    },
    doc: "Server used while the quorum is lost.",
  }),
  sorry_server_inhibit: keyword.value({
    args: [],
    apply: (draft, _values, context) => {
      if (hasSorryServer(draft, "Ignoring sorry_server inhibit used before or without sorry_server", context)) {
        draft.sorryServerInhibit = true;
      }
    },
    default: "off",
    doc: "The sorry server stays with weight 0 while it is not needed; after sorry_server.",
  }),
  sorry_server_lvs_method: keyword.words({
    shape: forwardingShape,
    options: forwardingOptions,
    apply: (draft, words, context) => {
      if (!hasSorryServer(draft, "sorry_server forwarding used without sorry_server", context)) return;
      const read = readForwarding(words, context, draft.sorryForwarding?.tunnel);
      if (read !== undefined) draft.sorryForwarding = read;
    },
    default: "that of the virtual_server",
    doc: "Forwarding method of the sorry server; after sorry_server.",
  }),
  real_server: keyword.block({
    shape: "<address> [<port>]",
    body: realServerScope,
    open: (draft, header, context): RealServerDraft | undefined => {
      const server = parseServiceAddress(header, context);
      if (server === undefined) return undefined;
      adviseSurplus(header[2], context);
      const child: RealServerDraft = {
        at: context.at,
        address: server.address,
        port: server.port,
        weight: undefined,
        checks: undefined,
      };
      draft.realServers.push(child);
      return child;
    },
    doc: "A back end.",
  }),
};

function hasSorryServer({ sorryServer }: VirtualServerDraft, message: string, { at, diagnostics }: Context): boolean {
  if (sorryServer !== undefined) return true;
  diagnostics.error("CFG_BAD_VALUE", at, message, "write sorry_server before it");
  return false;
}

export const virtualServerScope: Scope<VirtualServerDraft> = {
  name: "virtual_server",
  keywords: { ...dispatching, ...health, ...servers },
};
