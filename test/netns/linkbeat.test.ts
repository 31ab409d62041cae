import { test } from "node:test";
import { holdfast, keepalived } from "../harness/daemon.js";
import { Lan, plainHosts } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";
import { config, holdsAlone } from "./pairing.js";

/** A polled interface: the device answers, a pulled cable is a fault, and a plugged one ends it with the next answer. */

const SETTLE_MS = 15_000;
const options = { skip: needs("root", "netns", "native", "keepalived"), timeout: 60_000 };

for (const { method, answers } of [
  { method: "", answers: "ETHTOOL" }, // veth has no MII
  { method: "IOCTL", answers: "IOCTL" },
]) {
  test(`linkbeat_interfaces eth0 ${method}: asked by ${answers}`, options, async () => {
    await using lan = await Lan.create(plainHosts("a", "b"));
    const [a, b] = [lan.host("a"), lan.host("b")];
    const router = { version: 3, advertInt: 100 } as const;
    await b.start(keepalived, config(router, 100), ["--vrrp"]);
    const blocks = [`linkbeat_interfaces {\n  eth0 ${method}\n}`];
    const daemon = await a.start(holdfast("memory"), config(router, 200, { blocks }), ["--vrrp"]);
    const says = async (what: string) => (await daemon.log()).includes(what);
    await until("a is master", SETTLE_MS, () => holdsAlone(a, b));
    await until("the device has answered", 10_000, () => says(`eth0: its link is asked for by ${answers}`));
    await lan.cut("a", "carrier");
    await until("polling sees it", 10_000, () => says("Linkbeat reports eth0 down"));
    await until("b takes over, and a has given way", 10_000, () => holdsAlone(b, a));
    await lan.heal("a");
    await until("polling sees it come back", 10_000, () => says("Linkbeat reports eth0 up"));
    await until("a is master again", SETTLE_MS, () => holdsAlone(a, b));
  });
}
