import { familyOf } from "../../address.js";
import { ms, type Port, port } from "../../units.js";
import type { Diagnostics } from "../diagnostics.js";
import type { CheckDraft, HttpCheckDraft } from "../keywords/checks.js";
import type { GlobalDraft } from "../keywords/global-defs.js";
import type { RealServerDraft } from "../keywords/real-server.js";
import type { VirtualServerDraft } from "../keywords/virtual-server.js";
import type { CheckConfig, CheckTarget, CheckTiming, HttpCheckConfig } from "../model.js";

/** From whom a checker inherits. */
export interface CheckParents {
  readonly global: GlobalDraft;
  readonly virtualServer: VirtualServerDraft;
  readonly realServer: RealServerDraft;
  /** Port to check when neither checker nor real server says one. */
  readonly servicePort: number;
}

/** A checker with inheritance and defaults; undefined when it has nothing to check. */
export function finishCheck(
  draft: CheckDraft | HttpCheckDraft,
  parents: CheckParents,
  diagnostics: Diagnostics,
): CheckConfig | undefined {
  const target = targetOf(draft, parents, diagnostics);
  if (target === undefined) return undefined;
  const timing = timingOf(draft, parents);
  if (!("urls" in draft)) return { type: "TCP_CHECK", timing, target };
  if (draft.urls.length === 0) {
    const message = "HTTP/SSL_GET checker has no urls specified - ignoring";
    diagnostics.error("CFG_INCOMPLETE", draft.at, message, "write: url { path / }");
    return undefined;
  }
  return { ...httpPart(draft, target, parents), timing, target };
}

/** keepalived.conf(5): checker, else real server, else virtual server, else keepalived's default. */
function timingOf(draft: CheckDraft, { global, virtualServer, realServer }: CheckParents): CheckTiming {
  const delayLoop = draft.delayLoop ?? realServer.delayLoop ?? virtualServer.delayLoop ?? ms(60_000);
  const retryPause = ms(draft.type === "TCP_CHECK" ? 1000 : 3000);
  return {
    delayLoop,
    connectTimeout: draft.connectTimeout ?? realServer.connectTimeout ?? virtualServer.connectTimeout ?? ms(5000),
    retry: draft.retry ?? realServer.retry ?? virtualServer.retry ?? 1,
    delayBeforeRetry:
      draft.delayBeforeRetry ?? realServer.delayBeforeRetry ?? virtualServer.delayBeforeRetry ?? retryPause,
    warmup: draft.warmup ?? realServer.warmup ?? virtualServer.warmup ?? delayLoop,
    alpha: draft.alpha ?? realServer.alpha ?? virtualServer.alpha ?? false,
    logAllFailures: draft.logAllFailures ?? global.checkerLogAllFailures ?? false,
  };
}

function targetOf(draft: CheckDraft, parents: CheckParents, diagnostics: Diagnostics): CheckTarget | undefined {
  const { realServer, servicePort } = parents;
  const address = draft.connectIp ?? realServer.address;
  const number = draft.connectPort ?? realServer.port ?? servicePort;
  if (number === 0) {
    const message = `${draft.type} of real server ${realServer.address} has no port to connect to - ignoring`;
    diagnostics.error("CFG_INCOMPLETE", draft.at, message, "write: connect_port PORT");
    return undefined;
  }
  let bindAddress = draft.bindTo;
  if (bindAddress !== undefined && familyOf(bindAddress) !== familyOf(address)) {
    const message = `${draft.type} bindto ${bindAddress} is not of the family of ${address} - ignoring`;
    diagnostics.error("CFG_BAD_VALUE", draft.at, message, "bind to an address of the same family");
    bindAddress = undefined;
  }
  const bindPort: Port | undefined = draft.bindPort === undefined ? undefined : port(draft.bindPort);
  return { address, port: port(number), bindAddress, bindPort };
}

function httpPart(
  draft: HttpCheckDraft,
  target: CheckTarget,
  { realServer, virtualServer }: CheckParents,
): Omit<HttpCheckConfig, "timing" | "target"> {
  const bracketed = familyOf(target.address) === "inet6" ? `[${target.address}]` : target.address;
  // keepalived.conf(5): a virtualhost stands alone, an address with its port.
  const host =
    draft.virtualhost ?? realServer.virtualhost ?? virtualServer.virtualhost ?? `${bracketed}:${target.port}`;
  return {
    type: draft.type,
    httpProtocol: draft.httpProtocol ?? "1.0",
    enableSni: draft.enableSni ?? false,
    sniName: draft.sniName,
    fastRecovery: draft.fastRecovery ?? false,
    urls: draft.urls.map((url) => ({
      path: url.path ?? "/",
      host: url.virtualhost ?? host,
      digest: url.digest,
      statusCodes: url.statusCodes.length > 0 ? url.statusCodes : [{ from: 200, to: 299 }],
    })),
  };
}
