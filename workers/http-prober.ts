import { isIP, connect as netConnect, type Socket } from "node:net";
import { createSecureContext, type SecureContext, connect as tlsConnect } from "node:tls";
import type { HttpCheckConfig, HttpUrlConfig } from "../main/config/model.js";
import type { Milliseconds } from "../main/units.js";
import { httpRequest } from "./http-request.js";
import { HttpResponse } from "./http-response.js";
import { codeOf, detailText, monotonicMs, outcomeOfErrno } from "./outcome.js";
import type { ProbeResult, Prober } from "./prober.js";
import type { Outcome } from "./protocol.js";
import { abandon, connectOptions } from "./tcp-prober.js";

type Phase = "connect" | "handshake" | "response";

const lateIn: Readonly<Record<Phase, string>> = {
  connect: "Timeout connecting",
  handshake: "Timeout in TLS handshake",
  response: "Timeout HTTP read",
};

/**
 * HTTP_GET and SSL_GET. Own bytes over node:net and node:tls instead of undici: keepalived's request lines (spelling, order,
 * HTTP/1.0) cannot be had from it, and it undoes chunking, which would change every digest taken with genhash.
 */
export class HttpProber implements Prober<HttpCheckConfig> {
  /** Made once: OpenSSL loads its root certificates into each. */
  #secureContext: SecureContext | undefined;

  probe(check: HttpCheckConfig, url: number, done: (result: ProbeResult) => void): Disposable {
    const wanted = check.urls[url];
    if (wanted === undefined) throw new RangeError(`check has no URL ${url}`);
    const tls = check.type === "SSL_GET";
    const socket = tls ? this.#tlsSocket(check, wanted) : netConnect(connectOptions(check.target));
    return new Exchange(socket, { check, url: wanted, tls, done });
  }

  #tlsSocket(check: HttpCheckConfig, url: HttpUrlConfig): Socket {
    // keepalived verifies no certificate and speaks to any version; what is old or self-signed still has to be checked.
    this.#secureContext ??= createSecureContext({ minVersion: "TLSv1", ciphers: "DEFAULT:@SECLEVEL=0" });
    const servername = serverName(check, url);
    return tlsConnect({
      ...connectOptions(check.target),
      secureContext: this.#secureContext,
      rejectUnauthorized: false,
      ...(servername === undefined ? {} : { servername }),
    });
  }
}

/** Only with `enable_sni`: sni_name, else the virtual host. Never an address (RFC 6066 §3). */
export function serverName(check: HttpCheckConfig, url: HttpUrlConfig): string | undefined {
  if (!check.enableSni) return undefined;
  const name = check.sniName ?? url.host;
  const bare = name.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  return isIP(bare) === 0 && isIP(name) === 0 ? bare : undefined;
}

interface Job {
  readonly check: HttpCheckConfig;
  readonly url: HttpUrlConfig;
  readonly tls: boolean;
  readonly done: (result: ProbeResult) => void;
}

/** One request and its response. Each phase as a whole has `connect_timeout`: dripping bytes buy no time. */
class Exchange implements Disposable {
  readonly #socket: Socket;
  readonly #job: Job;
  readonly #started = monotonicMs();
  readonly #response: HttpResponse;
  #phase: Phase = "connect";
  #timer: NodeJS.Timeout;

  constructor(socket: Socket, job: Job) {
    this.#socket = socket;
    this.#job = job;
    this.#response = new HttpResponse(job.url);
    this.#timer = this.#armed();
    socket.once("connect", () => this.#enter(job.tls ? "handshake" : "response"));
    if (job.tls) socket.once("secureConnect", () => this.#enter("response"));
    socket.on("data", (chunk: Buffer) => {
      if (this.#response.feed(chunk)) this.#judge();
    });
    socket.once("end", () => this.#closedByServer());
    socket.once("close", () => this.#closedByServer()); // TLS without close_notify has no "end"
    socket.once("error", (error) => this.#failed(error));
  }

  #armed(): NodeJS.Timeout {
    const bound = Math.ceil(this.#job.check.timing.connectTimeout);
    return setTimeout(() => this.#finish("timeout", 0, lateIn[this.#phase]), bound);
  }

  #enter(phase: Phase): void {
    this.#phase = phase;
    clearTimeout(this.#timer);
    this.#timer = this.#armed();
    if (phase === "response") this.#socket.write(httpRequest(this.#job.check.httpProtocol, this.#job.url), "latin1");
  }

  #closedByServer(): void {
    if (this.#phase === "handshake") this.#finish("tls-error", 0, "Closed in TLS handshake");
    else this.#judge();
  }

  #judge(): void {
    const { outcome, status, detail } = this.#response.verdict();
    this.#finish(outcome, status, detail);
  }

  #failed(error: Error): void {
    const code = codeOf(error);
    const errno = outcomeOfErrno(code);
    if (this.#phase === "connect") this.#finish(errno, 0, `Connection failed: ${code}`);
    else if (this.#phase === "handshake") this.#finish("tls-error", 0, `TLS handshake failed: ${error.message}`);
    else if (errno !== "no-resources") this.#finish(errno, 0, `HTTP read failed: ${code}`);
    else this.#finish(this.#job.tls ? "tls-error" : "bad-response", 0, `HTTP read failed: ${error.message}`);
  }

  #finish(outcome: Outcome, status: number, detail: string): void {
    this[Symbol.dispose]();
    const latency = (monotonicMs() - this.#started) as Milliseconds;
    this.#job.done({ outcome, latency, status, detail: detailText(detail) });
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    if (this.#job.tls) abandonTls(this.#socket);
    else abandon(this.#socket);
  }
}

/** Quiet shutdown, as keepalived without `tls_compliant`: no close_notify is waited for. */
function abandonTls(socket: Socket): void {
  socket.removeAllListeners();
  socket.on("error", () => {});
  socket.destroy();
}
