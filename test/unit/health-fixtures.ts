import { createHash } from "node:crypto";
import { plainTunnel } from "../../main/config/keywords/forwarding.js";
import type {
  CheckConfig,
  CheckTarget,
  CheckTiming,
  Config,
  HttpCheckConfig,
  HttpUrlConfig,
  PingCheckConfig,
  RealServerConfig,
  ScriptUser,
  TcpCheckConfig,
  VirtualServerConfig,
} from "../../main/config/model.js";
import type { MiscCheckConfig, ServerCheckConfig } from "../../main/config/model-checks.js";
import type { DestinationIpvsConfig, ServiceIpvsConfig } from "../../main/config/model-lvs.js";
import type { DirectorDeps } from "../../main/health/director.js";
import { type Milliseconds, ms, port } from "../../main/units.js";
import type { CheckSpec } from "../../workers/protocol.js";
import { at, emptyConfig } from "../harness/config-fixtures.js";

/** Values for the tests of checks and health; each test names only what it is about. */

export const timing = (over: Partial<CheckTiming> = {}): CheckTiming => ({
  delayLoop: ms(60_000),
  fastInterval: undefined,
  jitter: ms(0),
  connectTimeout: ms(5_000),
  retry: 1,
  rise: 1,
  delayBeforeRetry: ms(1_000),
  warmup: ms(60_000),
  alpha: false,
  logAllFailures: false,
  ...over,
});

const target = (address: string, number: number): CheckTarget => ({
  address,
  port: port(number),
  bindAddress: undefined,
  bindPort: undefined,
  bindInterface: undefined,
  fwmark: 0,
});

export const tcpCheck = (over: Partial<CheckTiming> = {}, targetPort = 80, address = "127.0.0.1"): TcpCheckConfig => ({
  type: "TCP_CHECK",
  timing: timing(over),
  target: target(address, targetPort),
  closeWith: "reset",
});

export const miscCheck = (
  over: { argv?: readonly string[]; user?: ScriptUser; timeout?: Milliseconds; dynamic?: boolean } = {},
  times: Partial<CheckTiming> = {},
): MiscCheckConfig => {
  const { argv: [file = "/bin/true", ...args] = [], user = { name: "root", uid: 0, gid: 0 } } = over;
  const command = { argv: [file, ...args] as const, user };
  const { timeout = ms(60_000), dynamic = false } = over;
  return {
    type: "MISC_CHECK",
    timing: timing({ retry: 0, ...times }),
    command,
    timeout,
    inheritsTimeout: false,
    dynamic,
  };
};

export const url = (over: Partial<HttpUrlConfig> = {}): HttpUrlConfig => ({
  path: "/",
  host: "127.0.0.1:80",
  digest: undefined,
  statusCodes: [{ from: 200, to: 299 }],
  body: undefined,
  tlsCompliant: false,
  ...over,
});

export const httpCheck = (over: Partial<HttpCheckConfig> = {}, targetPort = 80): HttpCheckConfig => ({
  type: "HTTP_GET",
  timing: timing(),
  target: target("127.0.0.1", targetPort),
  httpProtocol: "1.0",
  enableSni: false,
  sniName: undefined,
  fastRecovery: false,
  closeWith: "reset",
  sessionResumption: false,
  tls: undefined,
  urls: [url()],
  ...over,
});

/** What IPVS is told besides address, scheduler and weight: nothing. */
export const destinationIpvs: DestinationIpvsConfig = {
  forwarding: { method: "DR", tunnel: plainTunnel },
  upperThreshold: 0,
  lowerThreshold: 0,
};

export const serviceIpvs: ServiceIpvsConfig = {
  tunnel: plainTunnel,
  sorryForwarding: destinationIpvs.forwarding,
  onePacket: false,
  flag1: false,
  flag2: false,
  flag3: false,
  persistenceEngine: undefined,
};

export const realServer = (over: Partial<RealServerConfig> = {}): RealServerConfig => ({
  at,
  address: "10.0.0.1",
  port: port(80),
  weight: 1,
  inhibitOnFailure: false,
  virtualhost: undefined,
  notifyUp: undefined,
  notifyDown: undefined,
  smtpAlert: true,
  ipvs: destinationIpvs,
  snmpName: undefined,
  checks: [tcpCheck()],
  ...over,
});

export const virtualServer = (over: Partial<VirtualServerConfig> = {}): VirtualServerConfig => ({
  at,
  service: { kind: "address", address: "192.0.2.1", port: port(80), protocol: "TCP" },
  scheduler: "wlc",
  forwarding: "DR",
  persistenceTimeoutSeconds: 0,
  persistenceGranularity: undefined,
  delayLoop: ms(60_000),
  quorum: 1,
  hysteresis: 0,
  quorumUp: undefined,
  quorumDown: undefined,
  sorryServer: undefined,
  sorryServerInhibit: false,
  alpha: false,
  omega: false,
  virtualhost: undefined,
  smtpAlert: false,
  ipvs: serviceIpvs,
  haSuspend: false,
  snmpName: undefined,
  realServers: [realServer()],
  ...over,
});

export const config = (virtualServers: readonly VirtualServerConfig[]): Config => emptyConfig({ virtualServers });

/** Target and parameters, not times: stands in for main/config/identity.ts. */
export const identityOf = (check: ServerCheckConfig): string =>
  createHash("sha256")
    .update(JSON.stringify({ ...check, timing: undefined }))
    .digest("base64url")
    .slice(0, 22);

/** For a director that remembers nothing over a restart, and whom nobody hears. */
export const unheard = {
  identityOf,
  known: () => undefined,
  remember: () => undefined,
  forget: () => undefined,
  onPoolChange: () => undefined,
  onServerEvent: () => undefined,
} satisfies Partial<DirectorDeps>;

export const pingCheck = (over: Partial<CheckTiming> = {}, address = "127.0.0.1"): PingCheckConfig => ({
  type: "PING_CHECK",
  timing: timing(over),
  target: target(address, 0),
});

export const spec = (id: number, check: CheckConfig, known?: "up" | "down", groups: number[] = []): CheckSpec => ({
  id: id as CheckSpec["id"],
  identity: `${identityOf(check)}-${id}`,
  check,
  known,
  groups,
});
