import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const projectRoot = fileURLToPath(new URL("../../../", import.meta.url));

/** Raw, so that the tests can hand over what the typed faces would not. */
export interface RawObject extends Disposable {
  readonly [member: string]: unknown;
  close(): void;
}

type RawClass = new (...args: readonly unknown[]) => RawObject;

export interface RawAddon {
  readonly NetlinkSocket: RawClass;
  readonly PacketSocket: RawClass;
  readonly Ipv6AdvertReader: RawClass;
  readonly Ipv4AdvertSender: RawClass;
  readonly Ipv6AdvertSender: RawClass;
  readonly UdpReader: RawClass;
  readonly UdpSender: RawClass;
  readonly DeadlineTimer: RawClass;
  readonly ScriptProcess: RawClass;
  readonly UnixDatagram: RawClass;
  readonly ProbeEngine: RawClass;
  readonly tlsErrorText: (...args: readonly unknown[]) => string;
  readonly compilePattern: (...args: readonly unknown[]) => unknown;
  readonly closeOnExecFrom: (...args: readonly unknown[]) => unknown;
  readonly diskAnswers: (...args: readonly unknown[]) => boolean;
  readonly mapShared: (...args: readonly unknown[]) => Buffer;
  readonly makeFifo: (...args: readonly unknown[]) => unknown;
  readonly setThreadNice: (...args: readonly unknown[]) => unknown;
  readonly findRawSocket: (...args: readonly unknown[]) => unknown;
  readonly setRawSocketFilter: (...args: readonly unknown[]) => unknown;
  readonly setUdpSocketFilter: (...args: readonly unknown[]) => unknown;
  readonly setThreadClass: (...args: readonly unknown[]) => unknown;
  readonly setNiceOfThread: (...args: readonly unknown[]) => unknown;
  readonly setThreadCpus: (...args: readonly unknown[]) => unknown;
  readonly threadCpus: (...args: readonly unknown[]) => unknown;
  readonly threadId: (...args: readonly unknown[]) => unknown;
  readonly setRealTimeLimit: (...args: readonly unknown[]) => unknown;
  readonly beginCeiling: (...args: readonly unknown[]) => unknown;
  readonly endCeiling: (...args: readonly unknown[]) => unknown;
  readonly nap: (...args: readonly unknown[]) => unknown;
  readonly takeBreaks: (...args: readonly unknown[]) => unknown;
  readonly lockMemory: (...args: readonly unknown[]) => unknown;
  readonly readThread: (...args: readonly unknown[]) => unknown;
  readonly exitWithin: (...args: readonly unknown[]) => unknown;
  readonly bootTime: (...args: readonly unknown[]) => number;
}

/** HOLDFAST_TEST_ADDON: another build of it, with sanitizers for instance (asan.test.ts). */
export const addonFile = process.env["HOLDFAST_TEST_ADDON"] ?? join(projectRoot, "build/Release/holdfast.node");

export const addon = createRequire(import.meta.url)(addonFile) as RawAddon;

/** Calls a member of a raw object that is a function. */
export function call(object: RawObject, name: string, ...args: readonly unknown[]): unknown {
  const member = object[name];
  if (typeof member !== "function") throw new TypeError(`${name} is no method`);
  return Reflect.apply(member, object, args);
}

/** A script as ourselves. */
export function script(command: string, onExit: (status: number, signal: number) => void): RawObject {
  const ids = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];
  const argv = ["/bin/sh", "-c", command];
  return new addon.ScriptProcess(argv, ["PATH=/bin:/usr/bin"], ...ids, [], onExit, notStarted);
}

const localhost = Uint8Array.of(127, 0, 0, 1);

/** A UDP reader, and who sends to it, on a port below those that the kernel gives away (ip_local_port_range). */
export function udpPair(view: Uint8Array, onDatagram: (length: number, ttl: number) => void): [RawObject, RawObject] {
  for (let tries = 1; ; tries++) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    try {
      const reader = new addon.UdpReader(false, port, 1 << 16, view, onDatagram, () => undefined);
      return [reader, new addon.UdpSender(localhost, 0, localhost, port, 255)];
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EADDRINUSE") || tries === 20) throw error;
    }
  }
}
export const notStarted = (errno: number, syscall: string): never => {
  throw new Error(`not started: ${syscall} errno ${errno}`);
};

/** RTM_GETLINK of lo, or of all interfaces (linux/rtnetlink.h): struct nlmsghdr and struct ifinfomsg, little endian hosts. */
export function getLink(what: "lo" | "all"): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(32));
  const little = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
  const NLM_F_REQUEST = 1;
  const NLM_F_DUMP = 0x300;
  bytes.setUint32(0, 32, little);
  bytes.setUint16(4, 18, little);
  bytes.setUint16(6, what === "all" ? NLM_F_REQUEST | NLM_F_DUMP : NLM_F_REQUEST, little);
  bytes.setUint32(8, 1, little);
  bytes.setInt32(20, what === "all" ? 0 : 1, little);
  return new Uint8Array(bytes.buffer);
}

/** Waits for a condition, with a bound of 20 s: far above any single step here, also under a sanitizer. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within 20 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
