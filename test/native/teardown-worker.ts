/** For teardown.test.ts: one live handle of every class, all of them busy, in a worker that is about to be ended. */
import { closeSync, ftruncateSync, openSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parentPort, threadId } from "node:worker_threads";
import { addon, call, getLink, type RawObject, script } from "./addon-under-test.js";

const netlink = new addon.NetlinkSocket(
  0,
  1 << 20,
  () => void call(netlink, "send", getLink("lo")),
  () => undefined,
);
for (let i = 0; i < 4; i++) call(netlink, "send", getLink("lo"));
call(netlink, "join", 1);

const timer: RawObject = new addon.DeadlineTimer(() => call(timer, "arm", addon.bootTime() + 0.05));
call(timer, "arm", 0);

const child = script("sleep 1000 & sleep 1000", () => undefined);
const closed = script("sleep 1000", () => undefined);
closed.close();
script("exit 0", () => undefined);

const file = join(tmpdir(), `holdfast-teardown-${process.pid}-${threadId}`);
const fd = openSync(file, "w+");
unlinkSync(file);
ftruncateSync(fd, 65_536);
const mapped = addon.mapShared(fd, 65_536);
closeSync(fd);
mapped.fill(1);

const others = [new addon.UnixDatagram(), ...(process.geteuid?.() === 0 ? [new addon.PacketSocket()] : [])];
parentPort?.postMessage([child["pid"], closed["pid"]]);
parentPort?.on("message", () => process.exit(others.length));
