import { connect, type NetConnectOpts, type Socket } from "node:net";
import type { CheckTarget, TcpCheckConfig } from "../main/config/model.js";
import { codeOf, monotonicMs, outcomeOfErrno } from "./outcome.js";
import type { ProbeResult, Prober } from "./prober.js";
import type { Outcome } from "./protocol.js";

/** The options of node:net for a target: no name is ever looked up, no second family tried. */
export function connectOptions(target: CheckTarget): NetConnectOpts {
  return {
    host: target.address,
    port: target.port,
    autoSelectFamily: false,
    ...(target.bindAddress === undefined ? {} : { localAddress: target.bindAddress }),
    ...(target.bindPort === undefined ? {} : { localPort: target.bindPort }),
  };
}

/** TCP_CHECK: success is a completed connect. Nothing is sent. */
export class TcpProber implements Prober<TcpCheckConfig> {
  probe(check: TcpCheckConfig, _url: number, done: (result: ProbeResult) => void): Disposable {
    const started = monotonicMs();
    const socket = connect(connectOptions(check.target));
    const finish = (outcome: Outcome, detail: string): void => {
      dispose();
      const latency = (monotonicMs() - started) as ProbeResult["latency"];
      done({ outcome, latency, status: 0, detail });
    };
    const timer = setTimeout(() => finish("timeout", "Timeout connecting"), Math.ceil(check.timing.connectTimeout));
    const dispose = (): void => {
      clearTimeout(timer);
      abandon(socket);
    };
    socket.once("connect", () => finish("up", ""));
    socket.once("error", (error) => finish(outcomeOfErrno(codeOf(error)), `Connection failed: ${codeOf(error)}`));
    return { [Symbol.dispose]: dispose };
  }
}

/** Lets go of a socket at once. RST instead of FIN: thousands of checks leave no TIME_WAIT, and no close waits for an ACK. */
export function abandon(socket: Socket): void {
  socket.removeAllListeners();
  socket.on("error", () => {}); // what was under way may still fail; nobody asks any more
  if (socket.connecting) socket.destroy();
  else socket.resetAndDestroy();
}
