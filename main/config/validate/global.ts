import { ms, port } from "../../units.js";
import type { Diagnostics } from "../diagnostics.js";
import type { GlobalDraft } from "../keywords/global-defs.js";
import { MOST_PROCESSES } from "../keywords/global-lvs.js";
import type { SelfCheckDraft } from "../keywords/self-check.js";
import type { GlobalConfig, MailConfig, SourcePosition } from "../model.js";
import type { BuffersConfig, DbusConfig, FilesConfig, PacketFilterConfig, SnmpConfig } from "../model-global.js";
import type { SelfCheckConfig } from "../model-lvs.js";
import type { ConfigHost } from "../ports.js";
import { alertDefaults, instanceDefaults } from "./global-defaults.js";
import { finishLvsGlobals, type NamedInstance } from "./global-lvs.js";
import { finishFifos, finishGlobalScripts, type ScriptContext } from "./global-scripts.js";
import { finishProcesses } from "./process.js";

export interface GlobalContext extends ScriptContext {
  /** As they were read. */
  readonly instances: readonly NamedInstance[];
}

/** Fills in the defaults of `global_defs` and checks what needs the host or other blocks. */
export function finishGlobal(draft: GlobalDraft, context: GlobalContext): GlobalConfig {
  const { host, diagnostics, instances } = context;
  return {
    routerId: draft.routerId ?? host.hostName,
    mail: finishMail(draft, host, diagnostics),
    vrrpVersion: draft.vrrpVersion ?? 2,
    vrrpStrict: draft.vrrpStrict ?? false,
    vrrpSkipCheckAdvAddr: draft.skipCheckAdvAddr ?? false,
    vrrpMcastGroup4: draft.mcastGroup4 ?? "224.0.0.18",
    vrrpGarpInterval: draft.garpInterval ?? ms(0),
    vrrpGnaInterval: draft.gnaInterval ?? ms(0),
    vrrpIptables: draft.iptables,
    enableScriptSecurity: draft.enableScriptSecurity ?? false,
    lvsReconcile: draft.lvsReconcile ?? "presence",
    checkerThreads: draft.checkerThreads,
    checkerMaxInFlight: draft.checkerMaxInFlight,
    checkerMaxInFlightPerHost: draft.checkerMaxInFlightPerHost,
    checkerMaxProcesses: draft.checkerMaxProcesses ?? MOST_PROCESSES,
    ...(draft.selfCheck && { selfCheck: finishSelfCheck(draft.selfCheck, draft, context) }),
    alerts: alertDefaults(draft),
    instanceDefaults: instanceDefaults(draft),
    startup: { delay: draft.startupDelay ?? ms(0), delayAfterBoot: draft.delayAfterBoot ?? ms(0) },
    scripts: finishGlobalScripts(draft, context),
    fifos: finishFifos(draft, context),
    processes: finishProcesses(draft, host, diagnostics),
    buffers: finishBuffers(draft),
    packetFilter: finishPacketFilter(draft),
    lvs: finishLvsGlobals(draft, instances, diagnostics),
    snmp: finishSnmp(draft),
    dbus: finishDbus(draft),
    reload: {
      checkLog: draft.reloadCheckLog,
      timeFile: draft.reloadTimeFile,
      repeat: draft.reloadRepeat ?? false,
      markerFile: draft.reloadFile ?? false,
    },
    files: finishFiles(draft, host, diagnostics),
  };
}

/** keepalived.conf(5): no mail at all without a recipient or without a server. */
function finishMail(draft: GlobalDraft, host: ConfigHost, diagnostics: Diagnostics): MailConfig | undefined {
  const { notificationEmail: recipients, smtpServer } = draft;
  if (recipients.length === 0 || smtpServer === undefined) {
    if ((recipients.length === 0) !== (smtpServer === undefined)) {
      const missing = recipients.length === 0 ? "notification_email" : "smtp_server";
      diagnostics.warn("CFG_ADVICE", undefined, `no mail is sent: ${missing} is missing in global_defs`);
    }
    return undefined;
  }
  const user = host.userName(host.effectiveUid) ?? "root";
  return {
    recipients: [...new Set(recipients)],
    from: draft.notificationEmailFrom ?? `${user}@${host.hostName}`,
    server: smtpServer.host,
    port: port(smtpServer.port),
    connectTimeout: draft.smtpConnectTimeout ?? ms(30_000),
    heloName: draft.smtpHeloName ?? (host.hostName || "localhost"),
  };
}

function finishSelfCheck(
  { interfaces, most, hold, tellsFifo, mails }: SelfCheckDraft,
  { dynamicInterfaces }: GlobalDraft,
  { host, diagnostics }: GlobalContext,
): SelfCheckConfig {
  for (const { text, at } of interfaces) {
    if (dynamicInterfaces !== undefined || host.interfaceExists(text)) continue;
    const message = `WARNING - interface ${text} of self_check doesn't exist - the table is held while it is away, for as long as hold says, and not again`;
    diagnostics.warn("CFG_INTERFACE", at, message, "correct the name, or write dynamic_interfaces into global_defs");
  }
  return {
    interfaces: [...new Set(interfaces.map(({ text }) => text))],
    most: most ?? 50,
    hold: hold ?? ms(60_000),
    tellsFifo: tellsFifo ?? false,
    mails: mails ?? false,
  };
}

const finishBuffers = (draft: GlobalDraft): BuffersConfig => ({
  ...draft.buffers,
  vrrpReceive: draft.vrrpReceive ?? "system",
  vrrpReceiveMultiplier: draft.vrrpReceiveMultiplier ?? 3,
});

/** With iptables keepalived uses sets unless vrrp_ipsets without names forbids it. */
function finishPacketFilter(draft: GlobalDraft): PacketFilterConfig {
  const { nftables, nftablesIpvs, ipsets } = draft;
  return {
    ipsets: ipsets === "off" ? undefined : (ipsets ?? (draft.iptables === undefined ? undefined : usualIpsets)),
    nftables: nftables === undefined ? undefined : { table: nftables, priority: draft.nftablesPriority ?? -1 },
    ifindex: draft.nftablesIfindex ?? false,
    counters: draft.nftablesCounters ?? false,
    ipvs:
      nftablesIpvs === undefined
        ? undefined
        : {
            table: nftablesIpvs,
            priority: draft.nftablesIpvsPriority ?? -1,
            startFwmark: draft.nftablesIpvsStartFwmark ?? 1000,
          },
  };
}

const usualIpsets = {
  address: "keepalived",
  address6: "keepalived6",
  interface6: "keepalived_if6",
  igmp: "keepalived_igmp",
  mld: "keepalived_mld",
  nd: "keepalived_nd",
};

const finishSnmp = (draft: GlobalDraft): SnmpConfig => ({
  socket: draft.snmpSocket,
  traps: draft.snmpTraps ?? false,
  vrrp: draft.snmpVrrp ?? false,
  rfcV2: draft.snmpRfcV2 ?? false,
  rfcV3: draft.snmpRfcV3 ?? false,
  checker: draft.snmpChecker ?? false,
  virtualServerInterval: draft.snmpVirtualServerInterval ?? ms(5000),
  realServerInterval: draft.snmpRealServerInterval ?? ms(0),
});

const finishDbus = (draft: GlobalDraft): DbusConfig => ({
  enabled: draft.enableDbus ?? false,
  serviceName: draft.dbusServiceName ?? "org.keepalived.Vrrp1",
  noInterfaceName: draft.dbusNoInterfaceName,
});

const finishFiles = (draft: GlobalDraft, host: ConfigHost, diagnostics: Diagnostics): FilesConfig => ({
  saveDirectory: saveDirectory(draft.configSaveDir, host, diagnostics),
  temporaryDirectory: draft.tmpConfigDirectory,
  useInstance: draft.dataUseInstance ?? false,
  jsonVersion: draft.jsonVersion ?? 1,
  stateDump: draft.stateDumpFile,
  statsDump: draft.statsDumpFile,
  jsonDump: draft.jsonDumpFile,
  iprouteUsrDirectory: draft.iprouteUsrDir,
  iprouteEtcDirectory: draft.iprouteEtcDir,
  randomSeed: draft.randomSeed,
});

/** keepalived makes it, even for a test; we only look whether it could be made. */
function saveDirectory(
  given: { readonly path: string; readonly at: SourcePosition } | undefined,
  host: ConfigHost,
  diagnostics: Diagnostics,
): string | undefined {
  if (given === undefined) return undefined;
  const path = given.path.startsWith("/") ? given.path : `${host.workingDirectory}/${given.path}`;
  const parent = path.replace(/\/+$/, "").replace(/\/[^/]*$/, "") || "/";
  const there = host.stat(path);
  const folder = there ?? host.stat(parent);
  if (folder?.kind === "directory") return given.path;
  const why = there !== undefined ? "exists and is not a directory" : `cannot be made: there is no directory ${parent}`;
  const hint = there !== undefined ? "name a directory" : `mkdir -p ${parent}`;
  diagnostics.error("CFG_BAD_VALUE", given.at, `config_save_dir ${given.path} ${why} - ignoring`, hint);
  return undefined;
}
