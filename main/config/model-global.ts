import type { IpAddress } from "../address.js";
import type { Milliseconds, Port } from "../units.js";
import type { GarpConfig, ScriptCommand, ScriptUser } from "./model.js";

/** The process as a whole: what stands outside any block, and the parts of `global_defs` by subject. */

export interface ProcessSection {
  readonly process: ProcessConfig;
}

/** Settings that stand outside any block. */
export interface ProcessConfig {
  /** Undefined: the namespace in which the daemon is started. */
  readonly netNamespace: string | undefined;
  /** Where IPVS is programmed: with the daemon, in the default namespace, or in a named one. */
  readonly ipvsNamespace: "own" | "default" | { readonly name: string };
  readonly namespaceWithIpsets: boolean;
  readonly instanceName: string | undefined;
  readonly usePidDir: boolean;
  /** Undefined: a stop takes as long as it takes. */
  readonly childWaitTime: Milliseconds | undefined;
  readonly linkbeatUsePolling: boolean;
}

/** The parts of `global_defs` that have several settings each. */
export interface GlobalSubjects {
  readonly alerts: AlertDefaults;
  readonly instanceDefaults: InstanceDefaults;
  readonly startup: StartupConfig;
  readonly scripts: GlobalScripts;
  readonly fifos: FifosConfig;
  readonly processes: ProcessesConfig;
  readonly buffers: BuffersConfig;
  readonly packetFilter: PacketFilterConfig;
  readonly lvs: LvsGlobals;
  readonly snmp: SnmpConfig;
  readonly dbus: DbusConfig;
  readonly reload: ReloadConfig;
  readonly files: FilesConfig;
}

/** Who is mailed about what, unless an instance or a server says otherwise. */
export interface AlertDefaults {
  readonly vrrp: boolean;
  /** Undefined: yes for real servers, no for virtual servers. */
  readonly checker: boolean | undefined;
  /** Mail on entering FAULT. */
  readonly faults: boolean;
  /** Mail for every change of a checker, not only when a server joins or leaves the pool. */
  readonly checkerChanges: boolean;
}

/** What instances inherit; already applied to them. */
export interface InstanceDefaults {
  /** Undefined: as strict mode has it. */
  readonly lowerPrioNoAdvert: boolean | undefined;
  readonly higherPrioSendAdvert: boolean;
  readonly ownerIgnoreAdverts: boolean;
  readonly downTimerAdverts: number;
  readonly garp: GarpConfig;
  readonly garpExtraIf: GarpExtraIf;
  readonly mcastGroup6: IpAddress;
  readonly checkUnicastSource: boolean;
  readonly v3ChecksumAsV2: boolean;
  readonly notifyPriorityChanges: boolean;
  readonly logUnknownVrids: boolean;
  readonly dynamicInterfaces: "off" | "on" | "allow_if_changes";
  readonly defaultInterface: string;
  readonly disableLocalIgmp: boolean;
  readonly vmacPrefix: string;
  readonly vmacAddrPrefix: string;
  readonly checkerLogAllFailures: boolean;
}

/** Announcements on interfaces that hold addresses of an instance on another interface; 0: none. */
export interface GarpExtraIf {
  /** Not only on VMAC interfaces. */
  readonly all: boolean;
  readonly interval: Milliseconds;
}

export interface StartupConfig {
  readonly delay: Milliseconds;
  readonly delayAfterBoot: Milliseconds;
}

export interface GlobalScripts {
  /** Of scripts that name none. Undefined: there is none that may be used. */
  readonly user: ScriptUser | undefined;
  readonly useSymlinkPaths: boolean;
  readonly supplementaryGroups: boolean;
  readonly startup: ScriptCommand | undefined;
  readonly startupTimeout: Milliseconds;
  readonly shutdown: ScriptCommand | undefined;
  readonly shutdownTimeout: Milliseconds;
}

export interface FifosConfig {
  readonly all: FifoConfig;
  readonly vrrp: FifoConfig;
  readonly lvs: FifoConfig;
  readonly statesOnReload: boolean;
}

export interface FifoConfig {
  readonly path: string | undefined;
  /** Undefined: whoever runs the daemon. */
  readonly owner: ScriptUser | undefined;
  /** Reads the pipe; gets its path as the last argument. */
  readonly script: ScriptCommand | undefined;
}

export interface ProcessesConfig {
  readonly name: string | undefined;
  readonly vrrp: ChildConfig;
  readonly checker: ChildConfig;
  readonly bfd: ChildConfig;
  /** Highest priority that lateness may lead to; 0: none, -1: none and no notice about it. */
  readonly maxAutoPriority: number;
  readonly minAutoPriorityDelay: Milliseconds;
  /** A timer that ran later than this is worth a line in the log. */
  readonly lateTimerWarning: Milliseconds;
  /** Mode bits that files do not get; the command line wins. */
  readonly umask: number;
}

export interface ChildConfig {
  readonly name: string | undefined;
  /** Nice value; undefined: 0, of checker threads 5. */
  readonly priority: number | undefined;
  readonly noSwap: boolean;
  /** Of SCHED_RR; 0: the usual scheduling. */
  readonly realTimePriority: number;
  /** Undefined: none. */
  readonly realTimeLimit: Milliseconds | undefined;
  /** Empty: all processors. */
  readonly cpus: readonly number[];
}

/** Receive buffers of sockets in bytes; `size` undefined: the system's default. */
export interface BuffersConfig {
  readonly vrrpNetlinkCommand: BufferConfig;
  readonly vrrpNetlinkMonitor: BufferConfig;
  readonly lvsNetlinkCommand: BufferConfig;
  readonly lvsNetlinkMonitor: BufferConfig;
  readonly processMonitor: BufferConfig;
  /** Of the sockets for adverts: bytes, or by interface MTU or advert length times the multiplier. */
  readonly vrrpReceive: "system" | "MTU" | "ADVERT" | number;
  readonly vrrpReceiveMultiplier: number;
}

export interface BufferConfig {
  readonly size: number | undefined;
  /** May exceed net.core.rmem_max. */
  readonly force: boolean;
}

/** iptables' chains are in `GlobalConfig.vrrpIptables`. */
export interface PacketFilterConfig {
  /** Undefined: no sets. */
  readonly ipsets: IpsetNames | undefined;
  readonly nftables: { readonly table: string; readonly priority: number } | undefined;
  readonly ifindex: boolean;
  readonly counters: boolean;
  readonly ipvs: { readonly table: string; readonly priority: number; readonly startFwmark: number } | undefined;
}

export interface IpsetNames {
  readonly address: string;
  readonly address6: string;
  readonly interface6: string;
  readonly igmp: string;
  readonly mld: string;
  readonly nd: string;
}

export interface LvsGlobals {
  /** Undefined: the kernel's value stays. */
  readonly timeouts: {
    readonly tcp: Milliseconds | undefined;
    readonly tcpFin: Milliseconds | undefined;
    readonly udp: Milliseconds | undefined;
  };
  readonly flush: boolean;
  readonly flushOnStop: "off" | "all" | "VS";
  readonly syncDaemon: SyncDaemonConfig | undefined;
  readonly initNotifies: boolean;
}

export interface SyncDaemonConfig {
  readonly interface: string;
  /** Whose state decides between master and backup; undefined: both roles. */
  readonly instance: string | undefined;
  readonly id: number;
  readonly maxLength: number | undefined;
  readonly port: Port;
  readonly ttl: number | undefined;
  readonly group: IpAddress;
}

export interface SnmpConfig {
  readonly socket: string | undefined;
  readonly traps: boolean;
  readonly vrrp: boolean;
  readonly rfcV2: boolean;
  readonly rfcV3: boolean;
  readonly checker: boolean;
  readonly virtualServerInterval: Milliseconds;
  readonly realServerInterval: Milliseconds;
}

export interface DbusConfig {
  readonly enabled: boolean;
  readonly serviceName: string;
  readonly noInterfaceName: string | undefined;
}

export interface ReloadConfig {
  /** Log of the test that precedes a reload. Undefined: the keyword is absent; we test all the same. */
  readonly checkLog: string | undefined;
  readonly timeFile: string | undefined;
  readonly repeat: boolean;
  /** True: under its usual name beside the pid file. */
  readonly markerFile: string | boolean;
}

export interface FilesConfig {
  readonly saveDirectory: string | undefined;
  readonly temporaryDirectory: string | undefined;
  readonly useInstance: boolean;
  readonly jsonVersion: 1 | 2;
  readonly stateDump: string | undefined;
  readonly statsDump: string | undefined;
  readonly jsonDump: string | undefined;
  readonly iprouteUsrDirectory: string | undefined;
  readonly iprouteEtcDirectory: string | undefined;
  readonly randomSeed: number | undefined;
}
