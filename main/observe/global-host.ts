import type { GlobalConfig } from "../config/model.js";
import type { BufferConfig, ChildConfig, LvsGlobals } from "../config/model-global.js";
import { commandData, enabled, seconds, wholeSeconds, yes } from "./data-text.js";

/** Global definitions about the process and its host, as .data files show them. */

export function filesData({ files, processes, instanceDefaults, reload }: GlobalConfig): {
  readonly names: readonly string[];
  readonly reloads: readonly string[];
} {
  const { saveDirectory, temporaryDirectory } = files;
  const { checkLog, timeFile, repeat, markerFile } = reload;
  return {
    names: [
      ...given(" Config save dir", saveDirectory),
      ...given(" Parent process name", processes.name),
      ...given(" VRRP process name", processes.vrrp.name),
      ...given(" LVS process name", processes.checker.name),
      ...given(" BFD process name", processes.bfd.name),
    ],
    reloads: [
      ` Checkers log all failures = ${yes(instanceDefaults.checkerLogAllFailures)}`,
      checkLog === undefined ? " No test config before reload" : ` Test config before reload, log to ${checkLog}`,
      ...given(" Reload time file", timeFile && `${timeFile}${repeat ? " (repeat)" : ""}`),
      ...given(" Reload_file", typeof markerFile === "string" ? markerFile : undefined),
      ...given(" config save directory", temporaryDirectory),
      ...(files.useInstance ? [" Use instance name in data dumps"] : []),
    ],
  };
}

export function hostData({ scripts, alerts, instanceDefaults, lvs }: GlobalConfig): string[] {
  const { dynamicInterfaces: dynamic } = instanceDefaults;
  return [
    ...lifecycleScript("Startup", scripts.startup, `, timeout ${wholeSeconds(scripts.startupTimeout)}`),
    ...lifecycleScript("Shutdown", scripts.shutdown, ` timeout ${wholeSeconds(scripts.shutdownTimeout)}`),
    ` Dynamic interfaces = ${yes(dynamic !== "off")}`,
    ...(dynamic === "off" ? [] : [` Allow interface changes = ${yes(dynamic === "allow_if_changes")}`]),
    ...(alerts.faults ? [] : [" Send emails for fault transitions = off"]),
    ...lvsTimeouts(lvs.timeouts),
    ` Default interface = ${instanceDefaults.defaultInterface}`,
    ` Disable local IGMP = ${instanceDefaults.disableLocalIgmp ? "yes" : "no"}`,
    ...syncDaemon(lvs.syncDaemon),
    ` LVS flush = ${yes(lvs.flush)}`,
    ` LVS flush on stop = ${{ off: "disabled", all: "full", VS: "VS" }[lvs.flushOnStop]}`,
  ];
}

export function extraGarpData({ instanceDefaults }: GlobalConfig): string[] {
  const { all, interval } = instanceDefaults.garpExtraIf;
  return [` Gratuitous ARP for each secondary ${all ? "i/f" : "VMAC"} = ${wholeSeconds(interval)}s`];
}

const given = (name: string, value: string | number | undefined): string[] =>
  value === undefined ? [] : [`${name} = ${value}`];

function lifecycleScript(which: string, command: Parameters<typeof commandData>[1], timeout: string): string[] {
  return commandData("script", command).map((line) => line.replace("   script", ` ${which} script`) + timeout);
}

const whole = (time: number | undefined): string | undefined => (time === undefined ? undefined : wholeSeconds(time));

const lvsTimeouts = ({ tcp, tcpFin, udp }: LvsGlobals["timeouts"]): string[] => [
  ...given(" LVS TCP timeout", whole(tcp)),
  ...given(" LVS TCP FIN timeout", whole(tcpFin)),
  ...given(" LVS UDP timeout", whole(udp)),
];

function syncDaemon(daemon: LvsGlobals["syncDaemon"]): string[] {
  if (daemon === undefined) return [];
  return [
    ...given(" LVS syncd vrrp instance", daemon.instance),
    ` LVS syncd interface = ${daemon.interface}`,
    ` LVS syncd syncid = ${daemon.id}`,
    ...given(" LVS syncd maxlen", daemon.maxLength),
    ` LVS mcast group ${daemon.group}`,
    ` LVS syncd mcast port = ${daemon.port}`,
    ...given(" LVS syncd mcast ttl", daemon.ttl),
  ];
}

export function filterData({ vrrpIptables, packetFilter }: GlobalConfig): string[] {
  const { ipsets, nftables, ifindex, counters, ipvs } = packetFilter;
  const chains =
    vrrpIptables === undefined
      ? []
      : [
          ` Iptables input chain = ${vrrpIptables.inChain}`,
          ...given(" Iptables output chain", vrrpIptables.outChain),
          ` Using ipsets = ${yes(ipsets !== undefined)}`,
          ...given(" ipset IPv4 address set", ipsets?.address),
          ...given(" ipset IPv6 address set", ipsets?.address6),
          ...given(" ipset IPv6 address,iface set", ipsets?.interface6),
          ...given(" ipset IGMP set", ipsets?.igmp),
          ...given(" ipset MLD set", ipsets?.mld),
          ...given(" ipset ND set", ipsets?.nd),
        ];
  return [
    ...chains,
    ...(nftables === undefined
      ? []
      : [
          ` nftables table name = ${nftables.table}`,
          ` nftables base chain priority = ${nftables.priority}`,
          ` nftables ${ifindex ? "" : "don't "}force use ifindex for link local IPv6`,
        ]),
    ...(ipvs === undefined
      ? []
      : [
          ` ipvs nftables table name = ${ipvs.table}`,
          ` ipvs nftables base chain priority = ${ipvs.priority}`,
          ` ipvs nftables start fwmark = ${ipvs.startFwmark}`,
        ]),
    ` nftables with${counters ? "" : "out"} counters`,
  ];
}

export function processData({ processes, snmp, dbus }: GlobalConfig): string[] {
  const { maxAutoPriority, minAutoPriorityDelay } = processes;
  return [
    ` Max auto priority = ${maxAutoPriority === -1 ? "Disabled" : maxAutoPriority}`,
    ` Min auto priority delay = ${Math.round(minAutoPriorityDelay * 1000)} usecs`,
    ...childData("VRRP", processes.vrrp),
    ...childData("Checker", processes.checker),
    ...childData("BFD", processes.bfd),
    ` SNMP vrrp ${enabled(snmp.vrrp)}`,
    ` SNMP checker ${enabled(snmp.checker)}`,
    ` SNMP RFCv2 ${enabled(snmp.rfcV2)}`,
    ` SNMP RFCv3 ${enabled(snmp.rfcV3)}`,
    ` SNMP traps ${enabled(snmp.traps)}`,
    ` SNMP socket = ${snmp.socket ?? "default (unix:/var/agentx/master)"}`,
    ` DBus ${enabled(dbus.enabled)}`,
    ` DBus service name = ${dbus.serviceName}`,
  ];
}

/** A limit of real time has a line where there is one: without it there is none. */
const childData = (
  whose: string,
  { priority, noSwap, realTimePriority, realTimeLimit, cpus }: ChildConfig,
): string[] => [
  ` ${whose} process priority = ${priority ?? 0}`,
  ` ${whose} don't swap = ${yes(noSwap)}`,
  ` ${whose} realtime priority = ${realTimePriority}`,
  ...(cpus.length === 0 ? [] : [` ${whose} CPU Affinity = ${cpus.join(" ")}`]),
  ...given(` ${whose} realtime limit`, realTimeLimit === undefined ? undefined : Math.round(realTimeLimit * 1000)),
];

export function bufferData({ buffers, lvs, alerts, processes, startup, instanceDefaults }: GlobalConfig): string[] {
  const { vrrpReceive: receive } = buffers;
  const policy = typeof receive === "number" ? ` rx_bufs_size = ${receive}` : ` rx_bufs_policy = ${receive}`;
  return [
    ...bufferLines("vrrp_netlink_cmd", buffers.vrrpNetlinkCommand),
    ...bufferLines("vrrp_netlink_monitor", buffers.vrrpNetlinkMonitor),
    ...bufferLines("process_monitor", buffers.processMonitor),
    ...bufferLines("lvs_netlink_cmd", buffers.lvsNetlinkCommand),
    ...bufferLines("lvs_netlink_monitor", buffers.lvsNetlinkMonitor),
    ` rs_init_notifies = ${lvs.initNotifies ? 1 : 0}`,
    ` no_checker_emails = ${alerts.checkerChanges ? 0 : 1}`,
    ...(receive === "system" ? [] : [policy]),
    ` rx_bufs_multiples = ${buffers.vrrpReceiveMultiplier}`,
    ` umask = 0${processes.umask.toString(8)}`,
    ...(startup.delay === 0 ? [] : [` vrrp_startup_delay = ${seconds(startup.delay)}`]),
    ...(instanceDefaults.logUnknownVrids ? [" log_unknown_vrids"] : []),
    ...(instanceDefaults.vmacPrefix === "vrrp" ? [] : [` VMAC prefix = ${instanceDefaults.vmacPrefix}`]),
    ...(instanceDefaults.vmacAddrPrefix === "vrrp"
      ? []
      : [` VMAC address prefix = ${instanceDefaults.vmacAddrPrefix}`]),
  ];
}

const bufferLines = (name: string, { size = 0, force }: BufferConfig): string[] => [
  ` ${name}_rcv_bufs = ${size}`,
  ` ${name}_rcv_bufs_force = ${force ? 1 : 0}`,
];
