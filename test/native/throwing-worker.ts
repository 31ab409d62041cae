/** For hostile.test.ts: callbacks that throw, with and without a handler for uncaught exceptions. */
import { parentPort, workerData } from "node:worker_threads";
import { addon, call, getLink, type RawObject, script, udpPair } from "./addon-under-test.js";
import { specOf } from "./probe-spec.js";

const [which, caught] = String(workerData).split(" ");
const TIMES = 5;
const messages: string[] = [];

const fail = (): void => {
  throw new Error(`thrown by ${which}`);
};

function start(): RawObject {
  switch (which) {
    case "netlink": {
      const socket = new addon.NetlinkSocket(0, 1 << 20, fail, fail);
      for (let i = 0; i < TIMES; i++) call(socket, "send", getLink("lo"));
      return socket;
    }
    case "timer": {
      const timer = new addon.DeadlineTimer(fail);
      call(timer, "arm", 0);
      return timer;
    }
    case "udp": {
      const [reader, sender] = udpPair(new Uint8Array(96), fail);
      for (let i = 0; i < TIMES; i++) call(sender, "send", new Uint8Array(24));
      return reader;
    }
    case "probe": {
      const engine = new addon.ProbeEngine({ inFlight: 10, inFlightPerHost: 0 }, fail);
      again(engine, Number(call(engine, "add", specOf({ port: 1 }))));
      return engine;
    }
    default:
      return script("exit 0", fail);
  }
}

/** A check that gives one result. */
function again(engine: RawObject, slot = 0): void {
  call(engine, "arm", slot, 0, 0, 0, 0);
}

const object = start();
if (caught !== undefined)
  process.on("uncaughtException", (error) => {
    messages.push(error.message);
    if (messages.length < TIMES) {
      if (which === "timer") call(object, "arm", 0);
      if (which === "probe") again(object);
      return;
    }
    object.close();
    parentPort?.postMessage(messages);
  });
