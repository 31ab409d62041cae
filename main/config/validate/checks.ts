import { familyOf, type IpAddress } from "../../address.js";
import { ms, type Port, port } from "../../units.js";
import { isLinkLocal6 } from "../ip.js";
import type { CheckDraft } from "../keywords/checks.js";
import type { ConnectionDraft } from "../keywords/connection.js";
import type { HttpCheckDraft } from "../keywords/http-check.js";
import type { RealServerDraft } from "../keywords/real-server.js";
import type { CheckTimingDraft } from "../keywords/timing.js";
import type { UrlDraft } from "../keywords/url.js";
import type { CheckTarget, CheckTiming, HttpCheckConfig, HttpUrlConfig } from "../model.js";
import type { BodyPattern, ServerCheckConfig } from "../model-checks.js";
import { DELAY_LOOP, noteFastInterval } from "./fast-interval.js";
import { finishHostCheck } from "./host-checks.js";
import type { RealServerContext } from "./real-servers.js";

type Connecting = Extract<CheckDraft, ConnectionDraft>;

/** A checker with inheritance and defaults; undefined when it has nothing to check. */
export function finishCheck(
  draft: CheckDraft,
  realServer: RealServerDraft,
  context: RealServerContext,
): ServerCheckConfig | undefined {
  if (draft.type !== "FILE_CHECK" && draft.type !== "BFD_CHECK") {
    noteFastInterval(draft, [realServer, context.draft], context.diagnostics);
  }
  if (draft.type === "MISC_CHECK" || draft.type === "FILE_CHECK" || draft.type === "BFD_CHECK") {
    return finishHostCheck(draft, realServer, context);
  }
  const target = targetOf(draft, realServer, context);
  return target === undefined ? undefined : finishConnecting(draft, target, realServer, context);
}

function finishConnecting(
  draft: Connecting,
  target: CheckTarget,
  realServer: RealServerDraft,
  context: RealServerContext,
): ServerCheckConfig | undefined {
  switch (draft.type) {
    case "TCP_CHECK": {
      const timing = timingOf(draft, realServer, context);
      return { type: draft.type, timing, target, closeWith: draft.closeWith ?? "reset" };
    }
    case "PING_CHECK":
      return { type: draft.type, timing: timingOf(draft, realServer, context), target };
    case "HTTP_GET":
    case "SSL_GET":
      return finishHttp(draft, target, realServer, context);
    case "SMTP_CHECK": {
      const heloName = draft.heloName ?? "smtpchecker.keepalived.org";
      return { type: draft.type, timing: timingOf(draft, realServer, context), target, heloName };
    }
    case "DNS_CHECK": {
      const timing = timingOf(draft, realServer, context, { retry: 3, pause: "delayLoop" });
      return { type: draft.type, timing, target, queryType: draft.queryType ?? "SOA", name: draft.name ?? "." };
    }
    case "UDP_CHECK":
      return {
        type: draft.type,
        timing: timingOf(draft, realServer, context),
        target,
        payload: draft.payload,
        requireReply: draft.requireReply ?? false,
        reply: draft.reply,
        minReplyLength: draft.minReplyLength ?? 0,
        maxReplyLength: draft.maxReplyLength ?? 255,
      };
  }
}

interface OwnDefaults {
  readonly retry?: number;
  /** Milliseconds, or as long as the interval. */
  readonly pause?: number | "delayLoop";
}

/** keepalived.conf(5): checker, else real server, else virtual server, else the checker's own default. */
export function timingOf(
  draft: CheckTimingDraft,
  realServer: RealServerDraft,
  { global, draft: virtualServer }: RealServerContext,
  { retry = 1, pause = 1000 }: OwnDefaults = {},
): CheckTiming {
  const delayLoop = draft.delayLoop ?? realServer.delayLoop ?? virtualServer.delayLoop ?? DELAY_LOOP;
  const ownPause = pause === "delayLoop" ? delayLoop : ms(pause);
  return shared({
    delayLoop,
    fastInterval: draft.fastInterval ?? realServer.fastInterval ?? virtualServer.fastInterval,
    jitter: draft.jitter ?? realServer.jitter ?? virtualServer.jitter ?? ms(0),
    connectTimeout: draft.connectTimeout ?? realServer.connectTimeout ?? virtualServer.connectTimeout ?? ms(5000),
    retry: draft.retry ?? realServer.retry ?? virtualServer.retry ?? retry,
    rise: draft.rise ?? realServer.rise ?? virtualServer.rise ?? 1,
    delayBeforeRetry:
      draft.delayBeforeRetry ?? realServer.delayBeforeRetry ?? virtualServer.delayBeforeRetry ?? ownPause,
    warmup: draft.warmup ?? realServer.warmup ?? virtualServer.warmup ?? delayLoop,
    alpha: draft.alpha ?? realServer.alpha ?? virtualServer.alpha ?? false,
    logAllFailures: draft.logAllFailures ?? global.checkerLogAllFailures ?? false,
  });
}

let lastTiming: CheckTiming | undefined;

/** Nearly all checks of a file have the same timing: one after the other, they share one object. */
function shared(timing: CheckTiming): CheckTiming {
  const last = lastTiming;
  const same =
    last !== undefined &&
    last.delayLoop === timing.delayLoop &&
    last.fastInterval === timing.fastInterval &&
    last.jitter === timing.jitter &&
    last.connectTimeout === timing.connectTimeout &&
    last.retry === timing.retry &&
    last.rise === timing.rise &&
    last.delayBeforeRetry === timing.delayBeforeRetry &&
    last.warmup === timing.warmup &&
    last.alpha === timing.alpha &&
    last.logAllFailures === timing.logAllFailures;
  if (same) return last;
  lastTiming = timing;
  return timing;
}

function targetOf(
  draft: Connecting,
  realServer: RealServerDraft,
  { service, diagnostics }: RealServerContext,
): CheckTarget | undefined {
  const address = draft.connectIp ?? realServer.address;
  const number = draft.connectPort ?? realServer.port ?? service.port;
  if (number === 0 && draft.type !== "PING_CHECK") {
    const message = `${draft.type} of real server ${realServer.address} has no port to connect to - ignoring`;
    diagnostics.warn("CFG_ADVICE", draft.at, message, "write: connect_port PORT");
    return undefined;
  }
  if (draft.bindInterface === undefined && isLinkLocal(address)) {
    const message = `Checker link local address ${address} requires a bind_if - ignoring ${draft.type}`;
    diagnostics.error("CFG_INCOMPLETE", draft.at, message, "write: bind_if INTERFACE");
    return undefined;
  }
  const bindAddress = bindAddressOf(draft, address);
  const bindPort: Port | undefined = draft.bindPort === undefined ? undefined : port(draft.bindPort);
  const { bindInterface, fwmark = 0 } = draft;
  return { address, port: port(number), bindAddress, bindPort, bindInterface, fwmark };
}

const isLinkLocal = (address: IpAddress): boolean => address.charCodeAt(0) === 0x66 && isLinkLocal6(address);

/** A connect_ip of the other family after `bindto` was refused where it stood. */
const bindAddressOf = ({ bindTo }: ConnectionDraft, target: IpAddress): IpAddress | undefined =>
  bindTo !== undefined && familyOf(bindTo) === familyOf(target) ? bindTo : undefined;

function finishHttp(
  draft: HttpCheckDraft,
  target: CheckTarget,
  realServer: RealServerDraft,
  context: RealServerContext,
): HttpCheckConfig | undefined {
  const { draft: virtualServer, diagnostics } = context;
  if (draft.urls.length === 0) {
    const message = "HTTP/SSL_GET checker has no urls specified - ignoring";
    diagnostics.error("CFG_INCOMPLETE", draft.at, message, "write: url { path / }");
    return undefined;
  }
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
    closeWith: draft.closeWith ?? "reset",
    sessionResumption: draft.sessionResumption ?? false,
    tls: draft.type === "SSL_GET" ? context.checkerTls : undefined,
    urls: draft.urls.map((url) => finishUrl(url, host, draft.tlsCompliant ?? false, context)),
    timing: timingOf(draft, realServer, context, { pause: 3000 }),
    target,
  };
}

const usual = [{ from: 200, to: 299 }] as const;

function finishUrl(
  url: UrlDraft,
  host: string,
  tlsCompliant: boolean,
  { diagnostics, patterns }: RealServerContext,
): HttpUrlConfig {
  if (url.pattern === undefined && (url.noMatch !== undefined || url.options !== undefined)) {
    const message = "regex_no_match or regex_options without regex - ignoring";
    diagnostics.warn("CFG_ADVICE", url.at, message, 'write: regex "pattern"');
  }
  const body = url.pattern === undefined ? undefined : bodyPattern(url, url.pattern);
  const isUsable = body === undefined || url.place === undefined || patterns.isUsable(body, url.place);
  return {
    path: url.path ?? "/",
    host: url.virtualhost ?? host,
    digest: url.digest,
    statusCodes: url.statusCodes.length > 0 ? url.statusCodes : usual,
    body: isUsable ? body : undefined,
    tlsCompliant: url.tlsCompliant ?? tlsCompliant,
  };
}

function bodyPattern(url: UrlDraft, pattern: string): BodyPattern {
  const { minOffset = 0, maxOffset } = url;
  // keepalived.conf(5): a beginning that is not before the end clears both.
  const fits = maxOffset === undefined || minOffset < maxOffset;
  return {
    pattern,
    options: url.options ?? [],
    noMatch: url.noMatch ?? false,
    minOffset: fits ? minOffset : 0,
    maxOffset: fits ? maxOffset : undefined,
    stack: url.stack,
  };
}
