import { type Family, familyOf } from "../address.js";
import type { VirtualServerConfig } from "../config/model.js";
import type { ForwardingConfig, TunnelConfig } from "../config/model-lvs.js";
import type { ServerDump, ServiceDump } from "./checker-dump.js";
import { commandData } from "./data-text.js";
import type { TrackFileDump } from "./vrrp-dump.js";

/** A virtual server and a real server in keepalived_check.data. */

const onOff = (value: boolean): string => (value ? "ON" : "OFF");
const abled = (value: boolean): string => (value ? "enabled" : "disabled");
const seconds = (milliseconds: number): string => (milliseconds / 1000).toFixed(6);
const bit = (value: boolean): number => (value ? 1 : 0);

export function virtualServerLines({ config, name, quorumUp }: ServiceDump, inKernel: boolean): string[] {
  const { sorryServer, ipvs } = config;
  return [
    " ------< Virtual server >------",
    ...serviceTitle(config, name),
    ...(config.virtualhost === undefined ? [] : [`   VirtualHost = ${config.virtualhost}`]),
    ...(config.snmpName === undefined ? [] : [`   SNMP name = '${config.snmpName}'`]),
    `   Address family = ${serviceFamily(config) ?? "IPv4 & IPv6"}`,
    `   delay_loop = ${seconds(config.delayLoop)}`,
    `   lvs_sched = ${config.scheduler}`,
    "   Hashed = disabled",
    ...flagLines(config),
    `   One packet scheduling = ${abled(ipvs.onePacket)}`,
    ...(config.persistenceTimeoutSeconds > 0 ? [`   persistence timeout = ${config.persistenceTimeoutSeconds}`] : []),
    ...(config.persistenceGranularity === undefined
      ? []
      : [`   persistence granularity = ${config.persistenceGranularity}`]),
    `   protocol = ${protocolOf(config)}`,
    `   alpha is ${onOff(config.alpha)}`,
    `   omega is ${onOff(config.omega)}`,
    `   quorum = ${config.quorum}, hysteresis = ${config.hysteresis}`,
    ...commandData("Quorum up notify script", config.quorumUp),
    ...commandData("Quorum down notify script", config.quorumDown),
    ...(config.haSuspend ? ["   Using HA suspend"] : []),
    `   Using smtp notification = ${config.smtpAlert ? "yes" : "no"}`,
    forwardingLine({ method: config.forwarding, tunnel: ipvs.tunnel }, "   default "),
    ...(sorryServer === undefined
      ? []
      : [
          `   sorry server = [${sorryServer.address}]:${serverProtocol(config)}:${sorryServer.port}`,
          forwardingLine(ipvs.sorryForwarding, "     "),
          `     Inhibit on failure is ${onOff(config.sorryServerInhibit)}`,
        ]),
    `   alive = ${bit(inKernel)}`,
    `   quorum_state_up = ${bit(quorumUp)}`,
    "   reloaded = 0",
  ];
}

export function realServerLines(
  service: ServiceDump,
  { config, alive, failed, inPool, checks }: ServerDump,
  files: readonly TrackFileDump[],
): string[] {
  const effective = checks.reduce((sum, { delta }) => sum + delta, config.weight);
  const { upperThreshold, lowerThreshold, forwarding } = config.ipvs;
  return [
    "   ------< Real server >------",
    `   RIP = ${config.address}, RPORT = ${config.port}, WEIGHT = ${Math.max(0, effective)} EFF WEIGHT = ${effective}`,
    forwardingLine(forwarding, "   "),
    `   Alpha is ${onOff(config.alpha ?? service.config.alpha)}`,
    `   connection limit range = ${lowerThreshold} -> ${upperThreshold}`,
    `   Inhibit on failure is ${onOff(config.inhibitOnFailure)}`,
    ...commandData("  RS up notify script", config.notifyUp),
    ...commandData("  RS down notify script", config.notifyDown),
    ...(config.virtualhost === undefined ? [] : [`    VirtualHost = '${config.virtualhost}'`]),
    ...(config.snmpName === undefined ? [] : [`   SNMP name = ${config.snmpName}`]),
    `   Using smtp notification = ${config.smtpAlert ? "yes" : "no"}`,
    `   initial weight = ${config.weight}`,
    `   effective weight = ${effective}`,
    `   alive = ${bit(alive)}`,
    `   num failed checkers = ${failed}`,
    `   RS set = ${bit(inPool)}`,
    "   reloaded = 0",
    ...trackedLines(config, files),
  ];
}

function trackedLines({ checks }: ServerDump["config"], files: readonly TrackFileDump[]): string[] {
  const tracked = checks.flatMap((check) => {
    if (check.type !== "FILE_CHECK") return [];
    const file = files.find(({ config }) => config.name === check.trackFile)?.config;
    const { weight = file?.weight ?? 1, reverse = file?.reverse ?? false } = check;
    return [`     ${check.trackFile}, weight ${weight}${reverse ? " reverse" : ""}`];
  });
  const bfds = checks.flatMap((check) => (check.type === "BFD_CHECK" ? [`     ${check.name}`] : []));
  return [
    ...(tracked.length === 0 ? [] : ["   Tracked Files", ...tracked]),
    ...(bfds.length === 0 ? [] : ["   Tracked BFDs", ...bfds]),
  ];
}

function serviceTitle({ service }: VirtualServerConfig, name: string): string[] {
  switch (service.kind) {
    case "fwmark":
      return [` VS FWMARK = ${service.fwmark}`];
    case "group":
      return [` VS GROUP = ${name}`];
    case "address":
      return [` VS VIP = ${service.address}, VPORT = ${service.port}`];
  }
}

/** Undefined: both. */
export function serviceFamily({ service, groupEntries = [] }: VirtualServerConfig): Family | undefined {
  if (service.kind === "fwmark") return service.family;
  if (service.kind === "address") return familyOf(service.address);
  if (service.family !== undefined) return service.family;
  const families = new Set(
    groupEntries.map((entry) => (entry.kind === "fwmark" ? (entry.family ?? "inet") : familyOf(entry.first))),
  );
  return families.size === 1 ? [...families][0] : undefined;
}

const protocolOf = ({ service }: VirtualServerConfig): string =>
  (service.kind === "fwmark" ? undefined : service.protocol) ?? "none";

const serverProtocol = (config: VirtualServerConfig): string => protocolOf(config).toLowerCase();

/** The kernel's three flags, by the names that the scheduler gives them (ipvsadm(8)). */
function flagLines({ scheduler, ipvs: { flag1, flag2, flag3 } }: VirtualServerConfig): string[] {
  const own = scheduler === "sh" || scheduler === "mh";
  if (own) return [`   ${scheduler}-port = ${abled(flag2)}`, `   ${scheduler}-fallback = ${abled(flag1)}`];
  return [`   flag-1 = ${abled(flag1)}`, `   flag-2 = ${abled(flag2)}`, `   flag-3 = ${abled(flag3)}`];
}

const checksums: Readonly<Record<TunnelConfig["checksum"], string>> = {
  nocsum: "no checksum",
  csum: "checksum",
  remcsum: "remote checksum",
};

/** Other tunnels than IP in IP stand without what is in front elsewhere, as keepalived has them. */
function forwardingLine({ method, tunnel: { type, port, checksum } }: ForwardingConfig, prefix: string): string {
  if (method !== "TUN") return `${prefix}forwarding method = ${method}`;
  switch (type) {
    case "ipip":
      return `${prefix}forwarding method = TUN, type = IPIP`;
    case "gue":
      return `   forwarding method = TUN, type = GUE, port = ${port}, ${checksums[checksum]}`;
    case "gre":
      return `   forwarding method = TUN, type = GRE, ${checksums[checksum]}`;
  }
}
