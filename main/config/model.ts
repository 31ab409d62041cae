import type { Family, IpAddress } from "../address.js";
import type { Milliseconds, Port, Priority, Vrid } from "../units.js";
import type {
  BodyPattern,
  DnsCheckConfig,
  MiscCheckConfig,
  ServerCheckConfig,
  SmtpCheckConfig,
  UdpCheckConfig,
} from "./model-checks.js";
import type { GlobalSubjects, ProcessSection } from "./model-global.js";
import type { GuardConfig } from "./model-guard.js";
import type {
  CheckerTlsConfig,
  DestinationIpvsConfig,
  GroupEntry,
  GroupService,
  LvsSections,
  SelfCheckConfig,
  ServiceIpvsConfig,
} from "./model-lvs.js";
import type { RouteConfig, RuleConfig } from "./model-routes.js";
import type {
  AddressExtras,
  InstanceExtras,
  MoreTrackers,
  UnicastSettings,
  VirtualInterfaceSettings,
  VrrpSections,
  WireSettings,
} from "./model-vrrp.js";

/** A validated configuration. Plain immutable data: it crosses threads by structured clone. Defaults are filled in. */
export interface Config extends ProcessSection, VrrpSections, LvsSections {
  readonly global: GlobalConfig;
}

export interface GlobalConfig extends GlobalSubjects {
  /** Default: the host name. */
  readonly routerId: string;
  /** Undefined when mail is not configured (no recipient or no server): then no mail is ever sent. */
  readonly mail: MailConfig | undefined;
  readonly vrrpVersion: 2 | 3;
  readonly vrrpStrict: boolean;
  readonly vrrpSkipCheckAdvAddr: boolean;
  readonly vrrpMcastGroup4: IpAddress;
  /** Minimum gap between gratuitous ARPs (unsolicited NAs) on one physical interface; 0 = none. */
  readonly vrrpGarpInterval: Milliseconds;
  readonly vrrpGnaInterval: Milliseconds;
  /** Names of the chains, accepted for compatibility; undefined when the keyword is absent. */
  readonly vrrpIptables: { readonly inChain: string; readonly outChain: string | undefined } | undefined;
  readonly enableScriptSecurity: boolean;
  /** Ours, not keepalived's: what is put right when the kernel's table drifts. Default presence. */
  readonly lvsReconcile: "presence" | "full" | "off";
  /** Ours, like the two below. Undefined: by the number of processors. */
  readonly checkerThreads: number | undefined;
  /** Checks under way in each thread. Undefined: what the limit of open files leaves. */
  readonly checkerMaxInFlight: number | undefined;
  /** Checks under way to one address, in each thread. Undefined: no limit. */
  readonly checkerMaxInFlightPerHost: number | undefined;
  /** Ours; absent: off. */
  readonly selfCheck?: SelfCheckConfig;
  /** Ours: programs of MISC_CHECK that run at once, in all. */
  readonly checkerMaxProcesses: number;
}

export interface MailConfig {
  readonly recipients: readonly string[];
  readonly from: string;
  readonly server: string;
  readonly port: Port;
  readonly connectTimeout: Milliseconds;
  readonly heloName: string;
}

/** Resolved when the configuration is read, so that running a script needs no look-up. */
export interface ScriptUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** The name of `gid`, when the file gives one; absent: the user's own group. */
  readonly group?: string;
  /** Other groups of the user that scripts get too; absent: none. */
  readonly groups?: readonly number[];
}

/** A command that passed the script security checks: `argv[0]` is an absolute path. */
export interface ScriptCommand {
  readonly argv: readonly [string, ...string[]];
  readonly user: ScriptUser;
}

export interface VrrpScriptConfig {
  readonly name: string;
  readonly command: ScriptCommand;
  readonly interval: Milliseconds;
  readonly timeout: Milliseconds;
  /** 0: failure is a fault. Positive: added while up. Negative: subtracted while down. -253..253 */
  readonly weight: number;
  readonly reverse: boolean;
  readonly rise: number;
  readonly fall: number;
  readonly initFail: boolean;
}

export interface GarpConfig {
  readonly masterRepeat: number;
  readonly masterDelay: Milliseconds;
  readonly masterRefresh: Milliseconds;
  readonly masterRefreshRepeat: number;
  readonly lowerPrioRepeat: number;
  readonly lowerPrioDelay: Milliseconds;
}

export interface VrrpInstanceConfig {
  readonly name: string;
  /** Where the block begins, for messages after parsing. */
  readonly at: SourcePosition;
  readonly version: 2 | 3;
  readonly family: Family;
  readonly initialState: "MASTER" | "BACKUP";
  readonly interface: string;
  readonly vrid: Vrid;
  readonly basePriority: Priority;
  /** v2: whole seconds. v3: multiples of 10 ms. */
  readonly advertInterval: Milliseconds;
  /** v2 only; never logged. At most 8 octets are used. */
  readonly authPass: string | undefined;
  readonly wire: WireSettings;
  readonly virtualAddresses: readonly VirtualAddress[];
  readonly excludedAddresses: readonly VirtualAddress[];
  readonly trackInterfaces: readonly { readonly name: string; readonly weight: number; readonly reverse: boolean }[];
  readonly trackScripts: readonly { readonly name: string; readonly weight: number; readonly reverse: boolean }[];
  readonly dontTrackPrimary: boolean;
  /** mcast_src_ip or unicast_src_ip. */
  readonly sourceAddress: IpAddress | undefined;
  /** Empty: multicast. */
  readonly unicastPeers: readonly IpAddress[];
  readonly preempt: boolean;
  readonly preemptDelay: Milliseconds;
  readonly downTimerAdverts: number;
  readonly strict: boolean;
  readonly accept: boolean;
  readonly skipCheckAdvAddr: boolean;
  readonly lowerPrioNoAdvert: boolean;
  readonly higherPrioSendAdvert: boolean;
  readonly ownerIgnoreAdverts: boolean;
  readonly garp: GarpConfig;
  readonly notify: VrrpNotifyConfig;
  readonly smtpAlert: boolean;
  /** What follows, but for `track`, is without effect in this version. */
  readonly virtualInterface: VirtualInterfaceSettings;
  readonly unicast: UnicastSettings;
  readonly track: MoreTrackers;
  readonly routes: readonly RouteConfig[];
  readonly rules: readonly RuleConfig[];
  readonly extras: InstanceExtras;
  /** Absent: off. */
  readonly guard?: GuardConfig;
}

export interface VrrpNotifyConfig {
  /** Gets TYPE NAME STATE PRIO appended. */
  readonly all: ScriptCommand | undefined;
  readonly master: ScriptCommand | undefined;
  readonly backup: ScriptCommand | undefined;
  readonly fault: ScriptCommand | undefined;
  readonly stop: ScriptCommand | undefined;
}

export interface VirtualAddress {
  readonly address: IpAddress;
  readonly prefix: number;
  /** Undefined: the instance's interface. */
  readonly dev: string | undefined;
  readonly label: string | undefined;
  readonly broadcast: IpAddress | undefined;
  readonly scope: number;
  readonly more: AddressExtras;
}

export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Only on text that a definition or a repetition made: which ones, outermost first. */
  readonly from?: readonly ExpandedFrom[];
}

export interface ExpandedFrom {
  readonly kind: "definition" | "repetition";
  readonly name: string;
  readonly at: { readonly file: string; readonly line: number };
}

export type Protocol = "TCP" | "UDP" | "SCTP";
export type Forwarding = "NAT" | "DR" | "TUN";

export interface VirtualServerConfig {
  readonly at: SourcePosition;
  readonly service:
    | { readonly kind: "address"; readonly address: IpAddress; readonly port: Port; readonly protocol: Protocol }
    | { readonly kind: "fwmark"; readonly fwmark: number; readonly family: Family }
    | GroupService;
  /** Of a group: what its services are. Beside the name, so that another entry is no other virtual server. */
  readonly groupEntries?: readonly GroupEntry[];
  /** Any scheduler name that the kernel has (`wlc` by default). */
  readonly scheduler: string;
  readonly forwarding: Forwarding;
  /** 0: not persistent. */
  readonly persistenceTimeoutSeconds: number;
  /** IPv4 netmask or IPv6 prefix length as text; undefined = host. */
  readonly persistenceGranularity: string | undefined;
  readonly delayLoop: Milliseconds;
  readonly quorum: number;
  readonly hysteresis: number;
  readonly quorumUp: ScriptCommand | undefined;
  readonly quorumDown: ScriptCommand | undefined;
  /** Ours; absent: off. */
  readonly removalFloor?: RemovalFloorConfig;
  readonly sorryServer: { readonly address: IpAddress; readonly port: Port } | undefined;
  readonly sorryServerInhibit: boolean;
  readonly alpha: boolean;
  readonly omega: boolean;
  readonly virtualhost: string | undefined;
  readonly smtpAlert: boolean;
  readonly ipvs: ServiceIpvsConfig;
  /** Checks only while an address of the service is on this host. */
  readonly haSuspend: boolean;
  readonly snmpName: string | undefined;
  readonly realServers: readonly RealServerConfig[];
}

/** removal_floor: no more than so much of a pool goes at once, unless it has failed for so long. docs/directors-faults.md */
export interface RemovalFloorConfig {
  /** Of the number of real servers, 0 to 100. */
  readonly percent: number;
  readonly confirm: Milliseconds;
}

export interface RealServerConfig {
  readonly at: SourcePosition;
  readonly address: IpAddress;
  readonly port: Port;
  readonly weight: number;
  readonly inhibitOnFailure: boolean;
  readonly virtualhost: string | undefined;
  readonly notifyUp: ScriptCommand | undefined;
  readonly notifyDown: ScriptCommand | undefined;
  readonly smtpAlert: boolean;
  readonly ipvs: DestinationIpvsConfig;
  readonly snmpName: string | undefined;
  /** What it says itself, already applied to its checks; absent: nothing. */
  readonly alpha?: boolean;
  readonly checks: readonly ServerCheckConfig[];
}

/** What all checkers share. Inheritance from real server and virtual server is already applied. */
export interface CheckTiming {
  readonly delayLoop: Milliseconds;
  /** Ours: from a failed attempt to the next, and while down or rising. Undefined: `delayBeforeRetry` and `delayLoop`. */
  readonly fastInterval: Milliseconds | undefined;
  /** Ours: up to so much is added to every interval, at random. Default 0. */
  readonly jitter: Milliseconds;
  readonly connectTimeout: Milliseconds;
  readonly retry: number;
  /** Ours: successes in a row until a server that was down is up, at least 1. Default 1. */
  readonly rise: number;
  readonly delayBeforeRetry: Milliseconds;
  readonly warmup: Milliseconds;
  /** Starts DOWN and is added after its first success. */
  readonly alpha: boolean;
  readonly logAllFailures: boolean;
}

export interface CheckTarget {
  readonly address: IpAddress;
  readonly port: Port;
  readonly bindAddress: IpAddress | undefined;
  readonly bindPort: Port | undefined;
  /** Name of the interface to bind to. */
  readonly bindInterface: string | undefined;
  /** 0: none. */
  readonly fwmark: number;
}

/** A check of the pool that connects to its server: the probe engine makes its attempts. */
export type ConnectingCheckConfig =
  | TcpCheckConfig
  | HttpCheckConfig
  | PingCheckConfig
  | SmtpCheckConfig
  | DnsCheckConfig
  | UdpCheckConfig;

export type CheckConfig = ConnectingCheckConfig | MiscCheckConfig;

/** Ours: how a connection that is done with ends. Default `reset`: no TIME_WAIT is left. */
export type CloseWith = "reset" | "fin";

export interface TcpCheckConfig {
  readonly type: "TCP_CHECK";
  readonly timing: CheckTiming;
  readonly target: CheckTarget;
  readonly closeWith: CloseWith;
}

/** ICMP echo; the target's port is for messages only, and may be 0. */
export interface PingCheckConfig {
  readonly type: "PING_CHECK";
  readonly timing: CheckTiming;
  readonly target: CheckTarget;
}

export interface HttpCheckConfig {
  readonly type: "HTTP_GET" | "SSL_GET";
  readonly timing: CheckTiming;
  readonly target: CheckTarget;
  readonly httpProtocol: "1.0" | "1.0C" | "1.1";
  readonly enableSni: boolean;
  /** `sni_name`. Undefined: with `enableSni` the URL's host is the server name, when it is a name. */
  readonly sniName: string | undefined;
  readonly fastRecovery: boolean;
  readonly closeWith: CloseWith;
  /** Ours, SSL_GET: offers the session of the last handshake. Default false. */
  readonly sessionResumption: boolean;
  /** SSL_GET: the block SSL, one object for all; undefined without one, and for HTTP_GET. */
  readonly tls: CheckerTlsConfig | undefined;
  readonly urls: readonly HttpUrlConfig[];
}

export interface HttpUrlConfig {
  readonly path: string;
  /** The Host header, port included where keepalived sends one. */
  readonly host: string;
  /** 32 lower-case hex digits of the body's MD5. */
  readonly digest: string | undefined;
  /** Inclusive ranges; default 200-299. */
  readonly statusCodes: readonly { readonly from: number; readonly to: number }[];
  readonly body: BodyPattern | undefined;
  /** SSL_GET: ends with a proper TLS close. */
  readonly tlsCompliant: boolean;
}
